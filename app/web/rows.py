"""Lists as flat rows for CSV. Full precision: floats as Python writes them, exact integers digit by digit."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from app.storage.records import ModelRecord, Page, ProofRecord
from app.web import schemas

COST_MODELS = ("measured-v1", "reference-v1")
PAGE = 500
"""Rows that are in memory at a time."""

MODEL_COLUMNS = (
    "digest", "name", "task", "n_ctx", "d_vocab", "d_model", "d_head", "has_biases", "seed", "source", "checkpoint",
    "size_bytes", "accuracy_lower", "accuracy_upper", "total", "accuracy_label", "proofs_done", "best_bound", "tags",
    "notes", "created_at",
)  # fmt: skip
PROOF_COLUMNS = (
    "id", "model_digest", "model_name", "strategy", "family", "variant", "engine_version", "state", "verdict", "trust",
    "correct", "wrong", "total", "bound", "tightness", "tightness_basis", "length_measured_v1", "length_reference_v1",
    "seconds", "search_seconds", "peak_memory_mb", "certificate", "certificate_bytes", "progress", "message", "attempt",
    "soundness_alarm", "doubt", "requested_at", "started_at", "finished_at",
)  # fmt: skip
FRONT_COLUMNS = (
    "proof_id", "model_digest", "model_name", "n_ctx", "d_vocab", "strategy", "family", "variant", "trust", "correct",
    "total", "bound", "tightness", "length_measured_v1", "length_reference_v1", "seconds",
)  # fmt: skip

Record = TypeVar("Record")


def model(record: ModelRecord) -> Mapping[str, Any]:
    shown = schemas.model(record).model_dump(mode="json")
    truth = shown.pop("accuracy")
    return {
        **shown,
        "accuracy_lower": truth["lower"],
        "accuracy_upper": truth["upper"],
        "total": truth["total"],
        "accuracy_label": truth["label"],
        "tags": " | ".join(record.tags),
    }


def proof(record: ProofRecord) -> Mapping[str, Any]:
    return flat(schemas.proof(record))


def flat(shown: schemas.ProofOut | schemas.FrontPointOut) -> Mapping[str, Any]:
    row = shown.model_dump(mode="json")
    lengths = row.pop("length")
    return {**row, **{f"length_{name.replace('-', '_')}": lengths.get(name) for name in COST_MODELS}}


def every(read: Callable[[str | None], Page[Record]]) -> Iterator[Record]:
    """All rows of a list, page after page."""
    following: str | None = None
    while True:
        page = read(following)
        yield from page.items
        following = page.next
        if following is None:
            return
