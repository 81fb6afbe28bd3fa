"""What programs read: the records as JSON. Exact integers are decimal text, since JSON readers round past 2**53."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.storage.checks import CheckRecord
from app.storage.records import FrontPoint, ModelRecord, Page, ProofRecord
from proofs.strategies import BY_NAME, Strategy

Exact = Annotated[
    str, Field(pattern="^[0-9]+$", examples=["16777216"], description="An exact integer as decimal text.")
]
Digest = Annotated[
    str, StringConstraints(pattern="^[0-9a-f]{64}$"), Field(examples=["9f86d081884c7d65" * 4], description="SHA-256.")
]

Item = TypeVar("Item")


class Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class AccuracyOut(Out):
    """The true accuracy lies in [lower, upper] / total."""

    lower: Exact
    upper: Exact
    total: Exact
    label: str = Field(examples=["exact"], description="`exact`, `proved` (an interval) or `unknown`.")


class ModelOut(Out):
    digest: Digest
    name: str = Field(examples=["max-of-4, seed 123"])
    task: str = Field(examples=["max-of-4"])
    n_ctx: int = Field(examples=[4])
    d_vocab: int = Field(examples=[64])
    d_model: int = Field(examples=[32])
    d_head: int = Field(examples=[32])
    has_biases: bool
    seed: int | None
    source: str = Field(examples=["upload"])
    checkpoint: Digest
    size_bytes: int
    accuracy: AccuracyOut
    proofs_done: int
    best_bound: float | None
    tags: list[str]
    notes: str
    created_at: datetime
    url: str = Field(examples=["/models/" + "9f86d081884c7d65" * 4], description="The model's page.")


class ProofOut(Out):
    id: int = Field(examples=[7])
    model_digest: Digest
    model_name: str
    strategy: str = Field(examples=["cubic"])
    family: str = Field(examples=["cubic"])
    variant: str = Field(examples=["strict"])
    parameters: dict[str, str | int | float]
    engine_version: str
    state: str = Field(examples=["done"], description="`queued`, `running` or `done`.")
    verdict: str | None = Field(examples=["proved"])
    trust: str = Field(examples=["proved"], description="`proved`, or `float`: computed without error bounds.")
    correct: Exact | None
    wrong: Exact | None
    total: Exact
    bound: float | None = Field(examples=[0.9459], description="correct / total, rounded down.")
    tightness: float | None
    tightness_basis: str | None
    length: dict[str, Exact] = Field(examples=[{"measured-v1": "35181664"}], description="Operations by cost model.")
    seconds: float | None
    search_seconds: float | None
    peak_memory_mb: float | None
    certificate: Digest | None
    certificate_bytes: int | None
    progress: float
    message: str
    attempt: int
    soundness_alarm: bool
    doubt: str | None = Field(
        description="Why this result counts for nothing: `contradicted`, `refused` or (as published only) `above-truth`."
    )
    leader: int | None = Field(description="The first of the proofs that are computed together with this one.")
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    url: str = Field(examples=["/proofs/7"], description="The proof's page.")


class CheckOut(Out):
    """One re-check of a stored proof that has ended."""

    id: int = Field(examples=[3])
    proof_id: int = Field(examples=[7])
    checker: str = Field(examples=["engine 1"], description="Program and version.")
    verdict: str = Field(examples=["confirmed"], description="`confirmed`, `refused`, or `no answer` with the reason.")
    message: str
    certificate: Digest
    seconds: float
    asked_by: str = Field(examples=["local"])
    checked_at: datetime


class CheckJobOut(Out):
    """A re-check that was asked for."""

    job: int = Field(examples=[12], description="Its number in the queue: /api/v1/proofs/JOB/cancel stops it.")
    proof_id: int = Field(examples=[7])
    checker: str = Field(examples=["engine"])
    state: str = Field(examples=["queued"], description="`queued`, `running` or `done`.")
    progress: float
    asked_by: str = Field(examples=["local"])
    requested_at: datetime
    url: str = Field(examples=["/api/v1/proofs/7/checks"], description="Where the answer will be.")


class ChecksOut(Out):
    items: list[CheckOut] = Field(description="The last first.")
    under_way: list[CheckJobOut]


class StrategyOut(Out):
    name: str = Field(examples=["cubic"])
    family: str
    complexity: str = Field(examples=["O(v^3 n^2)"])
    summary: str
    variants: list[str] = Field(examples=[["strict", "as-published"]])
    code: str = Field(examples=["U4-A1-E9"], description="Short code of a published sub-cubic strategy.")
    group: str = Field(description="Label in the published plots, where it is finer than the family.")
    caveats: list[str] = Field(description="Where the argument as published is no proof.")


class FrontPointOut(Out):
    proof_id: int
    model_digest: Digest
    model_name: str
    n_ctx: int
    d_vocab: int
    strategy: str
    family: str
    variant: str
    trust: str
    correct: Exact
    total: Exact
    bound: float
    tightness: float | None
    length: dict[str, Exact]
    seconds: float | None


class PageOut(Out, Generic[Item]):
    items: list[Item]
    next: str | None = Field(description="Hand it back as `next` to get the following page; null on the last one.")
    total: int = Field(description="Of the whole list.")


class ErrorDetail(Out):
    field: str = Field(examples=["query.limit"])
    message: str


class Problem(Out):
    """An error (RFC 9457, application/problem+json)."""

    type: str = Field(examples=["urn:proofboard:problem:model-not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no model with this digest."])
    code: str = Field(examples=["model-not-found"], description="Stable: programs may rely on it.")
    errors: list[ErrorDetail] = []
    request_id: str


def model(record: ModelRecord) -> ModelOut:
    truth = record.accuracy
    return ModelOut(
        **{name: getattr(record, name) for name in MODEL_FIELDS},
        checkpoint=record.blob,
        accuracy=AccuracyOut(lower=str(truth.lower), upper=str(truth.upper), total=str(truth.total), label=truth.label),
        tags=list(record.tags),
        url=f"/models/{record.digest}",
    )


def proof(record: ProofRecord) -> ProofOut:
    return ProofOut(
        **{name: getattr(record, name) for name in PROOF_FIELDS},
        family=family(record.strategy),
        parameters=dict(record.parameters),
        correct=_text(record.correct),
        wrong=_text(record.wrong),
        total=str(record.total),
        length={name: str(value) for name, value in record.lengths.items()},
        url=f"/proofs/{record.id}",
    )


def check(record: CheckRecord) -> CheckOut:
    return CheckOut(**{name: getattr(record, name) for name in CheckOut.model_fields})


def check_job(job: ProofRecord) -> CheckJobOut:
    proof_id = int(job.parameters["proof"])
    return CheckJobOut(
        job=job.id,
        proof_id=proof_id,
        checker=str(job.parameters["checker"]),
        state=job.state,
        progress=job.progress,
        asked_by=str(job.parameters["by"]),
        requested_at=job.requested_at,
        url=f"/api/v1/proofs/{proof_id}/checks",
    )


def strategy(one: Strategy) -> StrategyOut:
    return StrategyOut(
        name=one.name,
        family=one.family,
        complexity=one.complexity,
        summary=one.summary,
        variants=[str(variant) for variant in one.variants],
        code=one.code,
        group=one.group,
        caveats=list(one.caveats),
    )


def front_point(point: FrontPoint) -> FrontPointOut:
    return FrontPointOut(
        **{name: getattr(point, name) for name in FRONT_FIELDS},
        correct=str(point.correct),
        total=str(point.total),
        length={name: str(value) for name, value in point.lengths.items()},
    )


def models(page: Page[ModelRecord]) -> PageOut[ModelOut]:
    return PageOut[ModelOut](items=[model(one) for one in page.items], next=page.next, total=page.total)


def proofs(page: Page[ProofRecord]) -> PageOut[ProofOut]:
    return PageOut[ProofOut](items=[proof(one) for one in page.items], next=page.next, total=page.total)


def family(strategy: str) -> str:
    """A result may be older than the catalogue: its strategy need not exist any more."""
    return BY_NAME[strategy].family if strategy in BY_NAME else "other"


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


MODEL_FIELDS = (
    "digest", "name", "task", "n_ctx", "d_vocab", "d_model", "d_head", "has_biases", "seed", "source", "size_bytes",
    "proofs_done", "best_bound", "notes", "created_at",
)  # fmt: skip
PROOF_FIELDS = (
    "id", "model_digest", "model_name", "strategy", "variant", "engine_version", "state", "verdict", "trust", "bound",
    "tightness", "tightness_basis", "seconds", "search_seconds", "peak_memory_mb", "certificate", "certificate_bytes",
    "progress", "message", "attempt", "soundness_alarm", "doubt", "leader", "requested_at", "started_at", "finished_at",
    "updated_at",
)  # fmt: skip
FRONT_FIELDS = (
    "proof_id", "model_digest", "model_name", "n_ctx", "d_vocab", "strategy", "family", "variant", "trust", "bound",
    "tightness", "seconds",
)  # fmt: skip
