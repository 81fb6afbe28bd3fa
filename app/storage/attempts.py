"""The worker's side of proofs: start an attempt, report on it, end it, or leave it to another worker.

A worker speaks about a `Job`, that is one attempt at one proof, at several that are computed together, or at a shard of
a long one. What it says about an attempt that is over changes nothing, so everything a worker does may happen twice.
Callers own the transaction; nothing here commits.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.storage import proof_rows, rechecks, shards, standing
from app.storage.queue import Queue
from app.storage.records import Job, Outcome, ProofRecord, Shard, State, Verdict
from app.storage.tables import ProofRow
from proofs.bound import floor_ratio
from proofs.questions import RECHECK
from proofs.strategies import BY_NAME

MAX_DEATHS = 3
POISON = (
    "Given up: the worker died {deaths} times while it computed this proof. See the worker's log, then request the "
    "proof again."
)


def start(session: Session, job: Job) -> ProofRecord | None:
    """The proof to compute, or the first of several, now running; None if this attempt is over (cancelled, finished, or a
    newer one exists).

    A job that was already running is one whose worker died: it starts again, but not for ever (`MAX_DEATHS`).
    """
    rows = _touched(session, job)
    if not rows:
        return None
    deaths = _count_death(session, job, rows)
    if deaths >= MAX_DEATHS:
        fail(session, job, POISON.format(deaths=deaths))
        return None
    if job.shard is None:
        for row in rows:
            row.state, row.progress, row.message, row.started_at = State.RUNNING, 0.0, "", row.updated_at
    else:
        shards.begin(session, job, rows[0])
    session.flush()
    return proof_rows.record(rows[0])


def strategies(session: Session, job: Job) -> tuple[str, ...]:
    """Of the proofs that this attempt must still compute."""
    found = session.scalars(sa.select(ProofRow.strategy).where(*proof_rows.held(job)).order_by(ProofRow.id))
    return tuple(found)


def shard(session: Session, job: Job) -> Shard:
    """What a shard's job that has just started must do."""
    return shards.assigned(session, job)


def progress(session: Session, job: Job, fraction: float, message: str = "") -> bool:
    """Reports how far a running proof is; False if it is no longer wanted, so stop."""
    revision, now = proof_rows.next_revision(session), datetime.now(UTC)
    done = min(max(fraction, 0.0), 1.0)
    return _change(session, job, progress=done, message=message, revision=revision, updated_at=now)


def shard_progress(session: Session, job: Job, checked: int) -> bool:
    """Reports how many of its queries a shard has checked; False if it is no longer wanted, so stop."""
    rows = _touched(session, job)
    for row in rows:
        shards.progress(session, job, row, checked)
    return bool(rows)


def store_shard(session: Session, job: Job, result: str) -> tuple[str, ...]:
    """Keeps what a shard found. All results if this was the last one: then this job puts the proof together; else none."""
    rows = _touched(session, job)
    return shards.store(session, job, rows[0], result) if rows else ()


def is_wanted(session: Session, job: Job) -> bool:
    """True while the attempt is neither cancelled nor finished. Takes no lock."""
    return session.scalar(sa.select(ProofRow.id).where(*proof_rows.held(job))) is not None


def finish(session: Session, job: Job, outcome: Outcome) -> bool:
    """Stores how an attempt ended, and what that means for the model and its other proofs.

    False, and nothing changes, if the attempt had already ended: the first end stays.
    """
    return _finish(session, job, lambda row: outcome)


def finish_each(session: Session, job: Job, outcomes: Mapping[str, Outcome]) -> bool:
    """`finish` for proofs that were computed together: each by its strategy, all in one write."""
    return _finish(session, job, lambda row: outcomes[row.strategy])


def _finish(session: Session, job: Job, outcome_of: Callable[[ProofRow], Outcome]) -> bool:
    revision, now = proof_rows.next_revision(session), datetime.now(UTC)
    rows = _held(session, job)
    if not rows:
        return False
    for row in rows:
        outcome = outcome_of(row)
        _write(row, outcome)
        row.state, row.revision, row.finished_at, row.updated_at = State.DONE, revision, now, now
        if row.strategy == RECHECK:
            rechecks.keep(session, row, outcome)
    session.flush()
    shards.forget(session, [row.id for row in rows])
    standing.settle(session, rows[0].model_digest, revision)
    return True


def fail(session: Session, job: Job, message: str) -> bool:
    """Ends an attempt that cannot end otherwise; see `finish`."""
    return finish(session, job, Outcome(Verdict.ERROR, message))


def give_back(session: Session, queue: Queue, job: Job) -> Job | None:
    """Queues an attempt anew as the next one, or a shard for another turn, for any worker: this one stops. None if it is over.

    Whatever is still said about the old one changes nothing.
    """
    rows = _touched(session, job)
    if not rows:
        return None
    if job.shard is None:
        following = Job(rows[0].id, job.attempt + 1)  # the leader may have left the others
        for row in rows:
            row.attempt, row.leader = following.attempt, following.proof_id if row.leader else None
            row.state, row.progress, row.message, row.started_at = State.QUEUED, 0.0, "", None
    else:
        following = shards.hand_back(session, job, rows[0])
    session.flush()
    queue.enqueue(session, following)
    return following


def take_over(session: Session, queue: Queue, job: Job) -> Job | None:
    """`give_back` for a worker that died; an attempt that it was computing counts towards `MAX_DEATHS`."""
    _count_death(session, job, _touched(session, job))
    session.flush()
    return give_back(session, queue, job)


def _count_death(session: Session, job: Job, rows: Sequence[ProofRow]) -> int:
    """How often workers died over this job, the last time included if it was being computed."""
    parts = rows if job.shard is None else [shards.row_of(session, job) for _ in rows]
    for part in parts:
        part.deaths += part.state == State.RUNNING
    return max((part.deaths for part in parts), default=0)


def _touched(session: Session, job: Job) -> Sequence[ProofRow]:
    """The proofs of an attempt that is not over, with a new revision: whoever calls is about to change them."""
    revision, now = proof_rows.next_revision(session), datetime.now(UTC)
    rows = _held(session, job)
    for row in rows:
        row.revision, row.updated_at = revision, now
    return rows


def _held(session: Session, job: Job) -> Sequence[ProofRow]:
    return session.scalars(proof_rows.rows().where(*proof_rows.held(job)).order_by(ProofRow.id)).all()


def _change(session: Session, job: Job, **values: Any) -> bool:
    changed = session.scalars(sa.update(ProofRow).where(*proof_rows.held(job)).values(values).returning(ProofRow.id))
    any_changed = bool(changed.all())
    session.expire_all()
    return any_changed


def _write(row: ProofRow, outcome: Outcome) -> None:
    measured = outcome.lengths.get("measured-v1")
    if outcome.strategy in BY_NAME:
        row.strategy, row.family = outcome.strategy, BY_NAME[outcome.strategy].family
    row.parameters = dict(outcome.parameters) or row.parameters
    row.verdict, row.message = outcome.verdict, outcome.message
    row.correct, row.wrong = outcome.correct, outcome.wrong
    row.bound = None if outcome.correct is None else floor_ratio(outcome.correct, row.total)
    row.length_measured, row.length_reference = measured, outcome.lengths.get("reference-v1")
    row.length = None if measured is None else float(measured)
    row.seconds, row.search_seconds = outcome.seconds, outcome.search_seconds
    row.peak_memory_mb = outcome.peak_memory_mb
    row.certificate, row.certificate_bytes = outcome.certificate, outcome.certificate_bytes
    row.progress = 1.0 if outcome.correct is not None else row.progress
