"""Settles most wrong answers before anything is counted.

A trained model confuses a maximum m with few other answers x. Two tests, each a sufficient condition for "no
sequence with maximum m answers x rather than m", leave only the doubtful (m, x) to the counting:

1. *For every query at once*. A sequence holds at least one m. With G(t) an upper bound, over queries q <= m and
   positions, of ov[i,t,x] - ov[i,t,m] + direct[q,x] - direct[q,m], and r(t) one of e[q,i,t] / e[q,j,m] over queries
   and pairs of positions, the sum of theorem 1 divided by the weight of one m is at most

       G(m) + (n - 1) max(0, max_{t < m} r(t) G(t)).

2. *For one query*. The query has its own term, one copy of m (the query, if it is m) counts with its smallest
   weight, and every other free position adds at most max(0, max_{t < m} e G(t)).

Copies of m beyond the first only lower the sum, because G(m) < 0 wherever either test succeeds. Rounding: G is
raised by `Tables.margin`, which covers weights, products and sums of e * G; ratios carry their own error.
"""

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Bool, Float64

from proofs.enclosure import Array
from proofs.tables import Tables, Weights
from proofs.tally import Tally

GUARD = 1.0 + 2.0**-40
"""Covers the few roundings of the products and sums in test 1."""
STEEPEST = 700.0
"""exp of more overflows; such a ratio is called infinite."""


@dataclass(frozen=True, eq=False)
class Settled:
    """What both tests leave open, for one model."""

    tables: Tables
    margin: float
    drift: Float64[Array, "maximum logit"]
    """max over positions of ov_position[i,x] - ov_position[i,m]"""
    for_every_query: Bool[Array, "maximum logit"]

    @classmethod
    def of(cls, tables: Tables, tally: Tally) -> "Settled":
        margin = tables.margin()
        drift = _drift_over_positions(tables, tally)
        return cls(tables, margin, drift, _settled_for_every_query(tables, drift, margin, tally))

    def open_for(self, query: int, weights: Weights, tally: Tally) -> Bool[Array, "maximum logit"]:
        """The wrong answers x that some sequence of the block (query, m) may give."""
        left, operations = _open_for_query(
            self.for_every_query,
            self.tables.ov_token.value,
            self.drift,
            self.tables.direct.value[query],
            weights.low,
            weights.high,
            self.margin,
            query,
        )
        tally.add(operations)
        return np.asarray(left)


def _drift_over_positions(tables: Tables, tally: Tally) -> Float64[Array, "maximum logit"]:
    position = tables.ov_position.value
    tally.add(2 * position.size * position.shape[1])
    return np.asarray((position[:, None, :] - position[:, :, None]).max(axis=0))


def _settled_for_every_query(
    tables: Tables, drift: Float64[Array, "maximum logit"], margin: float, tally: Tally
) -> Bool[Array, "maximum logit"]:
    """settled[m, x]: no sequence with maximum m answers x rather than m. True where x is m."""
    token, direct, score = tables.ov_token.value, tables.direct.value, tables.score_token.value
    n_ctx, d_vocab = tables.ov_position.value.shape
    position = tables.score_position.value
    spread = position.max(axis=1) - position.min(axis=1)  # [query]
    tally.add(2 * position.size)
    inflation = tables.ratio_error()
    settled = np.eye(d_vocab, dtype=bool)
    for m in range(d_vocab):
        gain = (direct[: m + 1] - direct[: m + 1, m, None]).max(axis=0) + (drift[m] + margin)  # [logit]
        copy = gain + (token[m] - token[m, m])
        tally.add(2 * (m + 1) * d_vocab + 4 * d_vocab)
        rise = np.maximum(token[:m] - token[:m, m, None] + gain, 0.0)  # [token, logit]
        steepness = (score[: m + 1, :m] - score[: m + 1, m, None] + spread[: m + 1, None]).max(axis=0, initial=-np.inf)
        with np.errstate(over="ignore"):
            ratio = np.where(steepness > STEEPEST, np.inf, np.exp(steepness) * inflation)  # [token]
        with np.errstate(over="ignore", invalid="ignore"):
            most = np.where(rise > 0, rise * ratio[:, None], 0.0).max(axis=0, initial=0.0)
            others = (n_ctx - 1) * most * GUARD if n_ctx > 1 else 0.0
        tally.add(3 * (m + 1) * m + 3 * m + 6 * m * d_vocab + 5 * d_vocab)
        settled[m] |= others < -copy / GUARD
    return settled


@numba.njit(cache=True)
def _open_for_query(
    settled: Bool[Array, "maximum logit"],
    token: Float64[Array, "token logit"],
    drift: Float64[Array, "maximum logit"],
    direct: Float64[Array, " logit"],
    low: Float64[Array, "n_ctx token"],
    high: Float64[Array, "n_ctx token"],
    margin: float,
    query: int,
) -> tuple[Bool[Array, "maximum logit"], int]:
    """Test 2, and the operations spent."""
    n_ctx, d_vocab = low.shape
    free = n_ctx - 1
    lowest = np.zeros(d_vocab)
    highest = np.zeros(d_vocab)
    for t in range(d_vocab):
        if free > 0:
            lowest[t] = low[:free, t].min()
            highest[t] = high[:free, t].max()
    operations = 2 * free * d_vocab
    left = np.zeros((d_vocab, d_vocab), np.bool_)
    for m in range(query, d_vocab):
        for x in range(d_vocab):
            if settled[m, x]:
                continue
            gain = direct[x] - direct[m] + margin + drift[m, x]
            most = 0.0
            for t in range(m):
                rise = token[t, x] - token[t, m] + gain
                if rise > 0:
                    most = max(most, rise * highest[t])
            at_query = token[query, x] - token[query, m] + gain
            at_query *= high[free, query] if at_query > 0 else low[free, query]
            operations += 3 + 5 * m + 8
            if query == m:
                left[m, x] = at_query >= 0 or at_query + free * most >= 0
                continue
            copy = token[m, x] - token[m, m] + gain
            left[m, x] = copy >= 0 or at_query + copy * lowest[m] + (free - 1) * most >= 0
            operations += 4
    return left, operations
