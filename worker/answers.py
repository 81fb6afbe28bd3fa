"""Whatever a child process can be asked."""

from proofs.devices import counting_on
from proofs.questions import BEST_WITHIN, COUNTEREXAMPLES, RECHECK
from worker.catalogue import prove_together
from worker.limits import Report, Work
from worker.messages import Request
from worker.questions import best_proof, wrong_inputs
from worker.rechecks import check_again
from worker.run import prove_model
from worker.shards import prove_shard, put_together

QUESTIONS: dict[str, Work] = {BEST_WITHIN: best_proof, COUNTEREXAMPLES: wrong_inputs, RECHECK: check_again}


def answer_to(request: Request, report: Report) -> bytes:
    with counting_on(request.device):
        return _answer(request, report)


def _answer(request: Request, report: Report) -> bytes:
    if request.together:
        return prove_together(request, report)
    if request.results:
        return put_together(request, report)
    if request.shard is not None:
        return prove_shard(request, report)
    return QUESTIONS.get(request.strategy, prove_model)(request, report)
