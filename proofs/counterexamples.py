"""Inputs that the model answers wrongly, worst first.

For a query q, a maximum m and a wrong answer x the sum of theorem 1 (`spec/separable-proofs.md`) is additive over
positions, so its largest value over the block is found by choosing the best token at each position, one of them
being m. Where that sum, lowered by the rounding margin, still reaches zero, the input is wrong for certain.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from proofs.model import Array, Model
from proofs.settling import Settled
from proofs.tables import Tables, Weights
from proofs.tally import Tally


@dataclass(frozen=True)
class Counterexample:
    """An input, the right answer, the answer given, and their logits (floats, for reading)."""

    tokens: tuple[int, ...]
    right: int
    answered: int
    logit_right: float
    logit_answered: float

    @property
    def by(self) -> float:
        return self.logit_answered - self.logit_right


def worst_inputs(model: Model, most: int = 20) -> list[Counterexample]:
    """At most one input for each (query, maximum, wrong answer), by how far the wrong answer leads. All are proved wrong."""
    tally = Tally()  # a search, not a proof: its cost is nobody's length
    tables = Tables.of(model, tally)
    settled = Settled.of(tables, tally)
    ov = tables.ov(tally)
    found: dict[tuple[int, ...], Counterexample] = {}
    for query in range(model.d_vocab):
        weights = tables.weights(query, tally)
        open_answers = settled.open_for(query, weights, tally)
        for maximum in np.flatnonzero(open_answers.any(axis=1)):
            for example in _worst_of_block(
                ov, tables.direct.value[query], weights, query, int(maximum), open_answers, settled.margin
            ):
                known = found.get(example.tokens)
                if known is None or known.by < example.by:
                    found[example.tokens] = example
        if len(found) > 50 * most:
            found = {example.tokens: example for example in _first(found, most)}
    return _first(found, most)


def _first(found: dict[tuple[int, ...], Counterexample], most: int) -> list[Counterexample]:
    return sorted(found.values(), key=lambda example: (-example.by, example.tokens))[:most]


def _worst_of_block(
    ov: Array, direct: Array, weights: Weights, query: int, maximum: int, open_answers: Array, margin: float
) -> Iterator[Counterexample]:
    free = ov.shape[0] - 1
    e = weights.high
    for x in np.flatnonzero(open_answers[maximum]):
        lift = ov[:, : maximum + 1, x] - ov[:, : maximum + 1, maximum] + (direct[x] - direct[maximum])
        terms = lift[:free] * e[:free, : maximum + 1]  # [position, token]
        tokens = terms.argmax(axis=1) if free else np.empty(0, int)
        if query != maximum and free and maximum not in tokens:
            loss = terms.max(axis=1) - terms[:, maximum]
            tokens[loss.argmin()] = maximum
        if query != maximum and not free:
            continue
        tokens = np.append(tokens, query)
        rows = np.arange(free + 1)
        lowered = lift[rows, tokens] - margin
        surely = float((lowered * np.where(lowered > 0, weights.low[rows, tokens], e[rows, tokens])).sum())
        if surely < 0:
            continue
        pattern = e[rows, tokens] / e[rows, tokens].sum()
        logits = pattern @ ov[rows, tokens] + direct
        given = int(logits.argmax())
        answered = given if given != maximum else int(x)
        yield Counterexample(
            tuple(int(token) for token in tokens), maximum, answered, float(logits[maximum]), float(logits[answered])
        )
