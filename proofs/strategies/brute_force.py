"""Exact accuracy: every input, by adding up rows of tables instead of running the model.

Theorem (separability, spec/separable-proofs.md). With unnormalised attention weights e[q,i,t] > 0, the model answers m
on t_0 ... t_{n-1} = q if and only if, for every x != m,

    S[x] < S[m],    S[x] = sum_i e[q,i,t_i] (ov[i,t_i,x] + direct[q,x]),

because the logits are S divided by the positive softmax denominator Z = sum_i e[q,i,t_i]. So an input costs one
addition of a row and one maximum: O(v) instead of a forward pass.

Rounding. An input is certified if max_{x != m} S[x] - S[m] + M < 0 in floats, and wrong for certain if that
difference exceeds M, where M = margin * Z (`Tables.margin`) plus, for weights so small that they are only known to lie
in [0, high], high times the largest logit difference. The margin is made for a sum of e * (g + margin). Here the two
logits are summed apart, so a term loses at most (n + 3) u e (|h_x| + |h_m| + margin) with h = ov + direct; but
|h_x| + |h_m| is no larger than the largest difference from which the margin is computed. What lies between is looked at
closely, one wrong answer at a time: terms e * (h_x - h_m +- margin), each with the worse end of its weight. What then still
lies between is neither certified nor wrong.

Exact but for near ties, and for inputs whose every token gets exp(-299) of the favourite token's attention or less.
Cost O(v^n v), refused beyond 2^36 inputs. Hints: none.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

from proofs.bound import Counts
from proofs.enclosure import Array, upward
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.strategies import Hints
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

MOST_INPUTS = 2**36
"""About half an hour of one core at d_vocab = 64."""


def search(model: Model, task: MaxOfK) -> Hints:
    return {}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    if task.total > MOST_INPUTS:
        raise NotApplicable(
            f"There are {task.d_vocab}^{task.n_ctx} inputs; brute force runs up to {MOST_INPUTS:,}. "
            "Use a separable strategy: its bound is close to exact at any length."
        )
    yield from decide(Tables.of(model, tally), task, queries, tally)


def decide(tables: Tables, task: MaxOfK, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    """The same for tables that need not be a model's as it is: `proofs.exact_ablations` asks about parts of one."""
    ov = tables.ov(tally)
    margin = tables.margin()
    for query in queries:
        terms = _Terms.of(tables, ov, margin, query, tally)
        certified, wrong, operations = _decide_all(terms, query)
        _charge(task, tally)
        tally.add(operations)
        yield Counts(query, tuple(map(int, certified)), tuple(map(int, wrong)))


class _Terms(NamedTuple):
    """What each token adds to S and to M. The last free position is transposed: its tokens are decided in one sweep."""

    rows: Float64[Array, "n_ctx token answer"]
    slack: Float64[Array, "n_ctx token"]
    last: Float64[Array, "answer last_token"]
    last_wrong: Float64[Array, "answer last_token"]
    """`last`, and minus infinity where answer and token are the same: for inputs whose maximum is this token."""
    last_slack: Float64[Array, " last_token"]
    logits: Float64[Array, "n_ctx token answer"]
    """ov + direct"""
    low: Float64[Array, "n_ctx token"]
    high: Float64[Array, "n_ctx token"]
    margin: float

    @classmethod
    def of(
        cls,
        tables: Tables,
        ov: Float64[Array, "n_ctx d_vocab d_vocab"],
        margin: float,
        query: int,
        tally: Tally,
    ) -> "_Terms":
        weights = tables.weights(query, tally)
        logits = ov + tables.direct.value[query]
        rows = weights.low[:, :, None] * logits
        largest = 2 * (tables.ov_token.largest + tables.ov_position.largest + tables.direct.largest)
        slack = margin * weights.low + upward(2 * (largest + margin)) * (weights.high - weights.low)
        tally.add(2 * rows.size + 4 * slack.size)
        if len(rows) == 1:  # no free position: imagine one with a single token that adds nothing
            last, last_slack = np.zeros((rows.shape[2], 1)), np.zeros(1)
        else:
            last, last_slack = np.ascontiguousarray(rows[-2].T), slack[-2]
        last_wrong = last.copy()
        last_wrong[np.arange(last.shape[1]), np.arange(last.shape[1])] = -np.inf
        return cls(rows, slack, last, last_wrong, last_slack, logits, weights.low, weights.high, margin)


