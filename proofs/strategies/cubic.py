"""The published cubic proof: every position at its worst, one kind of wrong token at a time (spec section 4).

Fix a query q, a maximum m >= q and the number c of tokens other than m at the n - 1 free positions. Write f^m[., x]
for f[., x] - f[., m], e[i, t] for the unnormalised attention weight of token t at position i, and

    pi_m[x] = max_p ov_position^m[p, x]
    rise_m[t] = max_{x != m} (ov_token^m[t, x] + pi_m[x]) + max_{x != m} direct^m[q, x].

Theorem. Let G be a set of tokens below m. If for every k in G the sum of e[i, t_i] rise_m[t_i] is below zero for
"c copies of k and n - 1 - c copies of m", with the m at the positions of least weight as well as at those of greatest
weight, then all C(n-1, c) |G|^c inputs whose other tokens lie in G are answered correctly.

Proof. rise_m[t_i] is at least ov^m + direct^m for each x != m, so a sum below zero proves an input correct
(separability: `spec/separable-proofs.md`, theorem 1). The weight is a position factor u_i times a token factor, so for
a set N of positions whose tokens lie in G the sum is some C + sum_{i in N} u_i h(t_i), which is at most
C + (sum_{i in N} u_i) max_{k in G} h(k): a pure input is the worst. Among pure inputs the sum is affine in the total u
of the positions of m, so largest at one of the two arrangements. Inputs with c = 0 are settled by a sharper test, x by
x, that the theorem does not need.

Rounding. `check` raises every summand by `Tables.margin` and gives a weight that is only bounded its worse end. With
lower and upper weights sorted apart, the two arrangements bound all others whatever the signs, so no order has to be
decided. `check_as_published` is the published float test, weighted average < 0 without a margin: its trust is `float`.

Cost O(v^3 n). Loose because the direct path and each token choose their worst wrong answer apart, and because every
position is granted the bonus of the best one. Hints: none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numba import njit

from proofs.bound import Counts
from proofs.enclosure import Array
from proofs.model import Model
from proofs.strategies import Hints
from proofs.tables import Tables, Weights, weighted
from proofs.tally import Tally
from proofs.task import MaxOfK


def search(model: Model, task: MaxOfK) -> Hints:
    return {}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    tables = Tables.of(model, tally)
    leads = Leads.of(tables.direct.value, tables.ov_token.value, tables.ov_position.value, tally)
    margin = tables.margin()
    for query in queries:
        weights = tables.weights(query, tally)
        only_maxima = leads.of_only_maxima(query, weights, margin, tally) < 0
        rise = leads.token + (leads.direct[query] + margin)[:, None]
        tally.add(rise.size + 2 * rise.shape[0])
        allowed, operations = _allowed(rise, _Sums.of(weights, query, tally), query)
        tally.add(operations)
        yield _counts(task, query, only_maxima, allowed)


def check_as_published(
    model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally
) -> Iterator[Counts]:
    below = np.tril(np.ones((task.d_vocab, task.d_vocab), dtype=bool), -1)  # [maximum, token]
    for query, worst in worst_wrong_logits(model, task, queries, tally):
        certain = worst < 0
        tally.add(int(np.isfinite(worst).sum()))
        allowed = (certain & below[:, :, None]).sum(axis=1)
        yield _counts(task, query, certain[:, :, 0].diagonal(), allowed)


def worst_wrong_logits(
    model: Model, task: MaxOfK, queries: Sequence[int], tally: Tally
) -> Iterator[tuple[int, Float64[Array, "maximum token n_ctx"]]]:
    """For each query the published bound W[m, k, c] on the largest wrong logit minus the right one.

    NaN where a class does not exist. As in the published tables, b_O and b_U travel with the tokens.
    """
    tables = Tables.of(model, tally)
    shift = model.b_O.astype(np.float64) @ model.W_U + model.b_U
    leads = Leads.of(tables.direct.value - shift, tables.ov_token.value + shift, tables.ov_position.value, tally)
    v, n = task.d_vocab, task.n_ctx
    maxima = np.arange(v)
    for query in queries:
        high = tables.weights(query, tally).high
        weights = Weights(high, high)
        sums = _Sums.of(weights, query, tally)
        worst = np.full((v, v, n), np.nan)
        whole = high[:-1].sum(axis=0) + high[-1, query]
        worst[maxima, maxima, 0] = leads.of_only_maxima(query, weights, 0.0, tally) / whole
        worst[query, query, 0] *= whole[query]
        rise = leads.token + leads.direct[query][:, None]
        for c in range(1, n if v > 1 else 1):
            with_least = _average(rise, sums.least_high[n - 1 - c], sums.greatest_high[c], sums.query_high, query)
            with_greatest = _average(rise, sums.greatest_high[n - 1 - c], sums.least_high[c], sums.query_high, query)
            worst[:, :, c] = np.maximum(with_least, with_greatest)
        tally.add((n - 1) * (11 * v * v + 8 * v))
        worst[:query] = np.nan
        worst[query + 1 :, :, n - 1 if n > 1 else 0] = np.nan
        worst[maxima[:, None] <= maxima[None, :], 1:] = np.nan
        yield query, worst


@dataclass(frozen=True, eq=False)
class Leads:
    """How far wrong answers lead the maximum m: the tables of the theorem, before the weights of a query enter."""

    position: Float64[Array, "maximum x"]
    """pi_m[x]"""
    token: Float64[Array, "maximum token"]
    direct: Float64[Array, "query maximum"]
    direct_logits: Float64[Array, "query x"]
    token_logits: Float64[Array, "token x"]

    @classmethod
    def of(cls, direct: Array, ov_token: Array, ov_position: Array, tally: Tally) -> "Leads":
        v = len(direct)
        position, token, of_direct = np.empty((v, v)), np.empty((v, v)), np.empty((v, v))
        for m in range(v):
            position[m] = (ov_position - ov_position[:, m, None]).max(axis=0)
            token[m] = _largest_wrong(ov_token - ov_token[:, m, None] + position[m], m)
            of_direct[:, m] = _largest_wrong(direct - direct[:, m, None], m)
        tally.add(v * (2 * ov_position.size + 3 * ov_token.size + 2 * direct.size))
        return cls(position, token, of_direct, direct, ov_token)

    def of_only_maxima(self, query: int, weights: Weights, margin: float, tally: Tally) -> Float64[Array, " maximum"]:
        """The worst sum over inputs whose free tokens are all m, each wrong answer x apart; NaN for m < query."""
        maxima = np.arange(query, len(self.direct))
        right = maxima[:, None]
        shared = self.direct_logits[query] - self.direct_logits[query, right] + self.position[query:] + margin
        own = shared + (self.token_logits[query:] - self.token_logits[maxima, maxima][:, None])
        of_query = shared + (self.token_logits[query] - self.token_logits[query, right])
        low, high = weights.low[:-1, query:].sum(axis=0), weights.high[:-1, query:].sum(axis=0)
        total = weighted(own, low[:, None], high[:, None]) + weighted(
            of_query, weights.low[-1, query], weights.high[-1, query]
        )
        total[0] = own[0]  # q = m: attention sums to one on m, whatever the weights
        total[maxima - query, maxima] = -np.inf
        tally.add(13 * total.size + 2 * low.size * (len(weights.low) - 2))
        return np.concatenate([np.full(query, np.nan), total.max(axis=1)])


def _largest_wrong(lead: Float64[Array, "row x"], right: int) -> Float64[Array, " row"]:
    lead[:, right] = -np.inf
    return np.asarray(lead.max(axis=1))


def _average(
    rise: Float64[Array, "maximum token"], of_maximum: Array, of_token: Array, of_query: float, query: int
) -> Float64[Array, "maximum token"]:
    """The weighted average of `rise` over a pure input."""
    fixed = of_maximum * rise.diagonal() + of_query * rise[:, query]
    return np.asarray((fixed[:, None] + of_token * rise) / ((of_maximum + of_query)[:, None] + of_token))


class _Sums(NamedTuple):
    """Weight of a token at the j free positions of least and of greatest weight: [j, token]."""

    least_low: Float64[Array, "n_ctx token"]
    least_high: Float64[Array, "n_ctx token"]
    greatest_low: Float64[Array, "n_ctx token"]
    greatest_high: Float64[Array, "n_ctx token"]
    query_low: float
    query_high: float

    @classmethod
    def of(cls, weights: Weights, query: int, tally: Tally) -> "_Sums":
        low = np.sort(weights.low[:-1], axis=0)
        high = np.sort(weights.high[:-1], axis=0)
        tally.sort(len(low), times=2 * low.shape[1])
        tally.add(4 * low.size)
        return cls(
            least_low=_running_sums(low),
            least_high=_running_sums(high),
            greatest_low=_running_sums(low[::-1]),
            greatest_high=_running_sums(high[::-1]),
            query_low=float(weights.low[-1, query]),
            query_high=float(weights.high[-1, query]),
        )


def _running_sums(rows: Float64[Array, "free token"]) -> Float64[Array, "n_ctx token"]:
    return np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])


@njit(cache=True)
def _allowed(
    rise: Float64[Array, "maximum token"], sums: _Sums, query: int
) -> tuple[Int64[Array, "maximum n_ctx"], int]:
    """The size of the theorem's largest set G for each maximum and number of other tokens; and the operations spent."""
    v = len(rise)
    n = len(sums.least_low)
    allowed = np.zeros((v, n), np.int64)
    operations = 0
    for m in range(query, v):
        of_query = rise[m, query] * (sums.query_high if rise[m, query] > 0 else sums.query_low)
        of_maximum = rise[m, m]
        for c in range(1, n if m == query else n - 1):
            copies = n - 1 - c
            if of_maximum > 0:
                least = of_query + of_maximum * sums.least_high[copies, m]
                greatest = of_query + of_maximum * sums.greatest_high[copies, m]
            else:
                least = of_query + of_maximum * sums.least_low[copies, m]
                greatest = of_query + of_maximum * sums.greatest_low[copies, m]
            for k in range(m):
                if rise[m, k] > 0:
                    at_least = least + rise[m, k] * sums.greatest_high[c, k]
                    at_greatest = greatest + rise[m, k] * sums.least_high[c, k]
                else:
                    at_least = least + rise[m, k] * sums.greatest_low[c, k]
                    at_greatest = greatest + rise[m, k] * sums.least_low[c, k]
                if at_least < 0 and at_greatest < 0:
                    allowed[m, c] += 1
            operations += 5 + 8 * m
        operations += 2
    return allowed, operations


def _counts(
    task: MaxOfK, query: int, only_maxima: Bool[Array, " maximum"], allowed: Int64[Array, "maximum n_ctx"]
) -> Counts:
    """Adds up C(n-1, c) |G|^c; with q < m at least one free token must be m."""
    free = task.n_ctx - 1
    certified = [0] * task.d_vocab
    for m in range(query, task.d_vocab):
        most = free if m == query else free - 1
        if most >= 0:
            choices = allowed[m].tolist()
            certified[m] = int(only_maxima[m]) + sum(comb(free, c) * choices[c] ** c for c in range(1, most + 1))
    return Counts(query, tuple(certified))
