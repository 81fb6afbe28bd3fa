"""The bound on the largest wrong logit exactly as published (spec 5.7), and its search for gaps (5.9). Trust: `float`.

With L, R, w as in `strict`, R* = max_x R[x] and an attention a' that queries share (A1: their mean; A2: 0),

    W[q, m, c] = max_x (L[x] + a' R[x]) + (1 - a') w + delta[q] + (a[q] - a') (R* - w),

at the least attention if R* < w and at the greatest otherwise, and with w taken at the smallest gap of the column. For
A1 this is no upper bound where a[q] < a' (audit U-1): then min R, not R*, belongs into the last term. Nothing
accounts for rounding (U-5).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

from proofs.enclosure import Array, Enclosed
from proofs.subcubic.attention import Positions
from proofs.subcubic.direct import SharedDirect
from proofs.subcubic.values import Values
from proofs.tally import Tally


class Scores(NamedTuple):
    value: Float64[Array, "query key"]
    greatest: Float64[Array, "query k"]
    least: Float64[Array, "query k"]
    error: Float64[Array, " query"]
    scale: float
    positions: Positions


class Answers(NamedTuple):
    lead: Float64[Array, "maximum x"]
    """L"""
    own: Float64[Array, "maximum x"]
    """R"""
    spread: Float64[Array, " token"]
    slack: Float64[Array, " query"]


def scores(
    approximation: Enclosed, ranges: Float64[Array, " row"], scale: float, positions: Positions, tally: Tally
) -> Scores:
    value = approximation.value
    tally.add(2 * value.size)
    greatest, least = np.maximum.accumulate(value, axis=1), np.minimum.accumulate(value, axis=1)
    return Scores(value, greatest, least, np.broadcast_to(ranges, len(value)).copy(), scale, positions)


def answers(values: Values, direct: SharedDirect, tally: Tally) -> Answers:
    b = direct.shared.value[0]
    tally.add(2 * values.position.size)
    return Answers(b - b[:, None] + values.position, values.own, values.spread, direct.slack)


def only_maxima(values: Values, direct: Enclosed, tally: Tally) -> Float64[Array, " maximum"]:
    """W[m, m, 0], with the direct path exact."""
    total = (direct.value - direct.value.diagonal()[:, None]) + values.own + values.position
    np.fill_diagonal(total, -np.inf)
    tally.add(4 * total.size)
    return np.asarray(total.max(axis=1))


@njit(cache=True, error_model="numpy")
def worst_wrong_logits(
    scores: Scores, answers: Answers, gaps: Int64[Array, "query maximum n_ctx"], averaged: bool
) -> tuple[Float64[Array, "query maximum n_ctx"], int]:
    """W for c >= 1, NaN where a gap speaks about no input; and the operations spent."""
    v, _, n = gaps.shape
    worst = np.full((v, v, n), np.nan)
    attention = np.empty(v)
    operations = 0
    for m in range(1, v):
        steepest = _largest(answers.own[m], answers.own[m], 0.0, m)
        operations += v
        for c in range(1, n):
            smallest = gaps[: m + 1, m, c].min()
            operations += m
            if smallest > m:
                continue
            spread = answers.spread[m - smallest]
            total, count = 0.0, 0
            for q in range(m + 1):
                if gaps[q, m, c] <= (m if q == m else m - q):
                    attention[q] = _attention(scores, q, m, c, gaps[q, m, c], steepest < spread)
                    total += attention[q]
                    count += 1
            if count == 0:
                continue
            mean = total / count if averaged else 0.0
            shared = _largest(answers.lead[m], answers.own[m], mean, m) + (1.0 - mean) * spread
            for q in range(m + 1):
                if gaps[q, m, c] <= (m if q == m else m - q):
                    correction = (attention[q] - mean) * (steepest - spread)
                    worst[q, m, c] = shared + answers.slack[q] + correction
            operations += 3 * v + 6 + count * (12 + 6)
    return worst, operations


@njit(cache=True, error_model="numpy")
def smallest_gaps(
    scores: Scores,
    lead: Float64[Array, "option maximum x"],
    own: Float64[Array, "maximum x"],
    spread: Float64[Array, " token"],
    slack: Float64[Array, "option query"],
    n: int,
) -> Int64[Array, "option averaged query maximum n_ctx"]:
    """For several direct options, with averaged attention and without: one pass for each gap, from large to small.

    Each pass pretends that all queries have the same gap; the last success stays. 1 where none succeeds.
    """
    options, v = slack.shape
    gaps = np.ones((options, 2, v, v, n), np.int64)
    attention = np.empty(v)
    for gap in range(v - 1, 0, -1):
        for m in range(gap, v):
            steepest = _largest(own[m], own[m], 0.0, m)
            wrong = spread[m - gap]
            for c in range(1, n):
                total = 0.0
                for i in range(m - gap + 2):
                    q = i if i <= m - gap else m
                    attention[q] = _attention(scores, q, m, c, gap, steepest < wrong)
                    total += attention[q]
                mean = total / (m - gap + 2)
                for option in range(options):
                    shared = _largest(lead[option, m], own[m], mean, m) + (1.0 - mean) * wrong
                    unshared = _largest(lead[option, m], own[m], 0.0, m) + wrong
                    for i in range(m - gap + 2):
                        q = i if i <= m - gap else m
                        if shared + slack[option, q] + (attention[q] - mean) * (steepest - wrong) < 0:
                            gaps[option, 0, q, m, c] = gap
                        if unshared + slack[option, q] + attention[q] * (steepest - wrong) < 0:
                            gaps[option, 1, q, m, c] = gap
    return gaps


@njit(cache=True, error_model="numpy")
def _largest(constant: Float64[Array, " x"], slope: Float64[Array, " x"], at: float, right: int) -> float:
    """max over x != right of constant + at * slope."""
    highest = -np.inf
    for x in range(len(constant)):
        if x != right:
            highest = max(highest, constant[x] + at * slope[x])
    return highest


@njit(cache=True, error_model="numpy")
def _attention(scores: Scores, q: int, m: int, c: int, gap: int, least: bool) -> float:
    """The least or greatest attention to the copies of m (5.4)."""
    positions = scores.positions
    n = positions.least_high.shape[1]
    copies = n - c if q < m else n - 1 - c  # at free positions
    if least:
        preferred = scores.value[q, m] - scores.greatest[q, m - gap] - scores.error[q]
        on_maxima, on_others = positions.least_high[q, copies], positions.most_high[q, n - 1 - copies]
    else:
        preferred = scores.value[q, m] - scores.least[q, m - gap] + scores.error[q]
        on_maxima, on_others = positions.most_high[q, copies], positions.least_high[q, n - 1 - copies]
    if q == m:
        on_maxima += positions.own_high[q]
    else:
        on_others += positions.own_high[q]
    on_others *= np.exp(-min(max(preferred / scores.scale, -700.0), 700.0))
    return float(on_maxima / (on_maxima + on_others))
