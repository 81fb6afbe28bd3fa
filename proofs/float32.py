"""How far any float32 execution of the model may stray from its real function: the statement `float32-v1`.

An execution computes, each matrix product as sums of products in any order, with or without fused multiply-adds,

    x_i = W_E[t_i] + W_pos[i];   q = x_{n-1} W_Q + b_Q;   k_i = x_i W_K + b_K;   v_i = x_i W_V + b_V
    s_i = q . k_i / sqrt(d_head);   p = exp(s - max s) / sum;   z = sum_i p_i v_i
    r = x_{n-1} + (z W_O + b_O);   logits = r W_U + b_U

with every operation rounded to nearest float32 (or more precisely), exp within 4 units in the last place, and numbers below
2^-126 possibly flushed to zero. Not TF32, not bfloat16, not Strassen's products. `docs/semantics.md` has the statement in words.

Theorem. With u = 2^-24 and gamma(k) = k u / (1 - k u), the logits of such an execution are those of the real model with
each unnormalised attention weight e[q,i,t] multiplied by some exp(d), |d| <= `scores`[q, t], up to an error of at most `logits`:

    logits = gamma(3 n + d_model + 9) max_x (V |W_O W_U|)_x + gamma(d_model + d_head + 9) max_x (R |W_U| + |b_U|)_x + TINY
    scores[q, t] = (g Q.k+ + g q+.K + gamma(d_head + 9) q+.k+) / sqrt(d_head) + 2 u max_t q+.k+ / sqrt(d_head) + 12 u + TINY

where g = gamma(d_model + 2), all vectors are bounds on absolute values, and

    Q = |W_E[q] + W_pos[n-1]| |W_Q| + |b_Q|                       of q, term by term       q+ = |q| + g Q     as computed
    K = (|W_E[t]| + max_i |W_pos[i]|) |W_K| + |b_K|               of k_i, term by term     k+ = |k_i| + g K   as computed
    V = max_t (|W_E[t]| + max_i |W_pos[i]|) |W_V| + |b_V|         of v_i, term by term
    R = max_q |W_E[q] + W_pos[n-1]| + V |W_O| + |b_O|             of r, term by term

Proof. A sum of k products in any order errs by at most gamma(k) times the sum of absolute products (Higham, section 3), and a
term that passes a + b roundings by gamma(a + b). So q, k, v err by g Q, g K, g V: d_model products, the bias, x itself.
Scores: q'k' - qk = (q' - q) k' + q (k' - k), then d_head products and up to nine roundings by the scale, however it is
applied; subtracting the maximum errs by u |s_i - max s|; exp, the division by the sum and what is of second order by 12 u.
The sum's own error is common to all weights, but for the gamma(n + 3) by which p may fail to add up to 1. The errors of v
and of z (n products) and that gamma reach the logits through W_O W_U, and every |z W_O W_U| is at most V |W_O W_U|. What the
products with W_O and W_U and the residual sum add reaches them through W_U alone: d_model + d_head + 3 roundings; the other
six cover that z as computed may exceed V by its own error. Underflow: within the limits below no sum leaves float32's range,
and 2^-126 for each operation and each weight, carried to the end, stays below TINY.

So a check that raises every logit difference by twice `logits`, and gives each weight the worse end of
[e exp(-scores), e exp(scores)], proves what every execution answers, a tie being wrong.
"""

from dataclasses import dataclass
from math import expm1, sqrt

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Enclosed, upward
from proofs.errors import NotApplicable
from proofs.model import Array, Model
from proofs.tally import Tally

UNIT = 2.0**-24
"""Unit roundoff of float32."""
LARGEST = 2.0**16
WIDEST = 4096
LONGEST = 1024
MOST_LOGIT = 2.0**60
TINY = 2.0**-30
UPWARD = 1 + 1e-10
"""Covers the float64 roundings of a short chain of sums and products of non-negative arrays."""
LEAST_RESOLVED = 0.25
"""Scores that may err by more leave the attention undetermined."""


@dataclass(frozen=True, eq=False)
class Float32Error:
    logits: float
    """Of each logit, absolute"""
    scores: Float64[Array, "query token"]
    """Of the logarithm of each attention weight before normalisation, at every position"""

    @classmethod
    def of(cls, model: Model, tally: Tally) -> "Float32Error":
        """Raises `NotApplicable` for weights that float32 cannot be trusted with."""
        _require_moderate(model)
        return cls(_logits(model, tally), _scores(model, tally))

    @property
    def weights(self) -> Float64[Array, "query token"]:
        """Relative, of the same attention weights."""
        return np.asarray(np.expm1(self.scores) * UPWARD)

    @property
    def widest(self) -> float:
        """Relative, of any of them."""
        return upward(expm1(float(self.scores.max())))


def gamma(terms: int) -> float:
    return upward(terms * UNIT / (1 - terms * UNIT))


