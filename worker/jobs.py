"""One job's life: start it, compute in a child under limits, store how it ended.

Everything here may happen twice, because a worker may die anywhere: what is said about an attempt that is over changes
nothing. While the database is away or the disk is full, a finished result waits in memory.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import BoundedSemaphore, Event
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from app.errors import DatabaseBusy, StorageFull
from app.storage import attempts, models, proofs
from app.storage.blobs import BlobStore
from app.storage.engine import Database
from app.storage.queue import Queue
from app.storage.records import Job, ModelRecord, Outcome, ProofRecord, Shard, Verdict
from proofs.devices import COMPILED
from proofs.questions import BEST_WITHIN, COUNTEREXAMPLES, RECHECK
from worker import limits
from worker.limits import End, Ending, Limits, Work
from worker.messages import Claimed, Figures, Request, is_final, read_all

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

logger = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often a running job looks whether it is still wanted."""

WRITE_S = 1.0
"""How often its progress is written, at most."""

PATIENCE_S = (0.1, 5.0)
"""First and longest pause before the database or the disk is tried again."""

Result = TypeVar("Result")


class Stopped(Exception):
    """The worker is asked to stop, and this job cannot be put away now: whoever finds it does it again."""


@dataclass(frozen=True)
class Bench:
    """What a job needs to be done."""

    database: Database
    queue: Queue
    blobs: BlobStore
    limits: Limits
    work: Work
    device: str = COMPILED
    """Where dynamic programmes run."""
    slots: int = 1
    stopping: Event = field(default_factory=Event)
    at: Callable[[str], None] = lambda moment: None
    """Called at `after_claim`, `in_compute`, `before_save` and `after_save_commit`, and for shards at `before_shard`,
    `after_shard_commit` and `before_assembling`: tests die there."""
    places: BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", BoundedSemaphore(self.slots))


@dataclass(frozen=True)
class _Task:
    proof: ProofRecord
    """The one, or the first of several."""
    together: tuple[str, ...]
    """The strategies of all, if they are several."""
    model: ModelRecord
    claimed: Claimed | None
    """What is checked again, where that is the job."""
    shard: Shard | None
    """Of a long proof, where the job is one."""


def run(bench: Bench, job: Job) -> None:
    """Brings one attempt to its end, unless it is over already or the worker stops: then the next attempt is queued."""
    with bench.places:
        if bench.stopping.is_set():
            _give_back(bench, job)
        else:
            _run(bench, job)


def _run(bench: Bench, job: Job) -> None:
    extra = {"action": "job", "proof": job.proof_id, "attempt": job.attempt, "shard": job.shard}
    started = _patiently(bench, lambda session: _start(bench, session, job))
    if started is None:
        logger.info("job is over already", extra=extra)
        return
    bench.at("after_claim")
    try:
        outcome = _compute(bench, job, started)
    except Stopped:
        raise
    except Exception as error:  # the one place where a worker's trouble ends a proof: nothing may leave it running
        logger.exception("job failed", extra=extra)
        outcome = Outcome(Verdict.ERROR, f"The worker could not run the proof: {error}")
    if outcome is None:
        if bench.stopping.is_set():
            _give_back(bench, job)
        return
    bench.at("before_save")
    _patiently(bench, lambda session: _store(session, job, outcome))
    bench.at("after_save_commit")
    verdicts = [outcome.verdict] if isinstance(outcome, Outcome) else [one.verdict for one in outcome.values()]
    logger.info("job ended", extra=extra | {"verdict": ", ".join(sorted(set(verdicts)))})


def _store(session: "Session", job: Job, outcome: Outcome | Mapping[str, Outcome]) -> bool:
    if isinstance(outcome, Outcome):
        return attempts.finish(session, job, outcome)
    return attempts.finish_each(session, job, outcome)


def _give_back(bench: Bench, job: Job) -> None:
    _patiently(bench, lambda session: attempts.give_back(session, bench.queue, job))


def _start(bench: Bench, session: "Session", job: Job) -> _Task | None:
    proof = attempts.start(session, job)
    if proof is None:
        return None
    strategies = attempts.strategies(session, job)
    model = models.get(session, proof.model_digest)
    shard = None if job.shard is None else attempts.shard(session, job)
    return _Task(proof, strategies if len(strategies) > 1 else (), model, _claimed(bench, session, proof), shard)


def _claimed(bench: Bench, session: "Session", job: ProofRecord) -> Claimed | None:
    if job.strategy != RECHECK:
        return None
    proof = proofs.get(session, int(job.parameters["proof"]))
    if proof.certificate is None or proof.correct is None:
        return None
    return Claimed(bench.blobs.path(proof.certificate), proof.certificate, proof.correct, proof.wrong or 0)


def _compute(bench: Bench, job: Job, task: _Task) -> Outcome | Mapping[str, Outcome] | None:
    """How the work ended; None if it was stopped because nobody wants it or because the worker stops, or if it was a shard
    and others are still missing."""
    proof, model, shard = task.proof, task.model, task.shard
    request = Request(
        model.digest, bench.blobs.path(model.blob), model.blob, proof.strategy, proof.variant, proof.parameters,
        together=task.together, claimed=task.claimed, device=bench.device,
        shard=None if shard is None else (shard.number, shard.of), results=() if shard is None else shard.results,
    )  # fmt: skip
    if request.results:
        bench.at("before_assembling")
    ending = limits.run(bench.work, request, bench.limits, watch=_Watch(bench, job, _counted(request)))
    if shard is None or shard.results or ending.end is not End.RESULT or is_final(ending.content):
        return _ended(bench, task, ending)
    results = _keep(bench, job, ending.content.decode())
    return _compute(bench, job, replace(task, shard=replace(shard, results=results))) if results else None


