"""The schema. Private to `app.storage`; `migrations/` builds it and a test compares the two.

Exact integers are text with a float beside them to sort by. Every index below serves a list's default sort, a
filter of the pages or a lookup of the worker.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from app.storage.columns import Canonical, Exact, Moment, Prose, StrategyName

DIGEST = sa.String(64)
WORD = sa.String(64)


class Base(DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class ModelRow(Base):
    __tablename__ = "models"
    __table_args__ = (
        sa.Index(None, "created_at", "id"),
        sa.Index(None, "best_bound", "id"),
        sa.Index(None, "name", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    name: Mapped[str] = mapped_column(Prose)
    task: Mapped[str] = mapped_column(WORD)
    n_ctx: Mapped[int]
    d_vocab: Mapped[int]
    d_model: Mapped[int]
    d_head: Mapped[int]
    has_biases: Mapped[bool]
    seed: Mapped[int | None] = mapped_column(sa.BigInteger)
    source: Mapped[str] = mapped_column(WORD)
    blob: Mapped[str] = mapped_column(DIGEST)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    total: Mapped[int] = mapped_column(Exact)
    accuracy_lower: Mapped[int] = mapped_column(Exact)
    accuracy_upper: Mapped[int] = mapped_column(Exact)
    accuracy: Mapped[float]
    """accuracy_lower / total, rounded down."""
    proofs_done: Mapped[int] = mapped_column(default=0)
    best_bound: Mapped[float | None]
    notes: Mapped[str] = mapped_column(Prose)
    tags: Mapped[Any] = mapped_column(Canonical)
    created_at: Mapped[datetime] = mapped_column(Moment)


class ProofRow(Base):
    __tablename__ = "proofs"
    __table_args__ = (
        sa.UniqueConstraint("model_digest", "strategy", "variant", "parameters", "engine_version", name="natural_key"),
        sa.Index(None, "revision"),
        sa.Index(None, "state", "requested_at", "id"),
        sa.Index(None, "bound", "id", "length"),
        sa.Index(None, "tightness", "id"),
        sa.Index(None, "length", "id", "bound"),
        sa.Index(None, "seconds", "id"),
        sa.Index(None, "requested_at", "id"),
        sa.Index(None, "model_digest", "bound", "id"),
        sa.Index(None, "soundness_alarm", "id"),
        sa.Index(None, "doubt"),
        sa.Index(None, "strategy", "state"),
        sa.Index(None, "leader"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    model_digest: Mapped[str] = mapped_column(DIGEST, sa.ForeignKey("models.digest"))
    strategy: Mapped[str] = mapped_column(StrategyName(200))
    family: Mapped[str] = mapped_column(WORD)
    variant: Mapped[str] = mapped_column(WORD)
    parameters: Mapped[Any] = mapped_column(Canonical)
    engine_version: Mapped[str] = mapped_column(WORD)
    trust: Mapped[str] = mapped_column(WORD)
    state: Mapped[str] = mapped_column(WORD)
    verdict: Mapped[str | None] = mapped_column(WORD)
    message: Mapped[str] = mapped_column(Prose, default="")
    attempt: Mapped[int] = mapped_column(default=1)
    deaths: Mapped[int] = mapped_column(default=0)
    """How often a worker died while it computed this proof, since it was last requested."""
    leader: Mapped[int | None]
    """The first of the proofs that one job computes together, itself included; NULL: it has a job of its own."""
    progress: Mapped[float] = mapped_column(default=0.0)
    total: Mapped[int] = mapped_column(Exact)
    correct: Mapped[int | None] = mapped_column(Exact)
    wrong: Mapped[int | None] = mapped_column(Exact)
    bound: Mapped[float | None]
    tightness: Mapped[float | None]
    tightness_basis: Mapped[str | None] = mapped_column(WORD)
    doubt: Mapped[str | None] = mapped_column(WORD)
    soundness_alarm: Mapped[bool] = mapped_column(default=False)
    """That the doubt is an alarm: what every page asks, hence with an index."""
    length_measured: Mapped[int | None] = mapped_column(Exact)
    length_reference: Mapped[int | None] = mapped_column(Exact)
    length: Mapped[float | None]
    """length_measured as a float, to sort by."""
    seconds: Mapped[float | None]
    search_seconds: Mapped[float | None]
    peak_memory_mb: Mapped[float | None]
    certificate: Mapped[str | None] = mapped_column(DIGEST)
    certificate_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    """The number of the write that last touched this row (`proofs.changed_since`)."""
    requested_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)

    model: Mapped[ModelRow] = relationship(lazy="raise", viewonly=True)


class RevisionRow(Base):
    """One row: the number of the last write to any proof."""

    __tablename__ = "revision"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(sa.BigInteger)


class WorkerRow(Base):
    """A worker that was alive when it last wrote, by the database's clock."""

    __tablename__ = "workers"

    executor: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    slots: Mapped[int]
    beat: Mapped[float] = mapped_column(sa.Double)
    """Seconds since 1970."""


