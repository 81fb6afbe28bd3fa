"""`proofboard prove`: strategies on one checkpoint, without server or database.

Each proof runs as the worker runs it: in a process of its own, which can be stopped in the middle of a numerical kernel
and takes nothing else with it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from app.storage.records import Verdict
from proofs import ENGINE_VERSION
from proofs.bound import floor_ratio
from proofs.checkpoint import read_model
from proofs.prove import task_of
from proofs.strategies import Strategy, Variant
from worker import limits
from worker.limits import End, Ending, Limits
from worker.run import Request, prove_model


@dataclass(frozen=True)
class Outcome:
    """What one strategy came to."""

    model: str
    task: str
    strategy: str
    variant: str
    verdict: str
    trust: str
    total: int
    engine_version: str
    correct: int | None = None
    wrong: int | None = None
    bound: float | None = None
    """correct / total, rounded down."""
    length: Mapping[str, int] = field(default_factory=dict)
    """Operations of the check by cost model."""
    seconds: float | None = None
    """Of the check; of a proof that was stopped, until then."""
    search_seconds: float | None = None
    peak_memory_mb: float | None = None
    """MiB, the most that the proof's process had in RAM, interpreter and libraries included."""
    message: str = ""
    """Why, where the verdict needs a reason."""

    def as_json(self) -> dict[str, Any]:
        exact = {name: None if (value := getattr(self, name)) is None else str(value) for name in EXACT}
        return {**asdict(self), **exact}


EXACT = ("correct", "wrong", "total")
"""Integers past 2^53, which JSON readers round: written as text."""


def run_all(
    checkpoint: Path,
    data: bytes,
    wanted: Sequence[tuple[Strategy, Variant]],
    *,
    timeout: float | None = None,
    report: Callable[[Strategy, int, int], None] = lambda strategy, done, of: None,
) -> Iterator[Outcome]:
    """One outcome for each wanted proof, in that order; `data` is what the checkpoint holds.

    After Ctrl-C, what is left is `cancelled`. Raises `UnreadableCheckpoint` or `UnsupportedModel` before the first.
    """
    model = read_model(data)
    task = task_of(model)
    most = Limits(seconds=timeout or inf, memory_mb=psutil.virtual_memory().total // 2**20)
    limits.prepare("worker.preload")
    cancelled = False
    for strategy, variant in wanted:
        request = Request(model.digest, checkpoint, hashlib.sha256(data).hexdigest(), strategy.name, variant)
        facts: dict[str, Any] = {"verdict": Verdict.CANCELLED, "message": "Stopped before it began."}
        if not cancelled:
            facts = _run(request, most, partial(report, strategy))
            cancelled = facts["verdict"] == Verdict.CANCELLED
        bound = floor_ratio(facts["correct"], task.total) if "correct" in facts else None
        yield Outcome(
            model=model.digest, task=task.name, strategy=strategy.name, variant=variant, trust=variant.trust,
            total=task.total, bound=bound, engine_version=ENGINE_VERSION, **facts,
        )  # fmt: skip


def _run(request: Request, most: Limits, report: Callable[[int, int], None]) -> dict[str, Any]:
    """What one proof came to, as fields of `Outcome`."""

    def watch(progress: tuple[int, int] | None) -> bool:
        if progress is not None:
            report(*progress)
        return True

    started = monotonic()
    try:
        facts = _facts(limits.run(prove_model, request, most, watch=watch), most)
    except KeyboardInterrupt:
        facts = {"verdict": Verdict.CANCELLED, "message": "Stopped by Ctrl-C."}
    return {"seconds": monotonic() - started, **facts}


def _facts(ending: Ending, most: Limits) -> dict[str, Any]:
    match ending.end:
        case End.RESULT:
            facts: dict[str, Any] = json.loads(ending.content.split(b"\n", 1)[0])
            lengths = facts.pop("lengths", {})
            return {**facts, "length": lengths}
        case End.TIMEOUT:
            return {"verdict": Verdict.TIMEOUT, "message": f"Not done after {most.seconds:g} s: raise --timeout."}
        case End.OUT_OF_MEMORY:
            return {"verdict": Verdict.OUT_OF_MEMORY, "message": "This machine has too little memory for the proof."}
        case _:
            return {"verdict": Verdict.ERROR, "message": ending.content.decode("utf-8", "replace").strip()}
