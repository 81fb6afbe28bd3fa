"""One proof, inside a child process: read the weights, prove, measure, and say it."""

import hashlib
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from proofs.certificate import certificate_of
from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.prove import Claim, prove, search, task_of
from proofs.strategies import BY_NAME, Hints, Strategy, Variant
from proofs.strategies.subcubic import search_published_gaps
from proofs.subcubic.pieces import SearchTables
from worker.limits import Report
from worker.messages import Request, Result, write

RSS_UNITS_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10


def prove_model(request: Request, report: Report) -> bytes:
    model = model_of(request)
    strategy, variant = BY_NAME[request.strategy], Variant(request.variant)
    started = perf_counter()
    try:
        hints = _hints(model, strategy, variant, request.parameters)
        searched = perf_counter()
        claim = prove(model, strategy, variant, hints=hints, report=report)
    except NotApplicable as reason:
        return write(not_applicable(reason, perf_counter() - started))
    times = {"seconds": perf_counter() - searched, "search_seconds": searched - started}
    return write((figures(claim) | times, certificate_of(claim)))


def model_of(request: Request) -> Model:
    """The weights, if they are still those that were stored."""
    model = read_model(stored("checkpoint", request.checkpoint, request.blob))
    if model.digest != request.model_digest:
        raise ValueError(f"The stored checkpoint {request.blob[:12]}… holds other weights than its model.")
    return model


def stored(what: str, path: Path, blob: str) -> bytes:
    """A stored file, if it is still what was stored."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != blob:
        raise ValueError(f"The stored {what} {blob[:12]}… is damaged: restore it from a backup.")
    return data


def _hints(model: Model, strategy: Strategy, variant: Variant, parameters: Mapping[str, str | int | float]) -> Hints:
    if "search" in parameters:
        return search_published_gaps(strategy.code, model, task_of(model), SearchTables(str(parameters["search"])))
    return search(model, strategy, variant)


def figures(claim: Claim) -> dict[str, Any]:
    """What is said about a claim, but for its times."""
    return {
        "verdict": claim.verdict,
        "correct": claim.bound.correct,
        "wrong": claim.bound.wrong,
        "lengths": claim.lengths,
        "peak_memory_mb": peak_memory_mb(),
    }


def not_applicable(reason: NotApplicable, seconds: float) -> Result:
    return {"verdict": "not-applicable", "message": str(reason), "seconds": seconds}, b""


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNITS_PER_MIB