def _logits(model: Model, tally: Tally) -> float:
    keys = _key_side(model, tally).max(axis=0, keepdims=True)
    queries = _query_side(model, tally).max(axis=0, keepdims=True)
    tally.add(2 * model.W_E.size)
    values = _product(keys, model.W_V, tally) + np.abs(model.b_V)
    both = Enclosed.exact(model.W_O).times(Enclosed.exact(model.W_U), tally)
    tally.add(both.value.size)
    residual = queries + _product(values, model.W_O, tally) + np.abs(model.b_O)
    through_values = float(_product(values, np.abs(both.value) + both.radius, tally).max())
    through_residual = float((_product(residual, model.W_U, tally) + np.abs(model.b_U)).max())
    tally.add(2 * (model.d_head + model.d_model + model.d_vocab) + 12)
    if not max(through_values, through_residual) < MOST_LOGIT:
        raise NotApplicable(f"The logits may reach {through_values:.3g}: too much for float32. Use the variant strict.")
    of_values = gamma(3 * model.n_ctx + model.d_model + 9) * through_values
    return upward(of_values + gamma(model.d_model + model.d_head + 9) * through_residual + TINY)


def _scores(model: Model, tally: Tally) -> Float64[Array, "query token"]:
    g = gamma(model.d_model + 2)
    scale = sqrt(model.d_head)
    query_terms = _product(_query_side(model, tally), model.W_Q, tally) + np.abs(model.b_Q)
    key_terms = _product(_key_side(model, tally), model.W_K, tally) + np.abs(model.b_K)
    query, key = _queries(model, tally) + g * query_terms, _keys(model, tally) + g * key_terms
    tally.add(3 * query.size + 3 * key.size)
    computed = _product(query, key.T, tally)
    of_products = g * (_product(query_terms, key.T, tally) + _product(query, key_terms.T, tally))
    of_softmax = 2 * UNIT * computed.max(axis=1, keepdims=True)
    scores = (of_products + gamma(model.d_head + 9) * computed + of_softmax) / scale + (12 * UNIT + TINY)
    tally.add(9 * scores.size)
    if not scores.max() < LEAST_RESOLVED:
        raise NotApplicable(
            f"In float32 the attention scores of this model may err by {scores.max():.2g}, which leaves its attention open. "
            "Use the variant strict, which is about real arithmetic."
        )
    return np.asarray(scores * UPWARD)


def _queries(model: Model, tally: Tally) -> Float64[Array, "query d_head"]:
    """|q|"""
    at_query = Enclosed.exact(model.W_E).plus(Enclosed.exact(model.W_pos[-1]), tally)
    made = at_query.times(Enclosed.exact(model.W_Q), tally).plus(Enclosed.exact(model.b_Q), tally)
    tally.add(2 * made.value.size)
    return np.asarray(np.abs(made.value) + made.radius)


def _keys(model: Model, tally: Tally) -> Float64[Array, "token d_head"]:
    """|k_i| at any position."""
    W_K = Enclosed.exact(model.W_K)
    of_token = Enclosed.exact(model.W_E).times(W_K, tally).plus(Enclosed.exact(model.b_K), tally)
    of_position = Enclosed.exact(model.W_pos).times(W_K, tally)
    tally.add(3 * of_token.value.size + 2 * of_position.value.size)
    at_any_position = np.abs(of_position.value).max(axis=0) + (of_token.radius + of_position.radius)
    return np.asarray(np.abs(of_token.value) + at_any_position)


def _query_side(model: Model, tally: Tally) -> Float64[Array, "query d_model"]:
    """|x| at the last position."""
    tally.add(2 * model.W_E.size)
    return np.asarray(np.abs(model.W_E.astype(np.float64) + model.W_pos[-1]))


def _key_side(model: Model, tally: Tally) -> Float64[Array, "token d_model"]:
    """|x| at any position."""
    tally.add(2 * model.W_E.size + 2 * model.W_pos.size)
    return np.asarray(np.abs(model.W_E.astype(np.float64)) + np.abs(model.W_pos).max(axis=0))


def _product(left: Array, right: Array, tally: Tally) -> Float64[Array, "row column"]:
    """|left| |right|, rounded upwards. `left` is not negative."""
    tally.matmul(left.shape[0], left.shape[1], right.shape[1])
    tally.add(right.size)
    return np.asarray(np.einsum("ik,kj->ij", left, np.abs(right.astype(np.float64))) * UPWARD)


def _require_moderate(model: Model) -> None:
    largest = max(float(np.abs(tensor).max()) for tensor in model.tensors().values())
    if largest > LARGEST or max(model.d_model, model.d_head) > WIDEST or model.n_ctx > LONGEST:
        raise NotApplicable(
            f"The statement about float32 executions covers weights up to {LARGEST:,.0f}, widths up to {WIDEST} and n_ctx up "
            f"to {LONGEST}; this model has {largest:,.3g}, {max(model.d_model, model.d_head)} and {model.n_ctx}. "
            "Use the variant strict."
        )
