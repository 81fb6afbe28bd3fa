"""Questions about a model that are no strategies (`proofs.questions`), answered inside a child process."""

from dataclasses import asdict
from time import perf_counter

from proofs.budget import best_within
from proofs.certificate import certificate_of
from proofs.counterexamples import worst_inputs
from proofs.errors import NotApplicable
from proofs.prove import prove
from proofs.strategies import BY_NAME
from worker.limits import Report
from worker.messages import Request, line, write
from worker.run import figures, model_of, not_applicable, peak_memory_mb

FORMAT = "proofboard-counterexamples-v1"


def best_proof(request: Request, report: Report) -> bytes:
    """The best proof within `budget` operations, with the strategy and the hints that were chosen.

    It is checked a second time, by itself: the search's time is not the check's.
    """
    model, budget = model_of(request), int(request.parameters["budget"])
    started = perf_counter()
    found = best_within(model, budget, report=report)
    if found is None:
        reason = NotApplicable(f"No strategy says anything about this model within {budget:,} operations: allow more.")
        return write(not_applicable(reason, perf_counter() - started))
    searched = perf_counter()
    claim = prove(model, BY_NAME[found.strategy], found.variant, hints=found.hints)
    chosen = {name: value for name, value in claim.hints.items() if isinstance(value, int | float | str)}
    said = figures(claim) | {
        "strategy": claim.strategy,
        "parameters": {**chosen, "budget": budget},
        "seconds": perf_counter() - searched,
        "search_seconds": searched - started,
    }
    return write((said, certificate_of(claim)))


def wrong_inputs(request: Request, report: Report) -> bytes:
    """Inputs that are wrong for certain; the certificate lists them. That there are so many is all that is claimed."""
    model, most = model_of(request), int(request.parameters["most"])
    started = perf_counter()
    try:
        found = worst_inputs(model, most)
    except NotApplicable as reason:
        return write(not_applicable(reason, perf_counter() - started))
    report(1, 1)
    said = {
        "verdict": "proved" if found else "vacuous",
        "message": "" if found else "No input was found that is wrong for certain.",
        "wrong": len(found),
        "seconds": perf_counter() - started,
        "peak_memory_mb": peak_memory_mb(),
    }
    inputs = [{**asdict(one), "by": one.by} for one in found]
    return write((said, line({"format": FORMAT, "model": model.digest, "inputs": inputs})))
