"""Between which bounds the attention to the copies of the maximum lies (spec 5.3, 5.4).

Let u_p be the exponential of the score that position p adds. If m is preferred to every other token of the input by a score
between D_lo and D_hi, the attention a to its copies is

    a = S / (S + sum over the other positions of u_p exp(-D_p)),     S the sum of u over the positions that hold m,

which is least with D_lo and the m at the positions of least u, greatest with D_hi and the m at those of greatest u. The
query's position is fixed: it holds m if and only if the query is m.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Array, Enclosed, exp_relative_error, upward
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.subcubic.split import Embeddings
from proofs.tally import Tally

DEEPEST = 300.0
"""A position whose score lies further below the best is only bounded: its u lies between 0 and exp(1 - 300)."""


class Positions(NamedTuple):
    """Sums of u over free positions, [query, number of positions], and u at the query's own, [query].

    `low` and `high` bound what floats do not resolve; `least` sums the smallest u, `most` the greatest.
    """

    least_low: Float64[Array, "query n_ctx"]
    least_high: Float64[Array, "query n_ctx"]
    most_low: Float64[Array, "query n_ctx"]
    most_high: Float64[Array, "query n_ctx"]
    own_low: Float64[Array, " query"]
    own_high: Float64[Array, " query"]


def positions(model: Model, embeddings: Embeddings, scale: float, tally: Tally) -> tuple[Positions, float]:
    """The sums, and the relative error of every resolved u."""
    queries = embeddings.query.times(Enclosed.exact(model.W_Q), tally)
    if model.b_Q.any():
        queries = queries.plus(Enclosed.exact(model.b_Q), tally)
    keys = Enclosed.exact(model.W_pos).times(Enclosed.exact(model.W_K), tally)
    scores = queries.times(keys.transposed(), tally).over(scale, tally)
    below = scores.value - scores.value.max(axis=1, keepdims=True)
    radius = upward(scores.radius + 2.0**-53 * 2 * scores.largest)
    if radius > 2.0**-10:
        raise NotApplicable(
            f"Positional attention scores reach {scores.largest:.3g}, where float64 cannot resolve their exponentials, so "
            "no bound can be proved. Are the weights of a trained model?"
        )
    resolved = below >= 1 - DEEPEST
    high = np.exp(np.maximum(below, 1 - DEEPEST))
    low = np.where(resolved, high, 0.0)
    tally.add(6 * below.size)
    return _sums(low, high, tally), exp_relative_error(radius)


def _sums(low: Float64[Array, "query n_ctx"], high: Float64[Array, "query n_ctx"], tally: Tally) -> Positions:
    sorted_low, sorted_high = np.sort(low[:, :-1], axis=1), np.sort(high[:, :-1], axis=1)
    tally.sort(sorted_low.shape[1], times=2 * len(low))
    tally.add(4 * sorted_low.size)
    return Positions(
        _running(sorted_low),
        _running(sorted_high),
        _running(sorted_low[:, ::-1]),
        _running(sorted_high[:, ::-1]),
        np.ascontiguousarray(low[:, -1]),
        np.ascontiguousarray(high[:, -1]),
    )


def _running(rows: Float64[Array, "query free"]) -> Float64[Array, "query n_ctx"]:
    return np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
