"""The frozen records that leave storage. Every exact count is a Python integer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Verdict(StrEnum):
    """How a finished proof ended (design section 2)."""

    PROVED = "proved"
    VACUOUS = "vacuous"
    NOT_APPLICABLE = "not-applicable"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    CANCELLED = "cancelled"
    ERROR = "error"
    REFUSED = "refused"
    """Of a re-check: the stored claim does not follow."""


class Doubt(StrEnum):
    """Why the result of a finished proof counts for nothing: it is on no front, and no accuracy rests on it."""

    CONTRADICTED = "contradicted"
    """Another proof of the same model cannot be true beside it; which of them is wrong is not known."""
    REFUSED = "refused"
    """A checker's last word about its certificate is no."""
    ABOVE_TRUTH = "above-truth"
    """A bound that promises nothing (as published) is above what is proved possible."""

    @property
    def is_alarm(self) -> bool:
        """Something that was promised is broken."""
        return self is not Doubt.ABOVE_TRUTH


@dataclass(frozen=True)
class Accuracy:
    """What is known of a model's true accuracy: it lies in [lower, upper] / total.

    `label` is `exact` (lower == upper, proved), `proved` (an interval) or `unknown` (0 and total).
    """

    lower: int
    upper: int
    total: int
    label: str


@dataclass(frozen=True)
class NewModel:
    """A model as it is first stored; everything else about it is found out later."""

    digest: str
    name: str
    task: str
    n_ctx: int
    d_vocab: int
    d_model: int
    d_head: int
    has_biases: bool
    source: str
    """`upload`, `demo` or `train`."""
    blob: str
    """SHA-256 of the checkpoint's bytes: put them into the blob store before the row."""
    size_bytes: int
    seed: int | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelRecord:
    digest: str
    """SHA-256 of the canonical weights: the model's identity and its place in URLs."""
    name: str
    task: str
    n_ctx: int
    d_vocab: int
    d_model: int
    d_head: int
    has_biases: bool
    seed: int | None
    source: str
    """`upload`, `demo` or `train`."""
    blob: str
    """SHA-256 of the checkpoint's bytes, in the blob store."""
    size_bytes: int
    accuracy: Accuracy
    notes: str
    tags: tuple[str, ...]
    created_at: datetime
    proofs_done: int = 0
    best_bound: float | None = None


@dataclass(frozen=True)
class ProofRecord:
    id: int
    model_digest: str
    model_name: str
    strategy: str
    variant: str
    parameters: Mapping[str, str | int | float]
    engine_version: str
    state: State
    verdict: Verdict | None
    trust: str
    """`proved` or `float`, from the variant."""
    correct: int | None
    wrong: int | None
    total: int
    bound: float | None
    """correct / total, rounded down; for sorting and plotting only."""
    tightness: float | None
    tightness_basis: str | None
    """`exact`, `proved` (against the proved upper end) or None while nothing is known."""
    lengths: Mapping[str, int]
    """Operations by cost model: `measured-v1`, and `reference-v1` where it is defined."""
    seconds: float | None
    search_seconds: float | None
    peak_memory_mb: float | None
    certificate: str | None
    """SHA-256 of the stored per-block counts, in the blob store."""
    certificate_bytes: int | None
    progress: float
    message: str
    """Why, in a sentence, where the verdict needs one."""
    attempt: int
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    doubt: Doubt | None = None
    """Why this result counts for nothing."""
    leader: int | None = None
    """The first of the proofs that were last requested as one piece of work with this one; None: it alone."""

    @property
    def soundness_alarm(self) -> bool:
        """True if somewhere is a bug: here, in another proof of the model, or in a checker."""
        return self.doubt is not None and self.doubt.is_alarm


@dataclass(frozen=True)
class Outcome:
    """How one run of a proof ended, as the worker reports it."""

    verdict: Verdict
    message: str = ""
    correct: int | None = None
    wrong: int | None = None
    lengths: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    search_seconds: float | None = None
    peak_memory_mb: float | None = None
    certificate: str | None = None
    certificate_bytes: int | None = None
    strategy: str = ""
    """By which the question was answered; empty: by the one that was asked for."""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    """What was chosen for it."""


@dataclass(frozen=True)
class Job:
    """One attempt at one proof, or at those that it leads, or at a shard of it: what the queue carries, by reference only."""

    proof_id: int
    attempt: int
    shard: int | None = None
    """Which one, from 0; None: the whole proof."""
    turn: int = 1
    """How often this shard has been handed out."""

    @property
    def id(self) -> str:
        """The queue's name for it: the same id a second time is the same job."""
        whole = f"proof-{self.proof_id}:{self.attempt}"
        return whole if self.shard is None else f"{whole}:{self.shard}:{self.turn}"


@dataclass(frozen=True)
class Shard:
    """What a shard's job has to do: to check its queries, or to put the proof together if all have been checked."""

    number: int
    """From 0."""
    of: int
    results: tuple[str, ...] = ()
    """What the processes of all shards said, in their order; empty while one is missing."""


class Op(StrEnum):
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    """One of several values, separated by commas."""
    CONTAINS = "contains"
    """Text, upper and lower case alike."""


@dataclass(frozen=True)
class Filter:
    """`field op value`, with the value as it came; storage knows the fields and their types."""

    field: str
    op: Op
    value: str


Record = TypeVar("Record")


@dataclass(frozen=True)
class Page(Generic[Record]):
    items: list[Record]
    next: str | None
    """Opaque; hand it back to get the following page."""
    total: int


@dataclass(frozen=True)
class FrontPoint:
    """One finished proof that is not in doubt, as a point of a plot; from raw columns, never ORM rows."""

    proof_id: int
    model_digest: str
    model_name: str
    n_ctx: int
    d_vocab: int
    strategy: str
    family: str
    variant: str
    trust: str
    correct: int
    total: int
    bound: float
    tightness: float | None
    lengths: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