def _keep(bench: Bench, job: Job, found: str) -> tuple[str, ...]:
    """All results if this shard was the last, else none: somebody else puts the proof together."""
    bench.at("before_shard")
    results = _patiently(bench, lambda session: attempts.store_shard(session, job, found))
    bench.at("after_shard_commit")
    return results


def _ended(bench: Bench, task: _Task, ending: Ending) -> Outcome | Mapping[str, Outcome] | None:
    match ending.end:
        case End.RESULT if task.together:
            return {said["strategy"]: _outcome(bench, said, proof) for said, proof in read_all(ending.content)}
        case End.RESULT:
            ((said, certificate),) = read_all(ending.content)
            return _outcome(bench, said, certificate)
        case End.UNWANTED:
            return None
        case _:
            return _without_result(bench.limits, ending)


def _counted(request: Request) -> str:
    """What the reports of this work count."""
    if request.together:
        return "strategies checked"
    return {BEST_WITHIN: "candidates tried", COUNTEREXAMPLES: "searches made"}.get(request.strategy, "queries checked")


def _outcome(bench: Bench, said: Figures, certificate: bytes) -> Outcome:
    outcome = Outcome(**(said | {"verdict": Verdict(said["verdict"])}))
    if not certificate:
        return outcome
    digest = _insist(bench, lambda: bench.blobs.put(certificate))
    return Outcome(**(vars(outcome) | {"certificate": digest, "certificate_bytes": len(certificate)}))


def _without_result(limit: Limits, ending: Ending) -> Outcome:
    match ending.end:
        case End.TIMEOUT:
            return Outcome(
                Verdict.TIMEOUT,
                f"Stopped after {limit.seconds:,g} s, the time limit of a proof. Choose a shorter proof, or raise "
                "PROOFBOARD_PROOF_TIME_LIMIT_S and request it again.",
                seconds=limit.seconds,
            )
        case End.OUT_OF_MEMORY:
            return Outcome(
                Verdict.OUT_OF_MEMORY,
                f"Needed more memory than {_allowed(limit)}. "
                "Choose a shorter proof, or raise PROOFBOARD_PROOF_MEMORY_LIMIT_MB and request it again.",
            )
        case _:
            said = ending.content.decode("utf-8", "replace").strip()
            logger.error("proof failed", extra={"action": "proof-failed", "said": said})
            return Outcome(
                Verdict.ERROR,
                f"The proof failed: {said.splitlines()[-1][:500]} This is a bug; the worker's log has the details.",
            )


def _allowed(limit: Limits) -> str:
    if limit.memory_mb is None:
        return "the machine has"
    return f"it may have ({limit.memory_mb:,} MiB, or less if the machine ran out)"


class _Watch:
    """Writes progress at most every `WRITE_S`, and says every `LOOK_S` whether the job is still wanted."""

    def __init__(self, bench: Bench, job: Job, counted: str) -> None:
        self._bench, self._job, self._counted = bench, job, counted
        self._news: tuple[int, int] | None = None
        self._look_at = self._write_at = monotonic() + LOOK_S  # a proof of milliseconds writes its end only

    def __call__(self, report: tuple[int, int] | None) -> bool:
        self._news = report or self._news
        if self._bench.stopping.is_set():
            return False
        if report is not None:
            self._bench.at("in_compute")
        now = monotonic()
        if now < self._look_at:
            return True
        self._look_at = now + LOOK_S
        try:
            return self._tell(now)
        except (DatabaseBusy, StorageFull) as trouble:
            logger.warning("progress not written", extra={"action": "progress", "why": str(trouble)})
            return True

    def _tell(self, now: float) -> bool:
        if self._news is None or now < self._write_at:
            with self._bench.database.reading() as session:
                return attempts.is_wanted(session, self._job)
        self._write_at = now + WRITE_S
        (done, of), self._news = self._news, None
        with self._bench.database.writing() as session:
            if self._job.shard is not None:
                return attempts.shard_progress(session, self._job, done)
            return attempts.progress(session, self._job, done / of, f"{done} of {of} {self._counted}")


def _patiently(bench: Bench, write: "Callable[[Session], Result]") -> Result:
    """Writes in one transaction, tried until it commits. Raises `Stopped` if the worker stops before it could."""

    def once() -> Result:
        with bench.database.writing() as session:
            return write(session)

    return _insist(bench, once)


def _insist(bench: Bench, act: Callable[[], Result]) -> Result:
    """Tries until it works; only a database that is away and a full disk are waited for."""
    pause, longest = PATIENCE_S
    while True:
        try:
            return act()
        except (DatabaseBusy, StorageFull) as trouble:
            logger.warning("trying again", extra={"action": "retry", "why": str(trouble), "pause_s": pause})
            if bench.stopping.wait(pause):
                raise Stopped from trouble
            pause = min(2 * pause, longest)
