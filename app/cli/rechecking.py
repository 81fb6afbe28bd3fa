"""`proofboard recheck`: stored claims derived again, several at once, each answer kept as soon as it is there.

That is all there is to going on after an interruption: what has an answer of this version is not asked again. Each check runs
as the worker runs it, in a process of its own under limits.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event
from time import monotonic

from app.cli.proving import limits_of
from app.storage import checks, models, proofs, rechecks
from app.storage.blobs import BlobStore
from app.storage.checks import NewCheck
from app.storage.engine import Database
from app.storage.records import ProofRecord, Verdict
from proofs.questions import RECHECK
from worker import limits
from worker.limits import End, Ending
from worker.messages import Claimed, Request, read_all
from worker.work import answer, prepare

WHY = {End.TIMEOUT: "Not done in time: raise --timeout.", End.OUT_OF_MEMORY: "This machine has too little memory."}


@dataclass(frozen=True)
class Rechecker:
    database: Database
    blobs: BlobStore
    program: str
    timeout: float | None = None
    """Seconds for each check."""
    jobs: int = 1
    """Checks at once."""
    _stop: Event = field(default_factory=Event)

    def run(self, wanted: Sequence[int]) -> Generator[tuple[ProofRecord, NewCheck]]:
        """Each check once it is kept, in the order in which they end. Closed early, it stops the others and waits for them.

        Raises `ProofNotFound` or `NothingToCheck` when it comes to such a proof.
        """
        if not wanted:
            return
        prepare()
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                for ended in as_completed([pool.submit(self._check, proof_id) for proof_id in wanted]):
                    found = ended.result()
                    if found is not None:
                        with self.database.writing() as session:
                            checks.add(session, found[1])
                        yield found
            finally:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _check(self, proof_id: int) -> tuple[ProofRecord, NewCheck] | None:
        """None if it was stopped."""
        proof, request = self._request(proof_id)
        started = monotonic()
        ending = limits.run(answer, request, limits_of(self.timeout), watch=lambda _: not self._stop.is_set())
        if ending.end is End.UNWANTED or request.claimed is None:
            return None
        accepted, message = _said(ending)
        return proof, NewCheck(
            proof_id, request.claimed.blob, rechecks.checker(self.program), accepted, message, monotonic() - started
        )

    def _request(self, proof_id: int) -> tuple[ProofRecord, Request]:
        with self.database.reading() as session:
            proof = proofs.get(session, proof_id)
            model = models.get(session, proof.model_digest)
        rechecks.require(self.program, proof)
        certificate, correct = str(proof.certificate), proof.correct or 0
        claimed = Claimed(self.blobs.path(certificate), certificate, correct, proof.wrong or 0)
        return proof, Request(
            model.digest, self.blobs.path(model.blob), model.blob, RECHECK, proof.variant, {"checker": self.program},
            claimed=claimed,
        )  # fmt: skip


def _said(ending: Ending) -> tuple[bool | None, str]:
    if ending.end is End.RESULT:
        ((said, _),) = read_all(ending.content)
        return rechecks.DECIDED.get(Verdict(said["verdict"])), said["message"]
    error = ending.content.decode("utf-8", "replace").strip() or "It ended without a word."
    return None, WHY.get(ending.end, error.splitlines()[-1])
