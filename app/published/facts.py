"""The published numbers, read from `data/`. Floats as published; counts exact.

Bounds of the published sub-cubic and cubic proofs were computed in float32 without error bounds: label `float`. For K > 4
the accuracy that normalises them is itself an estimate.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import floor, log10
from pathlib import Path
from statistics import fmean, stdev

from app.published.rows import SUBCUBIC_ROWS, Row, row_of

DATA = Path(__file__).parent / "data"

D_VOCAB = 64
D_MODEL = 32
"""Of every published model for which seeds are known one by one."""

SOURCE = "Gross et al., NeurIPS 2024, arXiv 2406.11779"


class Generation(StrEnum):
    POST = "post"
    """The camera-ready version: the query's own position is in its embedding."""
    PRE = "pre"
    """arXiv v1: the mean position instead, so the sub-cubic bounds are not about the real models."""


BRUTE_FORCE_LENGTH = {4: 141_029_630_021_632, 5: 14_272_938_681_565_200}
"""As published: counts a broadcasting slip of the tool that counted (audit F-3)."""

CUBIC_LENGTH = {4: 35_181_664, 5: 52_397_344, 10: 193_981_664, 20: 752_334_304}
"""As published; K = 4 is a stored constant of older code (audit F-4)."""


@dataclass(frozen=True)
class Best:
    """The best published bound of a row for one seed."""

    seed: int
    row: Row
    bound: float
    normalised: float | None
    """Bound over the exact accuracy of that model; None where only an estimate is known."""


@dataclass(frozen=True)
class Result:
    """What one published strategy certified for one seed."""

    n_ctx: int
    seed: int
    strategy: str
    row: Row
    correct: int
    length: int
    """Published FLOP estimate."""
    dimension: int
    error_bound: float | None

    @property
    def total(self) -> int:
        return int(D_VOCAB**self.n_ctx)

    @property
    def bound(self) -> float:
        return self.correct / self.total


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation over seeds."""

    mean: float
    sd: float
    seeds: int
    how: str
    """`recomputed` from the seeds, or the `legend` of a published figure."""

    @property
    def shown(self) -> str:
        """Both with one digit more than the deviation's leading one, as the published legends have it: `0.9531 ± 0.0087`."""
        if self.sd <= 0:
            return f"{self.mean:.3f}"
        decimals = max(0, 1 + floor(1 - log10(self.sd)))
        return f"{self.mean:.{decimals}f} ± {self.sd:.{decimals}f}"


def summarise(values: list[float], how: str = "recomputed") -> Summary:
    return Summary(fmean(values), stdev(values) if len(values) > 1 else 0.0, len(values), how)


@cache
def best_by_seed(n_ctx: int, row: Row, generation: Generation) -> tuple[Best, ...]:
    """Of the 151 seeds at d_vocab = 64; empty where they are not known one by one."""
    if n_ctx != 4:
        column = f"{n_ctx} {row}"
        rows = _read("other-k-seeds") if generation is Generation.POST or row is Row.CUBIC else []
        return tuple(Best(int(one["seed"]), row, float(one[column]), None) for one in rows if column in one)
    total = D_VOCAB**4
    found = []
    for one in _read("max-of-4-seeds"):
        truth = int(one["brute_force_correct"])
        match row:
            case Row.BRUTE_FORCE:
                bound = truth / total
            case Row.CUBIC:
                bound = int(one["cubic_correct"]) / total
            case _:
                bound = float(one[f"{generation} {row}"])
        found.append(Best(int(one["seed"]), row, bound, bound * total / truth))
    return tuple(found)


@cache
def bounds(n_ctx: int, d_vocab: int, row: Row, generation: Generation) -> Summary | None:
    """Of the row's best bound for each seed; None where it was not published."""
    known = best_by_seed(n_ctx, row, generation) if d_vocab == D_VOCAB else ()
    return summarise([best.bound for best in known]) if known else None


@cache
def normalised(n_ctx: int, d_vocab: int, row: Row, generation: Generation) -> Summary | None:
    known = best_by_seed(n_ctx, row, generation) if d_vocab == D_VOCAB else ()
    ratios = [best.normalised for best in known if best.normalised is not None]
    return summarise(ratios) if ratios else _legend(n_ctx, d_vocab, row, generation)


def _legend(n_ctx: int, d_vocab: int, row: Row, generation: Generation) -> Summary | None:
    # Brute force and cubic do not read the query's embedding as the fix changed it: one number serves both.
    which = generation if row in SUBCUBIC_ROWS else Generation.POST
    for one in _read("legends"):
        if (one["generation"], int(one["n_ctx"]), int(one["d_vocab"]), one["row"]) == (which, n_ctx, d_vocab, row):
            return Summary(float(one["mean"]), float(one["sd"]), int(one["seeds"]), "legend")
    return None


@cache
def estimated_accuracy(n_ctx: int, d_vocab: int) -> Summary | None:
    """Where brute force was sampled, not run."""
    for one in _read("legends"):
        if (int(one["n_ctx"]), int(one["d_vocab"]), one["row"]) == (n_ctx, d_vocab, "brute force (estimated)"):
            return Summary(float(one["mean"]), float(one["sd"]), int(one["seeds"]), "legend")
    return None


@cache
def results(n_ctx: int) -> tuple[Result, ...]:
    """Strategy by strategy, for the seeds that are known so (after the fix, d_vocab = 64)."""
    return tuple(_results(n_ctx))


def _results(n_ctx: int) -> Iterator[Result]:
    sizes = {one["strategy"]: one for one in _read("strategies")}
    fixed = {
        "brute-force": (BRUTE_FORCE_LENGTH.get(n_ctx, 0), D_VOCAB ** (n_ctx + 1)),
        "cubic": (CUBIC_LENGTH.get(n_ctx, 0), 3 * D_VOCAB**2 + 2 * D_VOCAB * n_ctx),
    }
    for one in _read("strategy-counts"):
        name, row = one["strategy"], row_of(one["strategy"])
        if int(one["n_ctx"]) != n_ctx or row is None:
            continue
        length, dimension = fixed.get(name) or (int(sizes[name][f"post {n_ctx}"]), int(sizes[name]["dimension"]))
        error = float(one["error_bound"]) if one["error_bound"] else None
        yield Result(n_ctx, int(one["seed"]), name, row, int(one["correct"]), length, dimension, error)


@cache
def lengths(n_ctx: int, generation: Generation = Generation.POST) -> Mapping[str, int]:
    """The published FLOP estimate of each of the 100 strategies at d_vocab = 64; empty where it is not known."""
    column = f"{generation} {n_ctx}"
    return {one["strategy"]: int(one[column]) for one in _read("strategies") if column in one}


def tasks() -> tuple[tuple[int, int], ...]:
    """(n_ctx, d_vocab) of every published task, the paper's own first."""
    return tuple(dict.fromkeys((int(one["n_ctx"]), int(one["d_vocab"])) for one in _read("legends")))


@cache
def _read(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
