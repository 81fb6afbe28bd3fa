"""The accuracy of all 32 ablated models at once, on one set of inputs.

Inputs are shared by all subsets, and so is the work: attention is computed for the four ways to ablate its scores, and
what is attended to is mixed once for each. If the inputs are all there are, the result is exact; else it is an estimate
with an interval. Subsets without EVOU and PVOU come from the closed form and are always exact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from proofs.ablations import (
    SCORES,
    SUBSETS,
    VALUES,
    Known,
    Mode,
    Path,
    Subset,
    ablated,
    answers,
    attention,
    without_attention,
)  # fmt: skip
from proofs.enclosure import Array
from proofs.intervals import Interval, clopper_pearson, hoeffding
from proofs.tables import Tables
from proofs.task import MaxOfK

CHUNK = 2048
"""Inputs that are in memory at a time: a chunk of them with all their logits stays in the cache."""


@dataclass(frozen=True)
class Effect:
    """How well a changed model does."""

    correct: int
    draws: int
    """Inputs that were tried: all there are if `label` is `exact`."""
    label: str
    """`exact`, or `estimated`."""
    accuracy: Interval
    probability: float
    """Mean probability of the right answer: the "loss" of the published exports, where larger is better."""
    probability_within: Interval
    undecided: int = 0
    """Inputs too near a tie for float64; not in `correct`."""

    @property
    def share(self) -> float:
        return self.correct / self.draws

    @classmethod
    def exactly(cls, known: Known) -> "Effect":
        ends = Interval(known.correct / known.total, (known.correct + known.undecided) / known.total)
        near = Interval(known.probability, known.probability)
        return cls(known.correct, known.total, "exact", ends, known.probability, near, known.undecided)


@dataclass
class Score:
    """Counts that grow chunk by chunk."""

    correct: int = 0
    undecided: int = 0
    probability: float = 0.0
    draws: int = 0

    def add(self, logits: Float64[Array, "input d_vocab"], right: Int64[Array, " input"]) -> None:
        found = answers(logits, right)
        self.correct += int((found.margin > found.blur).sum())
        self.undecided += int((np.abs(found.margin) <= found.blur).sum())
        self.probability += float(found.probability.sum())
        self.draws += len(right)

    def effect(self, *, every: bool) -> Effect:
        """`every` says that the inputs were all there are, each once. Near ties are outside the count and inside the interval."""
        mean = self.probability / self.draws
        if every:
            return Effect.exactly(Known(self.correct, self.draws, self.undecided, mean))
        low = clopper_pearson(self.correct, self.draws).low
        high = clopper_pearson(self.correct + self.undecided, self.draws).high
        within = hoeffding(mean, [(1.0, self.draws)])
        return Effect(self.correct, self.draws, "estimated", Interval(low, high), mean, within, self.undecided)


def effects(tables: Tables, task: MaxOfK, tokens: Int64[Array, "input n_ctx"], mode: Mode) -> dict[Subset, Effect]:
    """The effect of each subset's ablation, on these inputs."""
    found = {
        subset: Effect.exactly(without_attention(ablated(tables, subset, mode), task))
        for subset in SUBSETS
        if subset >= VALUES
    }
    scores = {subset: Score() for subset in SUBSETS if subset not in found}
    for start in range(0, len(tokens), CHUNK):
        chunk = tokens[start : start + CHUNK]
        right = chunk.max(axis=1)
        for subset, logits in _logits(tables, chunk, mode, scores):
            scores[subset].add(logits, right)
    every = len(tokens) == task.total
    return found | {subset: score.effect(every=every) for subset, score in scores.items()}


def _logits(
    tables: Tables, tokens: Int64[Array, "input n_ctx"], mode: Mode, wanted: "dict[Subset, Score]"
) -> Iterator[tuple[Subset, Float64[Array, "input d_vocab"]]]:
    query = tokens[:, -1]
    means = ablated(tables, (Path.EU, *VALUES), mode)
    values = tables.ov_token.value[tokens]  # [input, position, logit]
    direct = {False: tables.direct.value[query], True: means.direct.value[:1]}
    token_scores = np.take_along_axis(tables.score_token.value[query], tokens, axis=1)
    for pattern in (subset for subset in SUBSETS if subset <= SCORES):
        scores = np.zeros(tokens.shape)
        if Path.EQKE not in pattern:
            scores += token_scores
        if Path.EQKP not in pattern:
            scores += tables.score_position.value[query]
        weights = attention(scores)
        mixed = {False: np.matmul(weights[:, None, :], values)[:, 0, :], True: means.ov_token.value[:1]}
        placed = {False: weights @ tables.ov_position.value, True: means.ov_position.value[:1]}
        for subset in wanted:
            if subset & SCORES == pattern:
                yield subset, mixed[Path.EVOU in subset] + placed[Path.PVOU in subset] + direct[Path.EU in subset]
