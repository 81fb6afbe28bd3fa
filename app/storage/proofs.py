"""Proofs: requested once, run until they end, written once. Here: asking for them and reading them.

A proof is queued, running or done; a done one has a verdict and changes no more, unless it ended without a result
(cancelled, timeout, out of memory, error) and is requested again: then it is queued with the next attempt. What a worker
says about an attempt is in `attempts`. Callers own the transaction; nothing here commits.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import AlreadyFinished, ProofNotFound
from app.storage import asking, keyset, proof_rows, shards
from app.storage import filters as conditions
from app.storage.queue import Queue
from app.storage.records import Doubt, Filter, FrontPoint, Page, ProofRecord, State, Verdict
from app.storage.tables import ModelRow, ProofRow, RevisionRow

WITHOUT_RESULT = proof_rows.WITHOUT_RESULT

MOST_PARAMETERS = 10_000

FEW_MODELS = 200
"""So many or fewer are named in a query; more are joined."""

SORTS: keyset.Columns = {
    "id": ProofRow.id,
    "bound": ProofRow.bound,
    "tightness": ProofRow.tightness,
    "length": ProofRow.length,
    "seconds": ProofRow.seconds,
    "requested_at": ProofRow.requested_at,
}
FIELDS: conditions.Columns = {
    **SORTS,
    "model_digest": ProofRow.model_digest,
    "model_name": ModelRow.name,
    "n_ctx": ModelRow.n_ctx,
    "d_vocab": ModelRow.d_vocab,
    "d_model": ModelRow.d_model,
    "strategy": ProofRow.strategy,
    "family": ProofRow.family,
    "variant": ProofRow.variant,
    "engine_version": ProofRow.engine_version,
    "trust": ProofRow.trust,
    "state": ProofRow.state,
    "verdict": ProofRow.verdict,
    "attempt": ProofRow.attempt,
    "soundness_alarm": ProofRow.soundness_alarm,
    "doubt": ProofRow.doubt,
    "search_seconds": ProofRow.search_seconds,
    "peak_memory_mb": ProofRow.peak_memory_mb,
    "finished_at": ProofRow.finished_at,
}

# --- asking ---------------------------------------------------------------------------------------------------------


def request(
    session: Session, queue: Queue, *, model_digest: str, wanted: Sequence[tuple[str, str]]
) -> list[ProofRecord]:
    """One proof for each (strategy, variant), in that order, queued unless it is under way or has its result.

    Raises `ModelNotFound`, `UnknownStrategy` or `UnknownVariant` before anything is queued.
    """
    return asking.each(session, queue, model_digest, [asking.asked(*one) for one in wanted])


def cancel(session: Session, proof_id: int) -> ProofRecord:
    """Ends a proof that is queued or running; the worker stops computing within a second or so.

    Cancelling twice is once. Raises `ProofNotFound`, or `AlreadyFinished` if it ended otherwise.
    """
    get(session, proof_id)
    revision, now = proof_rows.next_revision(session), datetime.now(UTC)
    session.execute(
        sa.update(ProofRow)
        .where(ProofRow.id == proof_id, ProofRow.state.in_(proof_rows.UNFINISHED))
        .values(
            state=State.DONE, verdict=Verdict.CANCELLED, message=asking.CANCELLED,
            revision=revision, finished_at=now, updated_at=now,
        )
    )  # fmt: skip
    shards.forget(session, [proof_id])
    session.expire_all()
    proof = get(session, proof_id)
    if proof.verdict is not Verdict.CANCELLED:
        raise AlreadyFinished(f"Proof {proof_id} has already ended ({proof.verdict}), so there is nothing to cancel.")
    return proof


# --- reading --------------------------------------------------------------------------------------------------------


def get(session: Session, proof_id: int) -> ProofRecord:
    """Raises `ProofNotFound`."""
    row = session.scalar(proof_rows.rows().where(ProofRow.id == proof_id)) if 0 < proof_id < 2**31 else None
    if row is None:
        raise ProofNotFound(f"There is no proof {proof_id}. The queue page lists those that were requested.")
    return proof_rows.record(row)


def page(
    session: Session,
    *,
    model_digest: str | None = None,
    filters: Sequence[Filter] = (),
    sort: str = "-requested_at",
    next: str | None = None,
    limit: int = 100,
    total: int | None = None,
) -> Page[ProofRecord]:
    """Re-checks that have ended are there only if their strategy is asked for. `total` is not counted where it is given.

    Raises `InvalidParameter` for an unknown field, sort or `next`.
    """
    wanted = _wanted(session, filters)
    if model_digest is not None:
        wanted.append(ProofRow.model_digest == model_digest)
    every = any(one.field == "strategy" for one in filters)
    listed = wanted if every else [*wanted, proof_rows.LISTED]
    order = keyset.sort_of(SORTS, ProofRow.id, sort)
    found, following = keyset.rows(session, proof_rows.rows().where(*listed), order, next=next, limit=limit)
    if total is None:
        total = _count(session, wanted) - (0 if every else _count(session, [*wanted, proof_rows.UNLISTED]))
    return Page([proof_rows.record(row) for row in found], following, total)


def _wanted(session: Session, filters: Sequence[Filter]) -> list[sa.ColumnElement[bool]]:
    """Filters of models are settled first: where few models fit, their proofs are looked up instead of searched for."""
    about = [one for one in filters if FIELDS.get(one.field, ProofRow.id).class_ is ModelRow]
    wanted = conditions.where(FIELDS, [one for one in filters if one not in about])
    if not about:
        return wanted
    fitting = sa.select(ModelRow.digest).where(*conditions.where(FIELDS, about))
    digests = session.scalars(fitting.limit(FEW_MODELS + 1)).all()
    if len(digests) <= FEW_MODELS:
        return [*wanted, ProofRow.model_digest.in_(digests)]
    return [*wanted, ProofRow.model.has(sa.and_(*conditions.where(FIELDS, about)))]


def _count(session: Session, wanted: Sequence[sa.ColumnElement[bool]]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(ProofRow).where(*wanted)) or 0


def front(
    session: Session,
    *,
    model_digest: str | None = None,
    variant: str | None = None,
    task: tuple[int, int] | None = None,
) -> list[FrontPoint]:
    """Every finished proof with a bound that is not in doubt, as a point of a plot, by id. The caller picks those that are
    not dominated; `kept_off` counts those that are missing here. Of many proofs, `cloud` finds the few that matter."""
    query = _points()
    if model_digest is not None:
        query = query.where(ProofRow.model_digest == model_digest)
    if variant is not None:
        query = query.where(ProofRow.variant == variant)
    if task is not None:
        query = query.where(ModelRow.n_ctx == task[0], ModelRow.d_vocab == task[1])
    return [_point(found) for found in session.execute(query)]


def points(session: Session, ids: Iterable[int]) -> list[FrontPoint]:
    """These proofs, by id, of `front`."""
    found: list[FrontPoint] = []
    for some in batched(sorted(ids)):
        found += [_point(one) for one in session.execute(_points().where(ProofRow.id.in_(some)))]
    return found


def batched(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Few enough at a time for any database's limit on the parameters of a statement."""
    yield from (ids[start : start + MOST_PARAMETERS] for start in range(0, len(ids), MOST_PARAMETERS))


