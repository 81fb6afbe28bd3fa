"""What the two sides of proofs share: rows to records, and the order of writes. Private to `app.storage`.

Every write to proofs first takes the next revision, and with it a lock until the commit: revisions become visible in
order, so `proofs.changed_since` misses nothing, and two writers never wait for each other crosswise.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from app.storage.records import Doubt, Job, ProofRecord, State, Verdict
from app.storage.tables import ModelRow, ProofRow, RevisionRow, ShardRow
from proofs.questions import RECHECK

UNFINISHED = (State.QUEUED, State.RUNNING)

WITHOUT_RESULT = (Verdict.CANCELLED, Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY, Verdict.ERROR)
"""Ends that a new request tries again."""

UNLISTED = sa.and_(ProofRow.strategy == RECHECK, ProofRow.state == State.DONE)
LISTED = sa.not_(UNLISTED)
"""Of a re-check that has ended only the answer counts: it is among the checks of its proof."""

NOT_IN_DOUBT = ProofRow.doubt.is_(None)
"""Whatever compares results, draws them or answers with one asks for this."""


def record(row: ProofRow, model_name: str | None = None) -> ProofRecord:
    return ProofRecord(
        id=row.id,
        model_digest=row.model_digest,
        model_name=row.model.name if model_name is None else model_name,
        strategy=row.strategy,
        variant=row.variant,
        parameters=row.parameters,
        engine_version=row.engine_version,
        state=State(row.state),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        trust=row.trust,
        correct=row.correct,
        wrong=row.wrong,
        total=row.total,
        bound=row.bound,
        tightness=row.tightness,
        tightness_basis=row.tightness_basis,
        lengths=lengths(row.length_measured, row.length_reference),
        seconds=row.seconds,
        search_seconds=row.search_seconds,
        peak_memory_mb=row.peak_memory_mb,
        certificate=row.certificate,
        certificate_bytes=row.certificate_bytes,
        progress=row.progress,
        message=row.message,
        attempt=row.attempt,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        updated_at=row.updated_at,
        doubt=None if row.doubt is None else Doubt(row.doubt),
        leader=row.leader,
    )


def lengths(measured: int | None, reference: int | None) -> Mapping[str, int]:
    known = {} if measured is None else {"measured-v1": measured}
    return known if reference is None else {**known, "reference-v1": reference}


def rows() -> sa.Select[ProofRow]:
    name_only = contains_eager(ProofRow.model).load_only(ModelRow.name)
    return sa.select(ProofRow).join(ProofRow.model).options(name_only)


def next_revision(session: Session) -> int:
    """The next revision. The lock on its one row is held until the commit: take it before any other."""
    number: int | None = session.scalar(
        sa.update(RevisionRow).values(last=RevisionRow.last + 1).returning(RevisionRow.last)
    )
    if number is None:
        raise LookupError("The revision row is missing: run `proofboard db upgrade`.")
    return number


def held(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    """The proofs of an attempt that is not over: one, or those that are computed together and have not ended.

    A shard's attempt is over as well when its result is stored, unless its worker puts the proof together, and when the
    shard was handed out again.
    """
    alone = sa.and_(ProofRow.id == job.proof_id, ProofRow.leader.is_(None))
    mine = sa.or_(alone, ProofRow.leader == job.proof_id)
    unfinished = mine, ProofRow.attempt == job.attempt, ProofRow.state.in_(UNFINISHED)
    return unfinished if job.shard is None else (*unfinished, _has_turn(job))


def _has_turn(job: Job) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        ShardRow.proof_id == job.proof_id,
        ShardRow.attempt == job.attempt,
        ShardRow.number == job.shard,
        ShardRow.turn == job.turn,
        ShardRow.state != State.DONE,
    )
