"""Proofs: requested once, run until they end, written once.

A proof is queued, running or done; a done one has a verdict and changes no more, unless it ended without a result
(cancelled, timeout, out of memory, error) and is requested again: then it is queued with the next attempt. A
worker speaks about a `Job`, that is one attempt at one proof; what it says about an attempt that is over changes
nothing, so everything a worker does may happen twice.

Every write to proofs first takes the next revision, and with it a lock until the commit: revisions become visible in
order, so `changed_since` misses nothing, and two writers never wait for each other crosswise.

Callers own the transaction; nothing here commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from app.errors import AlreadyFinished, ModelNotFound, ProofNotFound, UnknownStrategy, UnknownVariant
from app.storage import consequences, keyset
from app.storage import filters as conditions
from app.storage.queue import Queue
from app.storage.records import Filter, FrontPoint, Job, Outcome, Page, ProofRecord, State, Verdict
from app.storage.tables import ModelRow, ProofRow, RevisionRow
from proofs import ENGINE_VERSION
from proofs.bound import floor_ratio
from proofs.strategies import Strategy, Variant, named

WITHOUT_RESULT = (Verdict.CANCELLED, Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY, Verdict.ERROR)
"""Ends that a new request tries again."""

CANCELLED = "Cancelled before it ended. Request it again to run it."

MAX_DEATHS = 3
POISON = (
    "Given up: the worker died {deaths} times while it computed this proof. See the worker's log, then request the "
    "proof again."
)

UNFINISHED = (State.QUEUED, State.RUNNING)

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
    chosen = [_strategy(strategy, variant) for strategy, variant in wanted]
    revision = _next_revision(session)
    model = session.scalar(sa.select(ModelRow).where(ModelRow.digest == model_digest))
    if model is None:
        raise ModelNotFound(f"There is no model {model_digest[:70]!r}. The list of models shows those that are stored.")
    return [record(_request_one(session, queue, model, one, revision), model.name) for one in chosen]


def _strategy(name: str, variant: str) -> tuple[Strategy, Variant]:
    strategy = named(name)
    if strategy is None:
        raise UnknownStrategy(f"There is no strategy {name[:120]!r}. The strategies page lists those that exist.")
    if variant not in strategy.variants:
        raise UnknownVariant(f"{name} has no variant {variant[:60]!r}. Choose one of {', '.join(strategy.variants)}.")
    return strategy, Variant(variant)


def _request_one(
    session: Session, queue: Queue, model: ModelRow, wanted: tuple[Strategy, Variant], revision: int
) -> ProofRow:
    strategy, variant = wanted
    now = datetime.now(UTC)
    row = session.scalar(
        sa.select(ProofRow).where(
            ProofRow.model_digest == model.digest,
            ProofRow.strategy == strategy.name,
            ProofRow.variant == variant,
            ProofRow.parameters == {},
            ProofRow.engine_version == ENGINE_VERSION,
        )
    )
    if row is None:
        row = ProofRow(
            model_digest=model.digest, strategy=strategy.name, family=strategy.family, variant=variant, parameters={},
            engine_version=ENGINE_VERSION, trust=variant.trust, total=model.total, attempt=1,
        )  # fmt: skip
        session.add(row)
    elif row.verdict in WITHOUT_RESULT:
        row.attempt += 1
    else:
        return row
    _clear(row)
    row.revision, row.requested_at, row.updated_at = revision, now, now
    session.flush()
    queue.enqueue(session, Job(row.id, row.attempt))
    return row


def _clear(row: ProofRow) -> None:
    """As a proof is before its first run."""
    row.state, row.verdict, row.message, row.progress, row.deaths = State.QUEUED, None, "", 0.0, 0
    row.seconds = row.search_seconds = row.peak_memory_mb = None
    row.started_at = row.finished_at = None


def cancel(session: Session, proof_id: int) -> ProofRecord:
    """Ends a proof that is queued or running; the worker stops computing within a second or so.

    Cancelling twice is once. Raises `ProofNotFound`, or `AlreadyFinished` if it ended otherwise.
    """
    get(session, proof_id)
    revision, now = _next_revision(session), datetime.now(UTC)
    session.execute(
        sa.update(ProofRow)
        .where(ProofRow.id == proof_id, ProofRow.state.in_(UNFINISHED))
        .values(
            state=State.DONE, verdict=Verdict.CANCELLED, message=CANCELLED,
            revision=revision, finished_at=now, updated_at=now,
        )
    )  # fmt: skip
    session.expire_all()
    proof = get(session, proof_id)
    if proof.verdict is not Verdict.CANCELLED:
        raise AlreadyFinished(f"Proof {proof_id} has already ended ({proof.verdict}), so there is nothing to cancel.")
    return proof


# --- reading --------------------------------------------------------------------------------------------------------


def get(session: Session, proof_id: int) -> ProofRecord:
    """Raises `ProofNotFound`."""
    row = session.scalar(_rows().where(ProofRow.id == proof_id)) if 0 < proof_id < 2**31 else None
    if row is None:
        raise ProofNotFound(f"There is no proof {proof_id}. The queue page lists those that were requested.")
    return record(row)


def page(
    session: Session,
    *,
    model_digest: str | None = None,
    filters: Sequence[Filter] = (),
    sort: str = "-requested_at",
    next: str | None = None,
    limit: int = 100,
) -> Page[ProofRecord]:
    """Raises `InvalidParameter` for an unknown field, sort or `next`."""
    wanted = conditions.where(FIELDS, filters)
    if model_digest is not None:
        wanted.append(ProofRow.model_digest == model_digest)
    order = keyset.sort_of(SORTS, ProofRow.id, sort)
    found, following = keyset.rows(session, _rows().where(*wanted), order, next=next, limit=limit)
    counted = sa.select(sa.func.count(ProofRow.id)).where(*wanted)
    if any(one.field in ("model_name", "n_ctx", "d_vocab", "d_model") for one in filters):
        counted = counted.join(ProofRow.model)
    return Page([record(row) for row in found], following, session.scalar(counted) or 0)


def front(session: Session, *, model_digest: str | None = None, variant: str | None = None) -> list[FrontPoint]:
    """Every finished proof with a bound, as a point of a plot, by id. The caller picks those that are not dominated."""
    row, model = ProofRow, ModelRow
    query = (
        sa.select(
            row.id, row.model_digest, model.name, model.n_ctx, model.d_vocab, row.strategy, row.family, row.variant,
            row.trust, row.correct, row.total, row.bound, row.tightness, row.length_measured, row.length_reference,
            row.seconds, row.soundness_alarm,
        )
        .join(ProofRow.model)
        .where(row.bound.is_not(None))
        .order_by(row.id)
    )  # fmt: skip
    if model_digest is not None:
        query = query.where(row.model_digest == model_digest)
    if variant is not None:
        query = query.where(row.variant == variant)
    return [_point(found) for found in session.execute(query)]


def _point(found: Sequence[Any]) -> FrontPoint:
    *first, measured, reference, seconds, alarm = found  # in the order of FrontPoint's fields: there are many of these
    return FrontPoint(*(*first, _lengths(measured, reference), seconds, alarm))


def changed_since(session: Session, revision: int) -> tuple[int, list[ProofRecord]]:
    """The proofs written after this revision, oldest change first, and the revision to ask with next time.

    A proof that changed several times comes once, as it is now.
    """
    rows = session.scalars(_rows().where(ProofRow.revision > revision).order_by(ProofRow.revision, ProofRow.id)).all()
    return max([revision, *(row.revision for row in rows)]), [record(row) for row in rows]


def revision(session: Session) -> int:
    """The number of the last write: where a page that was just drawn starts to listen."""
    return session.scalar(sa.select(RevisionRow.last)) or 0


def counts(session: Session) -> dict[State, int]:
    """How many proofs are in each state; every state is there."""
    found = session.execute(sa.select(ProofRow.state, sa.func.count()).group_by(ProofRow.state)).all()
    return dict.fromkeys(State, 0) | {State(state): count for state, count in found}


def alarms(session: Session) -> list[ProofRecord]:
    """Bounds above what is proved of their models. Anything but an empty list is a bug to show on every page."""
    return [record(row) for row in session.scalars(_rows().where(ProofRow.soundness_alarm).order_by(ProofRow.id))]


# --- the worker's side ----------------------------------------------------------------------------------------------


def start(session: Session, job: Job) -> ProofRecord | None:
    """The proof to compute, now running; None if this attempt is over (cancelled, finished, or a newer one exists).

    A job that was already running is one whose worker died: it starts again, but not for ever (`MAX_DEATHS`).
    """
    revision, now = _next_revision(session), datetime.now(UTC)
    row = session.scalar(_rows().where(*_held(job)))
    if row is None:
        return None
    if row.state == State.RUNNING:
        row.deaths += 1
    if row.deaths >= MAX_DEATHS:
        fail(session, job, POISON.format(deaths=row.deaths))
        return None
    row.state, row.progress, row.message = State.RUNNING, 0.0, ""
    row.revision, row.started_at, row.updated_at = revision, now, now
    session.flush()
    return record(row)


def progress(session: Session, job: Job, fraction: float, message: str = "") -> bool:
    """Reports how far a running proof is; False if it is no longer wanted, so stop."""
    revision, now = _next_revision(session), datetime.now(UTC)
    done = min(max(fraction, 0.0), 1.0)
    return _change(session, job, progress=done, message=message, revision=revision, updated_at=now)


def is_wanted(session: Session, job: Job) -> bool:
    """True while the attempt is neither cancelled nor finished. Takes no lock."""
    return session.scalar(sa.select(ProofRow.id).where(*_held(job))) is not None


def finish(session: Session, job: Job, outcome: Outcome) -> bool:
    """Stores how an attempt ended, and what that means for the model and its other proofs.

    False, and nothing changes, if the attempt had already ended: the first end stays.
    """
    revision, now = _next_revision(session), datetime.now(UTC)
    proof = session.scalar(sa.select(ProofRow).where(*_held(job)))
    if proof is None:
        return False
    _write(proof, outcome)
    proof.state, proof.revision, proof.finished_at, proof.updated_at = State.DONE, revision, now, now
    session.flush()
    _settle(session, proof.model_digest, revision)
    return True


def fail(session: Session, job: Job, message: str) -> bool:
    """Ends an attempt that cannot end otherwise; see `finish`."""
    return finish(session, job, Outcome(Verdict.ERROR, message))


def give_back(session: Session, queue: Queue, job: Job) -> Job | None:
    """Queues an attempt anew as the next one, for any worker: this one stops. None if the attempt is over.

    Whatever is still said about the old attempt changes nothing.
    """
    revision, now = _next_revision(session), datetime.now(UTC)
    row = session.scalar(sa.select(ProofRow).where(*_held(job)))
    if row is None:
        return None
    row.attempt += 1
    row.state, row.progress, row.message, row.started_at = State.QUEUED, 0.0, "", None
    row.revision, row.updated_at = revision, now
    session.flush()
    following = Job(row.id, row.attempt)
    queue.enqueue(session, following)
    return following


def take_over(session: Session, queue: Queue, job: Job) -> Job | None:
    """`give_back` for a worker that died; an attempt that it was computing counts towards `MAX_DEATHS`."""
    _next_revision(session)
    session.execute(
        sa.update(ProofRow).where(*_held(job), ProofRow.state == State.RUNNING).values(deaths=ProofRow.deaths + 1)
    )
    session.expire_all()
    return give_back(session, queue, job)


def _held(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return ProofRow.id == job.proof_id, ProofRow.attempt == job.attempt, ProofRow.state.in_(UNFINISHED)


def _change(session: Session, job: Job, **values: Any) -> bool:
    changed = session.scalar(sa.update(ProofRow).where(*_held(job)).values(values).returning(ProofRow.id))
    session.expire_all()
    return changed is not None


def _write(row: ProofRow, outcome: Outcome) -> None:
    measured = outcome.lengths.get("measured-v1")
    row.verdict, row.message = outcome.verdict, outcome.message
    row.correct, row.wrong = outcome.correct, outcome.wrong
    row.bound = None if outcome.correct is None else floor_ratio(outcome.correct, row.total)
    row.length_measured, row.length_reference = measured, outcome.lengths.get("reference-v1")
    row.length = None if measured is None else float(measured)
    row.seconds, row.search_seconds = outcome.seconds, outcome.search_seconds
    row.peak_memory_mb = outcome.peak_memory_mb
    row.certificate, row.certificate_bytes = outcome.certificate, outcome.certificate_bytes
    row.progress = 1.0 if outcome.correct is not None else row.progress


def _settle(session: Session, model_digest: str, revision: int) -> None:
    """Brings the model's accuracy, and the tightness and alarms of its proofs, up to date."""
    row = ProofRow
    model = session.scalars(sa.select(ModelRow).where(ModelRow.digest == model_digest)).one()
    finished = session.execute(
        sa.select(row.id, row.trust, row.correct, row.wrong, row.tightness, row.tightness_basis, row.soundness_alarm)
        .where(row.model_digest == model_digest, row.correct.is_not(None))
    ).all()  # fmt: skip
    results = {found.id: _result(found) for found in finished}
    truth = consequences.accuracy(model.total, results.values())
    model.accuracy_lower, model.accuracy_upper = truth.lower, truth.upper
    model.accuracy = floor_ratio(truth.lower, truth.total)
    model.best_bound = consequences.best_bound(results.values(), truth)
    model.proofs_done = len(finished)
    for found in finished:
        judged = consequences.judge(results[found.id], truth)
        if (found.tightness, found.tightness_basis, found.soundness_alarm) != astuple(judged):
            session.execute(
                sa.update(row)
                .where(row.id == found.id)
                .values(
                    tightness=judged.tightness,
                    tightness_basis=judged.basis,
                    soundness_alarm=judged.alarm,
                    revision=revision,
                )
            )
    session.flush()
    session.expire_all()


def _result(found: Any) -> consequences.Result:
    return consequences.Result(found.id, found.trust == Variant.STRICT.trust, found.correct, found.wrong or 0)


# --- shared ---------------------------------------------------------------------------------------------------------


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
        lengths=_lengths(row.length_measured, row.length_reference),
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
        soundness_alarm=row.soundness_alarm,
    )


def _lengths(measured: int | None, reference: int | None) -> Mapping[str, int]:
    known = {} if measured is None else {"measured-v1": measured}
    return known if reference is None else {**known, "reference-v1": reference}


def _rows() -> sa.Select[ProofRow]:
    name_only = contains_eager(ProofRow.model).load_only(ModelRow.name)
    return sa.select(ProofRow).join(ProofRow.model).options(name_only)


def _next_revision(session: Session) -> int:
    """The next revision. The lock on its one row is held until the commit: take it before any other."""
    number: int | None = session.scalar(
        sa.update(RevisionRow).values(last=RevisionRow.last + 1).returning(RevisionRow.last)
    )
    if number is None:
        raise LookupError("The revision row is missing: run `proofboard db upgrade`.")
    return number