def _points() -> sa.Select[*tuple[Any, ...]]:
    row, model = ProofRow, ModelRow
    return (
        sa.select(
            row.id, row.model_digest, model.name, model.n_ctx, model.d_vocab, row.strategy, row.family, row.variant,
            row.trust, row.correct, row.total, row.bound, row.tightness, row.length_measured, row.length_reference,
            row.seconds,
        )
        .join(ProofRow.model)
        .where(row.bound.is_not(None), proof_rows.NOT_IN_DOUBT)
        .order_by(row.id)
    )  # fmt: skip


def _point(found: Sequence[Any]) -> FrontPoint:
    *first, measured, reference, seconds = found  # in the order of FrontPoint's fields: there are many of these
    return FrontPoint(*(*first, proof_rows.lengths(measured, reference), seconds))


def changed_since(session: Session, revision: int) -> tuple[int, list[ProofRecord]]:
    """The proofs written after this revision, oldest change first, and the revision to ask with next time.

    A proof that changed several times comes once, as it is now.
    """
    rows = session.scalars(
        proof_rows.rows().where(ProofRow.revision > revision).order_by(ProofRow.revision, ProofRow.id)
    ).all()
    return max([revision, *(row.revision for row in rows)]), [proof_rows.record(row) for row in rows]


def revision(session: Session) -> int:
    """The number of the last write: where a page that was just drawn starts to listen."""
    return session.scalar(sa.select(RevisionRow.last)) or 0


def counts(session: Session) -> dict[State, int]:
    """How many proofs are in each state, as `page` lists them; every state is there."""
    unfinished = {state: _count(session, [ProofRow.state == state]) for state in proof_rows.UNFINISHED}
    listed = _count(session, []) - _count(session, [proof_rows.UNLISTED])
    return {**unfinished, State.DONE: listed - sum(unfinished.values())}


def alarms(session: Session) -> int:
    """How many proofs are under a soundness alarm: every page asks. More than none is a bug to show on every page."""
    return session.scalar(sa.select(sa.func.count()).where(ProofRow.soundness_alarm)) or 0


def kept_off(session: Session, *, model_digest: str | None = None, variant: str | None = None) -> dict[Doubt, int]:
    """How many results `front` leaves out, by reason."""
    query = sa.select(ProofRow.doubt, sa.func.count()).where(ProofRow.doubt.is_not(None)).group_by(ProofRow.doubt)
    if model_digest is not None:
        query = query.where(ProofRow.model_digest == model_digest)
    if variant is not None:
        query = query.where(ProofRow.variant == variant)
    return {Doubt(doubt): count for doubt, count in session.execute(query) if doubt}
