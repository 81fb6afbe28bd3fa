"""Puts proofs into the queue: each by itself, or several as one piece of work.

A proof is known by its natural key: model, strategy, variant, parameters, engine version. Asking for one that is under way
or has its result changes nothing.

Proofs that are computed together have a *leader*, the first of them: its job is the job of all, and their attempts are
counted alike. A proof can leave the others (it may be cancelled and asked for again alone): then its attempt is a newer
one, and what is said about the old one passes it by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import (
    AlreadyFinished,
    Conflict,
    InvalidParameter,
    ModelNotFound,
    ProofNotFound,
    UnknownStrategy,
    UnknownVariant,
)
from app.storage import proof_rows, shards
from app.storage.columns import canonical
from app.storage.queue import Queue
from app.storage.records import Job, ProofRecord, State, Verdict
from app.storage.tables import ModelRow, ProofRow
from proofs import ENGINE_VERSION
from proofs.questions import BEST_WITHIN, COUNTEREXAMPLES, MOST_BUDGET, MOST_COUNTEREXAMPLES
from proofs.strategies import BY_NAME, SUBCUBIC, Variant, named
from proofs.task import MaxOfK

SEARCHES = ("uncentred", "mean-folded")
"""Which tables the published search of gaps may see; the first is taken if none is named."""

CANCELLED = "Cancelled before it ended. Request it again to run it."


class InDoubt(Conflict):
    """The proof that would be the answer is in doubt: check it again first."""

    code = "in-doubt"


@dataclass(frozen=True)
class Asked:
    """A proof by its natural key, but for the model."""

    strategy: str
    variant: Variant
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def family(self) -> str:
        return BY_NAME[self.strategy].family if self.strategy in BY_NAME else "question"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.strategy, str(self.variant), canonical(self.parameters)


def asked(strategy: str, variant: str, search: str | None = None) -> Asked:
    """Raises `UnknownStrategy`, `UnknownVariant` or `InvalidParameter`."""
    found = named(strategy)
    if found is None:
        raise UnknownStrategy(f"There is no strategy {strategy[:120]!r}. The strategies page lists those that exist.")
    if variant not in found.variants:
        choices = ", ".join(found.variants)
        raise UnknownVariant(f"{strategy} has no variant {variant[:60]!r}. Choose one of {choices}.")
    if search not in (None, *SEARCHES):
        raise InvalidParameter(f"There is no search {search[:60]!r}. Choose one of {', '.join(SEARCHES)}.")
    searches = found.code and variant == Variant.AS_PUBLISHED
    return Asked(found.name, Variant(variant), {"search": search or SEARCHES[0]} if searches else {})


def each(session: Session, queue: Queue, model_digest: str, wanted: Sequence[Asked]) -> list[ProofRecord]:
    """The proofs, in that order, each queued by itself if it is neither under way nor has its result."""
    rows = _Rows(session, model_digest, wanted)
    waiting = rows.open()
    for row in waiting:
        rows.clear(row, row.attempt + 1)
    session.flush()
    for row in waiting:
        shards.enqueue(session, queue, row, rows.task)
    return rows.records()


def together(session: Session, queue: Queue, model_digest: str, wanted: Sequence[Asked]) -> list[ProofRecord]:
    """As `each`, but what must be computed is one job."""
    rows = _Rows(session, model_digest, wanted)
    waiting = rows.open()
    if waiting:
        attempt = max(row.attempt for row in waiting) + 1
        for row in waiting:
            rows.clear(row, attempt)
        session.flush()  # now they have numbers
        leader = min(row.id for row in waiting)
        for row in waiting:
            row.leader = leader
        session.flush()
        queue.enqueue(session, Job(leader, attempt))
    return rows.records()


def catalogue(
    session: Session, queue: Queue, *, model_digest: str, variant: str, search: str | None = None
) -> list[ProofRecord]:
    """Every published strategy: brute force (exact, hence never as published), cubic, and the 100 sub-cubic ones as one job.

    Raises `ModelNotFound`, `UnknownVariant` or `InvalidParameter` before anything is queued.
    """
    if search is not None and variant != Variant.AS_PUBLISHED:
        raise InvalidParameter("search matters only for the variant as-published: leave it out.")
    exact = Variant.STRICT if variant == Variant.AS_PUBLISHED else variant
    alone = [asked("brute-force", exact), asked("cubic", variant)]
    hundred = [asked(one.name, variant, search) for one in SUBCUBIC]
    return each(session, queue, model_digest, alone) + together(session, queue, model_digest, hundred)


def best_within(session: Session, queue: Queue, *, model_digest: str, budget: int) -> ProofRecord:
    """The best proof that a budget of operations buys; the same budget again is the same proof.

    Raises `InDoubt` if that proof is in doubt: it is no answer, and a new search would find it again.
    """
    if not 1 <= budget <= MOST_BUDGET:
        raise InvalidParameter(f"A budget is a whole number of operations from 1 to {MOST_BUDGET:,}.")
    proof_rows.next_revision(session)  # the lock: nothing is answered between the look and the request
    parameters = sa.type_coerce(ProofRow.parameters, sa.Text)  # the answer names its strategy and keeps the budget
    known = session.scalar(
        proof_rows.rows().where(
            ProofRow.model_digest == model_digest,
            ProofRow.engine_version == ENGINE_VERSION,
            ProofRow.strategy != BEST_WITHIN,
            sa.or_(*(parameters.contains(f'"budget":{budget}{end}', autoescape=True) for end in ",}")),
        )
    )
    if known is not None and known.doubt is not None:
        raise InDoubt(
            f"The best proof within this budget is proof {known.id}, which is in doubt: check it again first."
        )
    if known is not None:
        return proof_rows.record(known)
    return each(session, queue, model_digest, [Asked(BEST_WITHIN, Variant.STRICT, {"budget": budget})])[0]


def counterexamples(session: Session, queue: Queue, *, model_digest: str, most: int) -> ProofRecord:
    """Inputs that the model answers wrongly for certain."""
    if not 1 <= most <= MOST_COUNTEREXAMPLES:
        raise InvalidParameter(f"The number of inputs is from 1 to {MOST_COUNTEREXAMPLES:,}.")
    return each(session, queue, model_digest, [Asked(COUNTEREXAMPLES, Variant.STRICT, {"most": most})])[0]


def again(session: Session, queue: Queue, proof_id: int) -> ProofRecord:
    """Queues a proof that ended without a result once more, by itself. Raises `ProofNotFound`."""
    row = session.get(ProofRow, proof_id)
    if row is None:
        raise ProofNotFound
    same = Asked(row.strategy, Variant(row.variant), row.parameters)
    return each(session, queue, row.model_digest, [same])[0]


def cancel_together(session: Session, proof_id: int) -> list[int]:
    """Ends a proof and all that are computed with it and have not ended; the numbers of those.

    Raises `ProofNotFound`, or `AlreadyFinished` if none was left.
    """
    revision, now = proof_rows.next_revision(session), datetime.now(UTC)
    row = session.get(ProofRow, proof_id)
    if row is None:
        raise ProofNotFound
    found = session.scalars(
        sa.update(ProofRow)
        .where(*proof_rows.held(Job(row.leader or row.id, row.attempt)))
        .values(
            state=State.DONE, verdict=Verdict.CANCELLED, message=CANCELLED,
            revision=revision, finished_at=now, updated_at=now,
        )
        .returning(ProofRow.id)
    ).all()  # fmt: skip
    shards.forget(session, found)
    session.expire_all()
    if not found:
        raise AlreadyFinished(f"Proof {proof_id} and those beside it have ended, so there is nothing to cancel.")
    return sorted(found)


class _Rows:
    """The rows of what is asked for, made where there are none. Takes the revision, and with it the lock."""

    def __init__(self, session: Session, model_digest: str, wanted: Sequence[Asked]) -> None:
        self.revision, self.now = proof_rows.next_revision(session), datetime.now(UTC)
        model = session.scalar(sa.select(ModelRow).where(ModelRow.digest == model_digest))
        if model is None:
            raise ModelNotFound(
                f"There is no model {model_digest[:70]!r}. The list of models shows those that are stored."
            )
        self.model_name = model.name
        self.task = MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx)
        known = _known(session, model_digest, {one.strategy for one in wanted})
        self.rows: list[ProofRow] = []
        for one in wanted:
            if one.key not in known:
                known[one.key] = _new(model, one)
                session.add(known[one.key])
            self.rows.append(known[one.key])

    def open(self) -> list[ProofRow]:
        """Those to compute: new, or ended without a result. Each once."""
        waiting = (row for row in self.rows if row.state is None or row.verdict in proof_rows.WITHOUT_RESULT)
        return list(dict.fromkeys(waiting))

    def clear(self, row: ProofRow, attempt: int) -> None:
        """As a proof is before its first run; by itself, until somebody leads it."""
        row.state, row.verdict, row.message, row.progress, row.deaths = State.QUEUED, None, "", 0.0, 0
        row.seconds = row.search_seconds = row.peak_memory_mb = None
        row.started_at = row.finished_at = None
        row.attempt, row.leader = attempt, None
        row.revision, row.requested_at, row.updated_at = self.revision, self.now, self.now

    def records(self) -> list[ProofRecord]:
        return [proof_rows.record(row, self.model_name) for row in self.rows]


def _known(session: Session, model_digest: str, strategies: Iterable[str]) -> dict[tuple[str, str, str], ProofRow]:
    found = session.scalars(
        sa.select(ProofRow).where(
            ProofRow.model_digest == model_digest,
            ProofRow.engine_version == ENGINE_VERSION,
            ProofRow.strategy.in_(list(strategies)),
        )
    )
    return {(row.strategy, row.variant, canonical(row.parameters)): row for row in found}


def _new(model: ModelRow, one: Asked) -> ProofRow:
    return ProofRow(
        model_digest=model.digest, strategy=one.strategy, family=one.family, variant=one.variant,
        parameters=dict(one.parameters), engine_version=ENGINE_VERSION, trust=one.variant.trust, total=model.total,
        attempt=0,
    )  # fmt: skip