@njit(cache=True, nogil=True)
def _decide_all(terms: _Terms, query: int) -> tuple[Int64[Array, " d_vocab"], Int64[Array, " d_vocab"], int]:
    """Certified and wrong inputs by maximum, and the operations spent on close looks. `partial[k]` is S of the query and the
    first k free tokens."""
    n, v = terms.slack.shape
    operations = 0
    certified = np.zeros(v, np.int64)
    wrong = np.zeros(v, np.int64)
    tokens = np.zeros(n, np.int64)
    tokens[n - 1] = query
    partial = np.empty((n, v))
    slack = np.empty(n)
    maxima = np.empty(n, np.int64)
    partial[0] = terms.rows[n - 1, query]
    slack[0] = terms.slack[n - 1, query]
    maxima[0] = query
    prefix = max(n - 2, 0)
    changed = 0
    while changed >= 0:
        for k in range(changed, prefix):
            for x in range(v):
                partial[k + 1, x] = partial[k, x] + terms.rows[k, tokens[k], x]
            slack[k + 1] = slack[k] + terms.slack[k, tokens[k]]
            maxima[k + 1] = max(maxima[k], tokens[k])
        operations += _decide_last(terms, partial[prefix], slack[prefix], maxima[prefix], tokens, certified, wrong)
        changed = prefix - 1
        while changed >= 0 and tokens[changed] == v - 1:
            tokens[changed] = 0
            changed -= 1
        if changed >= 0:
            tokens[changed] += 1
    return certified, wrong, operations


@njit(cache=True, nogil=True)
def _decide_last(
    terms: _Terms,
    partial: Float64[Array, " d_vocab"],
    slack: float,
    maximum: int,
    tokens: Int64[Array, " n_ctx"],
    certified: Int64[Array, " d_vocab"],
    wrong: Int64[Array, " d_vocab"],
) -> int:
    """Every token of the last free position at once: one above `maximum` becomes the maximum."""
    v, choices = terms.last.shape
    operations = 0
    unchanged = min(maximum + 1, choices)
    largest_wrong = np.full(choices, -np.inf)
    for x in range(v):
        if x != maximum:
            for token in range(unchanged):
                logit = partial[x] + terms.last[x, token]
                largest_wrong[token] = logit if logit > largest_wrong[token] else largest_wrong[token]
        for token in range(unchanged, choices):
            logit = partial[x] + terms.last_wrong[x, token]
            largest_wrong[token] = logit if logit > largest_wrong[token] else largest_wrong[token]
    for token in range(choices):
        right = max(maximum, token)
        difference = largest_wrong[token] - (partial[right] + terms.last[right, token])
        total_slack = slack + terms.last_slack[token]
        if difference + total_slack < 0:
            certified[right] += 1
        elif difference > total_slack:
            wrong[right] += 1
        else:
            if len(tokens) > 1:
                tokens[-2] = token
            verdict, spent = _look_closely(terms, tokens, right)
            certified[right] += verdict == 1
            wrong[right] += verdict == -1
            operations += spent
    return operations


@njit(cache=True, nogil=True)
def _look_closely(terms: _Terms, tokens: Int64[Array, " n_ctx"], right: int) -> tuple[int, int]:
    """1: certified, -1: wrong for certain, 0: neither; and the operations spent."""
    verdict = 1
    operations = 0
    for x in range(terms.logits.shape[2]):
        if x == right:
            continue
        most = 0.0
        least = 0.0
        for i in range(len(tokens)):
            t = tokens[i]
            lead = terms.logits[i, t, x] - terms.logits[i, t, right]
            raised, lowered = lead + terms.margin, lead - terms.margin
            most += raised * (terms.high[i, t] if raised > 0 else terms.low[i, t])
            least += lowered * (terms.low[i, t] if lowered > 0 else terms.high[i, t])
        operations += 9 * len(tokens) + 2
        if least > 0:
            return -1, operations
        if not most < 0:
            verdict = 0
    return verdict, operations


def _charge(task: MaxOfK, tally: Tally) -> None:
    v, free = task.d_vocab, task.n_ctx - 1
    prefixes = sum(v**length for length in range(1, free))
    tally.add(prefixes * (v + 2))  # row, slack, maximum of the tokens
    additions_and_maxima = v + v - 1
    decision = 6  # maximum of the tokens, slack, difference, its sum with the slack, two comparisons
    tally.add(v**free * (additions_and_maxima + decision))
