"""`proofboard prove`: strategies on one checkpoint, without server or database.

Each piece of work runs as the worker runs it: in a process of its own, which can be stopped in the middle of a numerical
kernel and takes nothing else with it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from app.cli.answering import Unanswered, answers_of_several
from app.storage.records import Verdict
from proofs import ENGINE_VERSION
from proofs.bound import floor_ratio
from proofs.checkpoint import read_model
from proofs.devices import COMPILED
from proofs.lengths import unexplained_dimension
from proofs.model import Model
from proofs.prove import task_of
from proofs.strategies import BY_NAME, Strategy, Variant
from worker.limits import Limits
from worker.messages import Request, Result
from worker.work import limits_on, prepare


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
    code: str = ""
    """Short code of a published sub-cubic strategy."""
    group: str = ""
    """Label in the published plots."""
    caveats: tuple[str, ...] = ()
    """Where the published argument is no proof."""
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    unexplained_dimension: int | None = None
    correct: int | None = None
    wrong: int | None = None
    bound: float | None = None
    """correct / total, rounded down."""
    length: Mapping[str, int] = field(default_factory=dict)
    """Operations of the check by cost model."""
    seconds: float | None = None
    """Of the check, by all processes together; of a proof that was stopped, until then."""
    search_seconds: float | None = None
    peak_memory_mb: float | None = None
    """MiB, the most that the proof's process had in RAM, interpreter and libraries included."""
    message: str = ""
    """Why, where the verdict needs a reason."""

    def as_json(self) -> dict[str, Any]:
        exact = {name: None if (value := getattr(self, name)) is None else str(value) for name in EXACT}
        return {**asdict(self), **exact}


EXACT = ("correct", "wrong", "total", "unexplained_dimension")
"""Integers past 2^53, which JSON readers round: written as text."""


@dataclass(frozen=True)
class Piece:
    """What one process proves: a strategy, a question, or published strategies together."""

    label: str
    variant: Variant
    strategies: tuple[str, ...]
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)

    @classmethod
    def of(cls, strategy: Strategy, variant: Variant) -> "Piece":
        return cls(strategy.name, variant, (strategy.name,))


def run_all(
    checkpoint: Path,
    data: bytes,
    pieces: Sequence[Piece],
    *,
    timeout: float | None = None,
    processes: int = 1,
    device: str = COMPILED,
    report: Callable[[Piece, int, int], None] = lambda piece, done, of: None,
) -> Iterator[tuple[Piece, list[Outcome]]]:
    """The outcomes of each piece, in that order; `data` is what the checkpoint holds. So many processes share a long proof.

    After Ctrl-C, what is left is `cancelled`. Raises `UnreadableCheckpoint`, `UnsupportedModel` or `NoSuchDevice` before
    the first.
    """
    model = read_model(data)
    prepare(device)
    cancelled = False
    for piece in pieces:
        said = [{"verdict": Verdict.CANCELLED, "message": "Stopped before it began."}] * len(piece.strategies)
        if not cancelled:
            request = replace(request_of(model, checkpoint, data, piece), device=device)
            prove = partial(answers_of_several, request, limits_of(timeout, device), partial(report, piece))
            said = _run(request, partial(prove, task=task_of(model), processes=processes))
            cancelled = said[0]["verdict"] == Verdict.CANCELLED
        yield piece, [_outcome(model, piece, *one) for one in zip(piece.strategies, said, strict=True)]


def limits_of(timeout: float | None, device: str = COMPILED) -> Limits:
    return limits_on(device, timeout or inf, psutil.virtual_memory().total // 2**20)


def request_of(model: Model, checkpoint: Path, data: bytes, piece: Piece) -> Request:
    first, *more = piece.strategies
    return Request(
        model.digest, checkpoint, hashlib.sha256(data).hexdigest(), first, piece.variant, piece.parameters,
        together=piece.strategies if more else (),
    )  # fmt: skip


def _outcome(model: Model, piece: Piece, asked: str, said: Mapping[str, Any]) -> Outcome:
    task, variant = task_of(model), piece.variant
    facts = {"strategy": asked, "parameters": piece.parameters, **said}
    strategy = BY_NAME.get(facts["strategy"])
    if strategy is not None:
        facts |= {
            "code": strategy.code,
            "group": strategy.group,
            "caveats": strategy.caveats if variant is Variant.AS_PUBLISHED else (),
            "unexplained_dimension": unexplained_dimension(strategy.name, task, d_model=model.d_model),
        }
    bound = floor_ratio(facts["correct"], task.total) if "correct" in facts else None
    return Outcome(
        model=model.digest, task=task.name, variant=variant, trust=variant.trust, total=task.total, bound=bound,
        engine_version=ENGINE_VERSION, **facts,
    )  # fmt: skip


def _run(request: Request, prove: Callable[[], list[Result]]) -> list[dict[str, Any]]:
    """What each proof came to, as fields of `Outcome`."""
    started = monotonic()
    try:
        said = [dict(one) for one, _ in prove()]
    except KeyboardInterrupt:
        said = [{"verdict": Verdict.CANCELLED, "message": "Stopped by Ctrl-C."}]
    except Unanswered as trouble:
        said = [{"verdict": trouble.verdict, "message": str(trouble)}]
    if len(said) < len(request.together):
        said = said * len(request.together)
    waited = monotonic() - started
    return [{"seconds": waited, **_renamed(one)} for one in said]


def _renamed(said: dict[str, Any]) -> dict[str, Any]:
    lengths = said.pop("lengths", {})
    return {**said, "length": lengths}