class ReferenceResultRow(Base):
    """One proof as a group's own reference project reported it, from a CSV file. Never a proof of ours."""

    __tablename__ = "reference_results"
    __table_args__ = (
        sa.UniqueConstraint("origin", "n_ctx", "d_vocab", "seed", "strategy", name="reference_key"),
        sa.Index(None, "n_ctx", "d_vocab"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(sa.String(200))
    """What the person called this set of results."""
    n_ctx: Mapped[int]
    d_vocab: Mapped[int]
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    strategy: Mapped[str] = mapped_column(WORD)
    correct: Mapped[int] = mapped_column(Exact)
    total: Mapped[int] = mapped_column(Exact)
    bound: Mapped[float]
    normalised: Mapped[float | None]
    length: Mapped[int | None] = mapped_column(Exact)
    error_bound: Mapped[float | None]
    search_seconds: Mapped[float | None]
    seconds: Mapped[float | None]
    estimated: Mapped[bool]
    imported_at: Mapped[datetime] = mapped_column(Moment)


class ExplanationRow(Base):
    """What `proofs.explain` found about a model; one row for each model and method, replaced by a better one."""

    __tablename__ = "explanations"
    __table_args__ = (sa.UniqueConstraint("model_digest", "method", name="explanation_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    model_digest: Mapped[str] = mapped_column(DIGEST, sa.ForeignKey("models.digest"))
    method: Mapped[str] = mapped_column(WORD)
    draws: Mapped[int]
    story: Mapped[float]
    """Share of inputs answered as before when all that the account calls irrelevant is resampled."""
    ratio: Mapped[float | None]
    """sigma_1 / sigma_2 of EQKE; NULL if infinite."""
    findings: Mapped[Any] = mapped_column(Canonical)
    computed_at: Mapped[datetime] = mapped_column(Moment)


class CheckRow(Base):
    """One re-check of one proof's certificate."""

    __tablename__ = "checks"
    __table_args__ = (sa.Index(None, "proof_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proof_id: Mapped[int] = mapped_column(sa.ForeignKey("proofs.id"))
    certificate: Mapped[str] = mapped_column(DIGEST)
    checker: Mapped[str] = mapped_column(WORD)
    """Program and version, the version last."""
    asked_by: Mapped[str] = mapped_column(sa.String(200))
    accepted: Mapped[bool | None]
    """NULL: it ended without an answer."""
    message: Mapped[str] = mapped_column(Prose)
    seconds: Mapped[float]
    checked_at: Mapped[datetime] = mapped_column(Moment)


class ShardRow(Base):
    """One part of a long proof, while its attempt is under way: gone as soon as the proof has ended."""

    __tablename__ = "shards"

    proof_id: Mapped[int] = mapped_column(sa.ForeignKey("proofs.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    """Of the proof."""
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0."""
    of: Mapped[int]
    turn: Mapped[int] = mapped_column(default=1)
    """How often it was handed out: what is said about an earlier turn changes nothing."""
    state: Mapped[str] = mapped_column(WORD)
    deaths: Mapped[int] = mapped_column(default=0)
    """How often a worker died while it computed this shard."""
    checked: Mapped[int] = mapped_column(default=0)
    """Queries, so far."""
    result: Mapped[str | None] = mapped_column(Prose, deferred=True)
    """What the shard's process said; NULL until it is done."""
