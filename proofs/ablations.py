"""What a model loses when paths are taken out of it: five paths, each replaced by zero or by its mean (spec 9.1).

    logits = EU[q] + sum_i alpha_i (EVOU[t_i] + PVOU[i]),    alpha = softmax_i(EQKE[q, t_i] + EQKP[q, i])

The mean of a path is that of its table over all that it reads: EU over queries, EVOU over tokens, PVOU over positions. For
the two attention tables it is one number, which softmax ignores, so there zero and mean are the same ablation. Where EVOU
and PVOU are both out, attention cannot matter and the counts have a closed form (`without_attention`); the published
code used a wrong one (audit R-4). As everywhere, a tie is wrong: with all logits equal nothing is answered correctly.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from proofs.enclosure import Array, Enclosed, gamma, upward
from proofs.tables import Tables
from proofs.task import MaxOfK


class Path(StrEnum):
    """The five paths; the value is the name in the published exports."""

    EU = "EU"
    EQKE = "EQKE"
    EQKP = "EQKP"
    EVOU = "EVOU"
    PVOU = "PVOU"


class Mode(StrEnum):
    ZERO = "zero"
    MEAN = "mean"


Subset = frozenset[Path]

SUBSETS: tuple[Subset, ...] = tuple(frozenset(paths) for size in range(6) for paths in combinations(Path, size))
"""All 32, none first."""

NOISE: Subset = frozenset({Path.EU, Path.EQKP, Path.PVOU})
"""What the published account of the model treats as noise; the story is EQKE (attend to large tokens) and EVOU (copy)."""

FIELDS = {
    Path.EU: "direct",
    Path.EQKE: "score_token",
    Path.EQKP: "score_position",
    Path.EVOU: "ov_token",
    Path.PVOU: "ov_position",
}
SCORES = frozenset({Path.EQKE, Path.EQKP})
VALUES = frozenset({Path.EVOU, Path.PVOU})

NEAR = 1e-9
"""Of the largest logit: a smaller margin may be rounding."""


def name_of(subset: Subset) -> str:
    """`None`, `EU`, `EU-EQKE` …, in the published order."""
    return "-".join(path for path in Path if path in subset) or "None"


def ablated(tables: Tables, paths: Iterable[Path], mode: Mode) -> Tables:
    """The tables with some paths replaced; every radius still encloses the ablated model's true tables."""
    changes: dict[str, Any] = {}
    for path in paths:
        table: Enclosed = getattr(tables, FIELDS[path])
        plain = mode is Mode.ZERO or path in SCORES
        changes[FIELDS[path]] = Enclosed(np.zeros_like(table.value), 0.0) if plain else _mean_row(table)
    return replace(tables, **changes)


def _mean_row(table: Enclosed) -> Enclosed:
    rows = len(table.value)
    mean = np.broadcast_to(table.value.mean(axis=0), table.value.shape).copy()
    return Enclosed(mean, upward(table.radius + gamma(rows + 1) * table.largest))


@dataclass(frozen=True)
class Known:
    """An ablated model's accuracy, exactly, and the mean probability it gives the right answer."""

    correct: int
    total: int
    undecided: int
    """Inputs too near a tie for float64: not in `correct`, though they may be."""
    probability: float


def without_attention(tables: Tables, task: MaxOfK) -> Known:
    """For tables whose rows of values are all the same: what is attended to adds the same vector.

    Query q is then always answered with the largest entry of its row, so that its inputs with that maximum are
    right and no others.
    """
    rows = tables.direct.value + tables.ov_token.value[0] + tables.ov_position.value[0]
    largest = tables.direct.largest + tables.ov_token.largest + tables.ov_position.largest
    radius = tables.direct.radius + tables.ov_token.radius + tables.ov_position.radius
    blur = upward(2 * radius + 2**-50 * largest)
    correct = undecided = 0
    probability = 0.0
    for query, row in enumerate(rows):
        answer = int(row.argmax())
        others = np.delete(row, answer)
        margin = float(row[answer] - others.max()) if len(others) else np.inf
        size = task.block_size(query, answer)
        if margin > blur:
            correct += size
        elif margin > 0 or (margin == 0 and blur > 0):
            undecided += sum(task.block_size(query, int(near)) for near in np.flatnonzero(row[answer] - row <= blur))
        share = np.exp(row - row.max())
        share /= share.sum()
        sizes = [task.block_size(query, m) / task.total for m in range(task.d_vocab)]
        probability += float(np.dot(share, sizes))
    return Known(correct, task.total, undecided, probability)


class Answers(NamedTuple):
    margin: Float64[Array, " input"]
    """Logit of the right answer minus the largest other: positive where the input is answered correctly."""
    blur: Float64[Array, " input"]
    """A margin within it of zero may be rounding."""
    probability: Float64[Array, " input"]
    """Of the right answer."""


def answers(logits: Float64[Array, "input d_vocab"], right: Int64[Array, " input"]) -> Answers:
    rows = np.arange(len(right))
    mine = logits[rows, right]
    others = logits.copy()
    others[rows, right] = -np.inf
    margin = mine - others.max(axis=1, initial=-np.inf)
    blur = NEAR * (1 + np.abs(logits).max(axis=1))
    others -= mine[:, None]
    np.clip(others, None, 700.0, out=others)
    return Answers(margin, blur, 1 / (1 + np.exp(others).sum(axis=1)))


def attention(scores: Float64[Array, "input n_ctx"]) -> Float64[Array, "input n_ctx"]:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Array = weights / weights.sum(axis=1, keepdims=True)
    return found
