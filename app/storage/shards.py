"""Long proofs in shards: rows that say which are handed out, how far they are and what they found.

A shard is handed out as a job of its own and may be handed out again: a new turn, in which nothing counts that is said
about an earlier one. The worker that stores the last result puts the proof together, decided by the one write that finds
every other result there. The rows are gone when the proof has ended, however it ended. Private to `app.storage`; every
caller holds the revision (`proof_rows.next_revision`), so writes come one after the other.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.storage.queue import Queue
from app.storage.records import Job, Shard, State
from app.storage.tables import ModelRow, ProofRow, ShardRow
from proofs import splitting
from proofs.task import MaxOfK


def enqueue(session: Session, queue: Queue, proof: ProofRow, task: MaxOfK) -> None:
    """Queues an attempt: as one job, or as a job for each shard if the proof is long."""
    of = splitting.shards(proof.strategy, task)
    if of == 1:
        queue.enqueue(session, Job(proof.id, proof.attempt))
        return
    for number in range(of):
        session.add(
            ShardRow(proof_id=proof.id, attempt=proof.attempt, number=number, of=of, turn=1, state=State.QUEUED)
        )
    session.flush()
    for number in range(of):
        queue.enqueue(session, Job(proof.id, proof.attempt, number))


def assigned(session: Session, job: Job) -> Shard:
    """What a shard's job has to do."""
    row = row_of(session, job)
    return Shard(row.number, row.of, results(session, job) if row.result is not None else ())


def row_of(session: Session, job: Job) -> ShardRow:
    return session.get_one(ShardRow, (job.proof_id, job.attempt, job.shard))


def results(session: Session, job: Job) -> tuple[str, ...]:
    """What all shards found, in their order; empty while one is missing."""
    row = ShardRow
    if session.scalar(sa.select(row.number).where(*_siblings(job), row.result.is_(None)).limit(1)) is not None:
        return ()
    found = session.scalars(sa.select(row.result).where(*_siblings(job)).order_by(row.number))
    return tuple(result for result in found if result is not None)


def begin(session: Session, job: Job, proof: ProofRow) -> None:
    row = row_of(session, job)
    row.state = State.RUNNING
    if row.result is None:
        row.checked = 0
    proof.started_at = proof.started_at or proof.updated_at
    sum_up(session, proof)


def progress(session: Session, job: Job, proof: ProofRow, checked: int) -> None:
    row_of(session, job).checked = checked
    sum_up(session, proof)


def store(session: Session, job: Job, proof: ProofRow, result: str) -> tuple[str, ...]:
    """Keeps a shard's result; all results if this was the last, else none."""
    row = row_of(session, job)
    row.result = result
    row.checked = len(splitting.queries(row.number, row.of, _queries(session, proof)))
    session.flush()
    found = results(session, job)
    row.state = State.RUNNING if found else State.DONE  # the last goes on: it puts the proof together
    sum_up(session, proof)
    return found


def hand_back(session: Session, job: Job, proof: ProofRow) -> Job:
    """The shard's next turn. A result stays: then only putting together is left to do."""
    row = row_of(session, job)
    row.turn, row.state = row.turn + 1, State.QUEUED
    if row.result is None:
        row.checked = 0
    sum_up(session, proof)
    return Job(job.proof_id, job.attempt, job.shard, row.turn)


def sum_up(session: Session, proof: ProofRow) -> None:
    """Brings state, progress and message of a proof up to date with its shards."""
    queries, row = _queries(session, proof), ShardRow
    session.flush()
    found = session.execute(
        sa.select(row.state, row.checked, row.result.is_not(None)).where(*_siblings(Job(proof.id, proof.attempt)))
    ).all()
    checked = sum(number for _, number, _ in found)
    stored = sum(is_stored for _, _, is_stored in found)
    proof.state = State.QUEUED if all(state == State.QUEUED for state, _, _ in found) else State.RUNNING
    proof.progress = min(checked / queries, 1.0)
    proof.message = f"{checked} of {queries} queries checked, {stored} of {len(found)} shards done"


def forget(session: Session, proof_ids: Sequence[int]) -> None:
    """The proofs have ended."""
    session.execute(sa.delete(ShardRow).where(ShardRow.proof_id.in_(proof_ids)))


def _queries(session: Session, proof: ProofRow) -> int:
    return session.scalars(sa.select(ModelRow.d_vocab).where(ModelRow.digest == proof.model_digest)).one()


def _siblings(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    """All shards of the attempt."""
    return ShardRow.proof_id == job.proof_id, ShardRow.attempt == job.attempt
