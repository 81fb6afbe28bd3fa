"""`proofboard prove`: strategies on one checkpoint, without server or database.

Each proof runs in a process of its own. So it can be stopped in the middle of a numerical kernel, its memory is its
own, and one that dies takes nothing else with it.
"""

import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from app.storage.records import Verdict
from proofs import ENGINE_VERSION
from proofs.checkpoint import read_model
from proofs.errors import CheckRefused, NotApplicable, ProofError
from proofs.model import WEIGHTS, Model, expected_shapes
from proofs.prove import prove, task_of
from proofs.strategies import BY_NAME, Strategy, Variant

NUMERICAL = ["numpy", "numba", "proofs.prove", "proofs.tables"]
"""Loaded once, by the process from which each proof's process is forked."""


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
    seconds: float
    """Search and check; for a proof that was stopped, until then."""
    engine_version: str
    correct: int | None = None
    wrong: int | None = None
    bound: float | None = None
    """correct / total, rounded down."""
    length: Mapping[str, int] = field(default_factory=dict)
    """Operations by cost model."""
    peak_memory_mb: float | None = None
    """The most memory that the proof's process had, interpreter and libraries included; None if it did not end."""
    message: str = ""
    """Why, where the verdict needs a reason."""

    def as_json(self) -> dict[str, Any]:
        exact = {name: None if (value := getattr(self, name)) is None else str(value) for name in EXACT}
        return {**asdict(self), **exact}


EXACT = ("correct", "wrong", "total")
"""Integers past 2^53, which JSON readers round: written as text."""

Report = Callable[[int, int], None]


def run_all(
    data: bytes,
    wanted: Sequence[tuple[Strategy, Variant]],
    *,
    timeout: float | None = None,
    report: Callable[[Strategy, int, int], None] = lambda strategy, done, of: None,
) -> Iterator[Outcome]:
    """One outcome for each wanted proof, in that order. After Ctrl-C, what is left is `cancelled`.

    Raises `UnreadableCheckpoint` or `UnsupportedModel` before the first.
    """
    model = read_model(data)
    task = task_of(model)
    cancelled = False
    for strategy, variant in wanted:
        facts: dict[str, Any] = {"verdict": Verdict.CANCELLED, "message": "Stopped before it began.", "seconds": 0.0}
        if not cancelled:
            facts = _run(data, strategy, variant, timeout, partial(report, strategy))
            cancelled = facts["verdict"] == Verdict.CANCELLED
        yield Outcome(
            model=model.digest, task=task.name, strategy=strategy.name, variant=variant, trust=variant.trust,
            total=task.total, engine_version=ENGINE_VERSION, **facts,
        )  # fmt: skip


def _run(data: bytes, strategy: Strategy, variant: Variant, timeout: float | None, report: Report) -> dict[str, Any]:
    """Runs one proof to its end, its time limit or Ctrl-C."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(NUMERICAL)
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_prove, args=(theirs, data, strategy.name, variant), daemon=True)
    started = monotonic()
    try:
        child.start()
        theirs.close()
        facts = _listen(ours, timeout, report)
        child.join()
        if facts is None:
            message = f"The proof's process died (exit code {child.exitcode}); its own words, if any, stand above."
            facts = {"verdict": Verdict.ERROR, "message": message}
    except KeyboardInterrupt:
        facts = {"verdict": Verdict.CANCELLED, "message": "Stopped by Ctrl-C."}
    except TimeoutError:
        facts = {"verdict": Verdict.TIMEOUT, "message": f"Not done after {timeout:g} s: raise --timeout."}
    finally:
        if child.is_alive():
            child.kill()
            child.join()
        ours.close()
    return {"seconds": monotonic() - started, **facts}


def _listen(pipe: Connection, timeout: float | None, report: Report) -> dict[str, Any] | None:
    """What the proof's process says last; None if it ends without a word.

    Raises `TimeoutError`. The clock starts at the first word: a proof does not pay for starting its process.
    """
    deadline = None
    while True:
        if deadline is not None and not pipe.poll(max(0.0, deadline - monotonic())):
            raise TimeoutError
        try:
            said = pipe.recv()
        except EOFError:
            return None
        if isinstance(said, dict):
            return said
        report(*said)
        if deadline is None and timeout is not None:
            deadline = monotonic() + timeout


def _prove(pipe: Connection, data: bytes, name: str, variant: Variant) -> None:
    """The proof's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    strategy = BY_NAME[name]
    model = read_model(data)
    _compile(strategy, variant)
    pipe.send((0, model.d_vocab))
    started = perf_counter()
    try:
        claim = prove(model, strategy, variant, report=lambda done, of: pipe.send((done, of)))
    except NotApplicable as reason:
        facts: dict[str, Any] = {"verdict": Verdict.NOT_APPLICABLE, "message": str(reason)}
    except CheckRefused as reason:
        facts = {"verdict": Verdict.ERROR, "message": str(reason)}
    except MemoryError:
        facts = {"verdict": Verdict.OUT_OF_MEMORY, "message": "This machine has too little memory for the proof."}
    else:
        facts = {
            "verdict": claim.verdict,
            "correct": claim.bound.correct,
            "wrong": claim.bound.wrong,
            "bound": claim.bound.accuracy,
            "length": claim.lengths,
        }
    pipe.send({**facts, "seconds": perf_counter() - started, "peak_memory_mb": _peak_memory_mb()})


def _compile(strategy: Strategy, variant: Variant) -> None:
    """Kernels are compiled at their first use, which is no part of a proof's time: proves a tiny model first."""
    shapes = expected_shapes(d_vocab=2, n_ctx=2, d_model=2, d_head=2)
    tiny = Model.of({name: np.ones(shapes[name], dtype=np.float32) for name in WEIGHTS})
    with suppress(ProofError):
        prove(tiny, strategy, variant)


def _peak_memory_mb() -> float:
    """The most memory that this process had in RAM, interpreter and libraries included."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux; its ru_maxrss would remember the process that this one was forked from
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
