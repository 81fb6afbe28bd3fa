"""The model multiplied out into tables over tokens and positions (spec/separable-proofs.md, Notation).

    logit_x = direct[q, x] + sum_i e[q,i,t_i] ov[i,t_i,x] / sum_i e[q,i,t_i]
    ov[i,t,x] = ov_token[t, x] + ov_position[i, x]
    e[q,i,t] = exp(score_token[q, t] + score_position[q, i]), up to a positive factor per query, which cancels

Biases are part of the tables: b_Q with the query, b_K and b_V with the token, b_O and b_U with the direct path.
Cost: O(v d^2 + v^2 d + n v d).
"""

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import UNIT, Enclosed, exp_relative_error, upward
from proofs.errors import NotApplicable
from proofs.float32 import Float32Error
from proofs.model import Arithmetic, Array, Model
from proofs.tally import Tally

DEEPEST = 300.0
"""Scores further than this below their row's maximum are only bounded: their weight lies between 0 and exp(-300)."""


@dataclass(frozen=True, eq=False)
class Tables:
    direct: Enclosed
    """[query, logit]"""
    ov_token: Enclosed
    """[token, logit]"""
    ov_position: Enclosed
    """[position, logit]"""
    score_token: Enclosed
    """[query, token], divided by sqrt(d_head)"""
    score_position: Enclosed
    """[query, position], divided by sqrt(d_head)"""
    execution: Float32Error | None = None
    """How far executions of the model may stray from it, if the claim is about those"""

    @classmethod
    def of(cls, model: Model, tally: Tally) -> "Tables":
        at_query = _with_bias(Enclosed.exact(model.W_E), model.W_pos[-1], tally)
        values = _with_bias(Enclosed.exact(model.W_E).times(Enclosed.exact(model.W_V), tally), model.b_V, tally)
        keys = _with_bias(Enclosed.exact(model.W_E).times(Enclosed.exact(model.W_K), tally), model.b_K, tally)
        queries = _with_bias(at_query.times(Enclosed.exact(model.W_Q), tally), model.b_Q, tally)
        position_values = Enclosed.exact(model.W_pos).times(Enclosed.exact(model.W_V), tally)
        position_keys = Enclosed.exact(model.W_pos).times(Enclosed.exact(model.W_K), tally)
        out = Enclosed.exact(model.W_O)
        unembed = Enclosed.exact(model.W_U)
        scale = sqrt(model.d_head)
        tables = cls(
            direct=_with_bias(_with_bias(at_query, model.b_O, tally).times(unembed, tally), model.b_U, tally),
            ov_token=values.times(out, tally).times(unembed, tally),
            ov_position=position_values.times(out, tally).times(unembed, tally),
            score_token=queries.times(keys.transposed(), tally).over(scale, tally),
            score_position=queries.times(position_keys.transposed(), tally).over(scale, tally),
            execution=Float32Error.of(model, tally) if model.arithmetic is Arithmetic.FLOAT32 else None,
        )
        for table in (tables.direct, tables.ov_token, tables.ov_position, tables.score_token, tables.score_position):
            tally.add(2 * table.value.size)  # the largest absolute values, for `margin`
        return tables

    def ov(self, tally: Tally) -> Float64[Array, "n_ctx d_vocab d_vocab"]:
        """Attending fully to token t at position i contributes ov[i, t, x] to logit x, up to what `margin` covers."""
        value: Array = self.ov_position.value[:, None, :] + self.ov_token.value[None, :, :]
        tally.add(value.size)
        return value

    def weights(self, query: int, tally: Tally) -> "Weights":
        """Attention weights of one query, before normalisation."""
        low_token, high_token = _exponentials(self.score_token.value[query], tally)
        low_position, high_position = _exponentials(self.score_position.value[query], tally)
        if self.execution is not None:
            may_err = self.execution.weights[query]
            low_token, high_token = low_token * (1 - may_err), high_token * (1 + may_err)
            tally.add(4 * low_token.size)
        tally.add(2 * low_token.size * low_position.size)
        return Weights(
            low=low_position[:, None] * low_token[None, :], high=high_position[:, None] * high_token[None, :]
        )

    def margin(self) -> float:
        """By how much every logit difference is raised so that float arithmetic errs on the safe side only.

        Write g for ov[i,t,x] - ov[i,t,y] + direct[q,x] - direct[q,y]. Suppose a check computes, from the float tables
        and `weights`, any sum over the n positions of e * (g + margin), with at most 8 roundings in each g, each e*(.)
        rounded once, n - 1 additions in any order, and the upper weight where g + margin > 0, the lower one
        elsewhere. Then the float sum is at least the true sum of e * g, so that a float sum below zero proves the
        inequality of the separability theorem. Replacing terms by larger ones (maxima over tokens, positions or answers)
        keeps this. The mirror image holds for g - margin and sums above zero.

        Why: |g_float - g| <= r (tables and 8 roundings); e_true = e_float (1 + d), |d| <= rho; products and sums
        lose at most (n + 3) u of sum e (|g| + margin). All of it is at most margin * sum e when
        margin >= r + (rho + (n + 12) u) * (|g| + r + margin), which is how it is chosen. Weights that are only bounded
        (far below the row's maximum) enter with the end that is worse for the claim. The constant covers
        underflow: weights are at least exp(-600), so e * 1e-20 exceeds what underflow can take.

        For a claim about executions, g above is the real one plus what the two logits may err by, and the true weights are those
        of any execution, between the lower and the upper one up to rho.
        """
        slack = self._logit_radius() + 1e-20 + (2 * self.execution.logits if self.execution else 0.0)
        share = self._weight_error() + (self.ov_position.value.shape[0] + 12) * UNIT
        return upward((slack + share * (self._largest_difference() + slack)) / (1 - 2 * share))

    def _logit_radius(self) -> float:
        tables = self.ov_token.radius + self.ov_position.radius + self.direct.radius
        return upward(2 * tables + 8 * UNIT * self._largest_difference())

    def _largest_difference(self) -> float:
        return upward(2 * (self.ov_token.largest + self.ov_position.largest + self.direct.largest))

    def _weight_error(self) -> float:
        """Relative error of e, token and position factor together."""
        radii = [upward(score.radius + UNIT * 2 * score.largest) for score in (self.score_token, self.score_position)]
        if max(radii) > 2.0**-10:
            raise NotApplicable(
                f"The attention scores reach {self.score_token.largest:.3g}, where float64 cannot resolve their "
                "exponentials, so no bound can be proved. Are the weights of a trained model?"
            )
        token, position = (exp_relative_error(radius) for radius in radii)
        return upward(token + position + token * position + (2 if self.execution is None else 4) * UNIT)

    def ratio_error(self) -> float:
        """1 + the relative error of a ratio of two weights computed from differences of scores."""
        token, position = self.score_token, self.score_position
        rounding = 4 * UNIT * (2 * token.largest + 2 * position.largest)
        real = 1.0 + exp_relative_error(upward(2 * token.radius + 2 * position.radius + rounding))
        return upward(real if self.execution is None else real * (1 + self.execution.widest) ** 2)


@dataclass(frozen=True, eq=False)
class Weights:
    """exp(score) for each position and token; the true weight is `high` within `Tables.margin`, or in [low, high]."""

    low: Float64[Array, "n_ctx d_vocab"]
    high: Float64[Array, "n_ctx d_vocab"]


def weighted(rise: Array, low: Array, high: Array) -> Array:
    """e * rise at its largest, for low <= e <= high."""
    return np.asarray(rise * np.where(rise > 0, high, low))


def _exponentials(scores: Float64[Array, " k"], tally: Tally) -> tuple[Array, Array]:
    below = scores - scores.max()
    high = np.exp(np.maximum(below, -DEEPEST))
    low = np.where(below < -DEEPEST + 1, 0.0, high)
    high = np.where(below < -DEEPEST + 1, exp(1 - DEEPEST), high)
    tally.add(6 * scores.size)  # maximum, subtraction, clamp, exponential, two comparisons
    return low, high


def _with_bias(table: Enclosed, bias: Array, tally: Tally) -> Enclosed:
    return table.plus(Enclosed.exact(bias), tally) if bias.any() else table
