"""One proof, inside a child process: read the weights, prove, measure, and say it as bytes."""

import hashlib
import json
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.prove import Claim, prove, task_of
from proofs.strategies import BY_NAME, Variant
from worker.limits import Report

FORMAT = "proofboard-counts-v1"
RSS_UNITS_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10


@dataclass(frozen=True)
class Request:
    """What to prove, of which weights."""

    model_digest: str
    checkpoint: Path
    blob: str
    """SHA-256 of the checkpoint's bytes."""
    strategy: str
    variant: str


def prove_model(request: Request, report: Report) -> bytes:
    """The result as two lines of JSON: the figures, then the certificate (empty if the strategy does not apply)."""
    data = request.checkpoint.read_bytes()
    if hashlib.sha256(data).hexdigest() != request.blob:
        raise ValueError(f"The stored checkpoint {request.blob[:12]}… is damaged: restore it from a backup.")
    model = read_model(data)
    if model.digest != request.model_digest:
        raise ValueError(f"The stored checkpoint {request.blob[:12]}… holds other weights than its model.")
    strategy, variant = BY_NAME[request.strategy], Variant(request.variant)
    started = perf_counter()
    try:
        hints = strategy.search(variant)(model, task_of(model))
        searched = perf_counter()
        claim = prove(model, strategy, variant, hints=hints, report=report)
    except NotApplicable as reason:
        return _line({"verdict": "not-applicable", "message": str(reason), "seconds": perf_counter() - started}) + b"\n"
    figures = {
        "verdict": claim.verdict,
        "correct": claim.bound.correct,
        "wrong": claim.bound.wrong,
        "lengths": claim.lengths,
        "seconds": perf_counter() - searched,
        "search_seconds": searched - started,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNITS_PER_MIB,
    }
    return _line(figures) + b"\n" + certificate(claim)


def certificate(claim: Claim) -> bytes:
    """The counts of every block in canonical JSON: equal claims are equal bytes."""
    return _line(
        {
            "format": FORMAT,
            "model": claim.model_digest,
            "task": {"name": claim.task.name, "d_vocab": claim.task.d_vocab, "n_ctx": claim.task.n_ctx},
            "strategy": claim.strategy,
            "variant": claim.variant,
            "engine_version": claim.engine_version,
            "hints": dict(claim.hints),
            "total": str(claim.bound.total),
            "correct": str(claim.bound.correct),
            "wrong": str(claim.bound.wrong),
            "blocks": [
                {
                    "query": row.query,
                    "certified": [str(count) for count in row.certified],
                    "wrong": None if row.wrong is None else [str(count) for count in row.wrong],
                }
                for row in claim.bound.blocks
            ],
        }
    )


def _line(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
