"""The sound bound on the largest wrong logit (spec 5.7 STRICT), and the smallest gaps for which it holds.

Let the entry (q, m, c) with gap g speak about the inputs with query q, maximum m and c tokens other than m, all of them at
most m - g. If the copies of m get the attention a, then for every x != m

    logit[x] - logit[m] <= L[x] + a R[x] + (1 - a) w + delta[q],      L[x] = b[x] - b[m] + pi_m[x],

R being `values.own`, w the spread of the tokens up to m - g, b and delta the direct path. f(a) = max_x (L[x] + a R[x]) is convex,
so the right side is largest at one of the ends of the interval that `attention` gives for a. A chord between two points
of f lies above f: f is evaluated at its kinks, and chords are taken in between. Any kinks are sound.

W is monotone in g: a larger gap leaves fewer tokens. So the smallest gap with W < 0 is found by bisection.

Rounding. Each W is raised by `margin`: the radii of the tables, 2^-45 of the magnitudes for the few roundings of the
formula, and for the error of a (at most `attention_error`) the largest slope of the right side. A claim about executions in
float32 raises W by what two logits may err by, and every difference of scores by what two scores may (`proofs.float32`).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

from proofs.enclosure import UNIT, Array, Enclosed, upward
from proofs.float32 import Float32Error
from proofs.subcubic.attention import Positions
from proofs.subcubic.direct import SharedDirect
from proofs.subcubic.values import Values
from proofs.tally import Tally

MOST_KINKS = 32
ATTENTION_ROUNDING = 2.0**-40
"""Of the computed attention: 700 * 3 units in the exponent and a few more roundings; its sums are charged by their length."""


class Scores(NamedTuple):
    """Attention scores, their extremes over the keys up to k, and how far each difference may be off."""

    value: Float64[Array, "query key"]
    greatest: Float64[Array, "query k"]
    least: Float64[Array, "query k"]
    error: Float64[Array, " query"]
    scale: float


class Envelope(NamedTuple):
    """f_m at increasing points of [0, 1], and the slopes of the chords between them."""

    point: Float64[Array, "maximum kink"]
    value: Float64[Array, "maximum kink"]
    slope: Float64[Array, "maximum kink"]
    used: Int64[Array, " maximum"]


class Inputs(NamedTuple):
    scores: Scores
    positions: Positions
    envelope: Envelope
    spread: Float64[Array, " token"]
    slack: Float64[Array, " query"]
    margin: float


def scores(
    approximation: Enclosed,
    ranges: Float64[Array, " row"],
    scale: float,
    tally: Tally,
    *,
    execution: Float32Error | None = None,
) -> Scores:
    value = approximation.value
    rounding = 2 * approximation.radius + 8 * UNIT * (2 * approximation.largest + float(ranges.max(initial=0.0)))
    error = (ranges + upward(rounding)) * (1 + 1e-10)
    tally.add(2 * value.size + 2 * ranges.size)
    if execution is not None:
        error = (error + 2 * scale * execution.scores.max(axis=1)) * (1 + 1e-10)
        tally.add(3 * len(value))
    return Scores(
        value,
        np.maximum.accumulate(value, axis=1),
        np.minimum.accumulate(value, axis=1),
        np.broadcast_to(error, len(value)).copy(),
        scale,
    )


def inputs(
    scores: Scores,
    positions: tuple[Positions, float],
    envelope: Envelope,
    values: Values,
    direct: SharedDirect,
    tally: Tally,
    *,
    execution: Float32Error | None = None,
) -> Inputs:
    sums, relative_error = positions
    attention_error = 2 * relative_error + ATTENTION_ROUNDING + 4 * UNIT * sums.least_low.shape[1]
    magnitude = 6 * values.largest + 2 * direct.shared.largest + float(direct.slack.max())
    margin = 2 * direct.shared.radius + values.radius + 2.0**-45 * magnitude + 2 * attention_error * values.largest
    margin += 2 * execution.logits if execution else 0.0
    tally.add(10 + direct.slack.size)
    return Inputs(scores, sums, envelope, values.spread, direct.slack, upward(margin))


def only_maxima(
    values: Values, direct: Enclosed, tally: Tally, *, execution: Float32Error | None = None
) -> Float64[Array, " maximum"]:
    """W[m, m, 0]: all tokens are m, so attention plays no part, and the direct path is exact."""
    table = direct.value
    total = (table - table.diagonal()[:, None]) + values.own + values.position
    np.fill_diagonal(total, -np.inf)
    margin = 2 * direct.radius + values.radius + 2.0**-45 * (2 * values.largest + 2 * direct.largest)
    margin += 2 * execution.logits if execution else 0.0
    tally.add(4 * total.size + len(total))
    return np.asarray(total.max(axis=1) + upward(margin))


def envelope(values: Values, shared: Enclosed, tally: Tally) -> Envelope:
    b = shared.value[0]
    constant = b - b[:, None] + values.position
    tally.add(2 * constant.size)
    *arrays, operations = _envelope(constant, values.own)
    tally.add(operations)
    return Envelope(*arrays)


@njit(cache=True, error_model="numpy")
def _envelope(
    constant: Float64[Array, "maximum x"], slope: Float64[Array, "maximum x"]
) -> tuple[Array, Array, Array, Array, int]:
    v = len(constant)
    points = np.ones((v, MOST_KINKS + 2))
    values = np.empty((v, MOST_KINKS + 2))
    slopes = np.zeros((v, MOST_KINKS + 2))
    used = np.zeros(v, np.int64)
    operations = 0
    for m in range(v):
        kinks, spent = _kinks(constant[m], slope[m], m)
        kept = min(len(kinks), MOST_KINKS)
        points[m, 0] = 0.0
        for i in range(kept):
            points[m, i + 1] = kinks[i * len(kinks) // kept]
        used[m] = kept + 2
        for i in range(used[m]):
            highest = -np.inf
            for x in range(v):
                if x != m:
                    highest = max(highest, constant[m, x] + points[m, i] * slope[m, x])
            values[m, i] = highest
        for i in range(used[m] - 1):
            slopes[m, i] = (values[m, i + 1] - values[m, i]) / (points[m, i + 1] - points[m, i])
        operations += spent + used[m] * 3 * (v - 1) + 3 * (used[m] - 1)
    return points, values, slopes, used, operations


@njit(cache=True, error_model="numpy")
def _kinks(constant: Float64[Array, " x"], slope: Float64[Array, " x"], right: int) -> tuple[Array, int]:
    """Where the upper envelope of the lines other than `right` bends, between 0 and 1, strictly increasing."""
    order = np.argsort(slope)
    hull = np.empty(len(order), np.int64)
    start = np.full(len(order), -np.inf)  # from where on a line of the hull is the highest
    size = 0
    operations = len(order) * int(np.ceil(np.log2(len(order) + 1)))
    for line in order:
        if line == right:
            continue
        while size > 0:
            top = hull[size - 1]
            operations += 4
            if slope[line] == slope[top]:
                crossing = -np.inf if constant[line] >= constant[top] else np.inf
            else:
                crossing = (constant[top] - constant[line]) / (slope[line] - slope[top])
            if crossing > start[size - 1]:
                break
            size -= 1
        if size == 0:
            crossing = -np.inf
        if crossing < 1.0:
            hull[size] = line
            start[size] = crossing
            size += 1
    found = np.empty(size)
    kept = 0
    last = 0.0
    for i in range(size):
        if last < start[i] < 1.0:
            found[kept] = start[i]
            last = start[i]
            kept += 1
    return found[:kept], operations + 2 * size


@njit(cache=True, error_model="numpy")
def worst_wrong_logits(
    inputs: Inputs, gaps: Int64[Array, "query maximum n_ctx"]
) -> tuple[Float64[Array, "query maximum n_ctx"], int]:
    """W for c >= 1, NaN where a gap speaks about no input; and the operations spent."""
    v, _, n = gaps.shape
    worst = np.full((v, v, n), np.nan)
    operations = 0
    for q in range(v):
        for m in range(q, v):
            for c in range(1, n):
                gap = gaps[q, m, c]
                if gap <= (m if q == m else m - q):
                    worst[q, m, c], spent = _worst(inputs, q, m, c, gap)
                    operations += spent
    return worst, operations


@njit(cache=True, error_model="numpy")
def smallest_gaps(inputs: Inputs, n: int) -> Int64[Array, "query maximum n_ctx"]:
    """For each entry the smallest gap with W < 0, by bisection; 1 where there is none."""
    v = len(inputs.slack)
    gaps = np.ones((v, v, n), np.int64)
    for q in range(v):
        for m in range(q, v):
            for c in range(1, n):
                failing, passing = 0, (m if q == m else m - q)
                if passing < 1 or not _worst(inputs, q, m, c, passing)[0] < 0:
                    continue
                while passing - failing > 1:
                    middle = (passing + failing) // 2
                    if _worst(inputs, q, m, c, middle)[0] < 0:
                        passing = middle
                    else:
                        failing = middle
                gaps[q, m, c] = passing
    return gaps


@njit(cache=True, error_model="numpy")
def _worst(inputs: Inputs, q: int, m: int, c: int, gap: int) -> tuple[float, int]:
    least, most = _attention(inputs.scores, inputs.positions, q, m, c, gap)
    at_least, steps_least = _right_side(inputs.envelope, m, least, inputs.spread[m - gap])
    at_most, steps_most = _right_side(inputs.envelope, m, most, inputs.spread[m - gap])
    return max(at_least, at_most) + inputs.slack[q] + inputs.margin, 28 + 6 * 2 + steps_least + steps_most + 4


@njit(cache=True, error_model="numpy")
def _attention(scores: Scores, positions: Positions, q: int, m: int, c: int, gap: int) -> tuple[float, float]:
    """Between what and what the copies of m attract, up to ATTENTION_ROUNDING and the error of u."""
    n = positions.least_low.shape[1]
    lower = (scores.value[q, m] - scores.greatest[q, m - gap] - scores.error[q]) / scores.scale
    upper = (scores.value[q, m] - scores.least[q, m - gap] + scores.error[q]) / scores.scale
    copies = n - c if q < m else n - 1 - c  # at free positions
    least, others_most = positions.least_low[q, copies], positions.most_high[q, n - 1 - copies]
    most, others_least = positions.most_high[q, copies], positions.least_low[q, n - 1 - copies]
    if q == m:
        least += positions.own_low[q]
        most += positions.own_high[q]
    else:
        others_most += positions.own_high[q]
        others_least += positions.own_low[q]
    # Beyond 700 the exponential would leave the floats; the attention is then 0 or 1 within 10^-170.
    others_most *= np.exp(-min(max(lower, -700.0), 700.0))
    others_least *= np.exp(-min(max(upper, -700.0), 700.0))
    return (least / (least + others_most) if least > 0 else 0.0), most / (most + others_least)


@njit(cache=True, error_model="numpy")
def _right_side(envelope: Envelope, m: int, attention: float, spread: float) -> tuple[float, int]:
    low, high = 0, envelope.used[m] - 1
    steps = 0
    while high - low > 1:
        middle = (low + high) // 2
        steps += 1
        if envelope.point[m, middle] <= attention:
            low = middle
        else:
            high = middle
    chord = envelope.value[m, low] + (attention - envelope.point[m, low]) * envelope.slope[m, low]
    return chord + (1.0 - attention) * spread, steps
