"""How far an execution in float32 may stray from the real function: the statement `float32-v1` (docs/semantics.md).

With u = 2^-24 and gamma(k) = k u / (1 - k u), its logits are the real ones with each attention weight e[i][t] multiplied by
some factor from exp(-scores[q][t]) to exp(scores[q][t]), up to an error of at most `logits`:

    logits = gamma(3 n + d_model + 9) max_x (V |W_O W_U|)_x + gamma(d_model + d_head + 9) max_x (R |W_U| + |b_U|)_x + 2^-30
    scores = (g (Q.k+ + q+.K) + gamma(d_head + 9) q+.k+ + 2 u max_t q+.k+) / sqrt(d_head) + 12 u + 2^-30

with g = gamma(d_model + 2), q+ = |q| + g Q and k+ = |k| + g K, where Q, K, V, R bound what sums of absolute values make of a
query, a key, any value, any residual stream. `proofs/float32.py` proves it; here all are integers, with quotients rounded up.
"""

from functools import partial
from typing import NamedTuple

from proofs.checker.arithmetic import Matrix, columns, each, exp_of_minus, largest, over_root, plus, plus_row, product
from proofs.checker.refusals import Unreadable
from proofs.checker.weights import Weights

BITS = 128
"""Precision of the scores' errors, and of factors."""


class Execution(NamedTuple):
    difference: int
    """Of two logits, at the scale of the tables: twice `logits`"""
    scores: Matrix
    """[query][token]; empty for real arithmetic, which does not err."""

    def factors(self, query: int) -> list[tuple[int, int]]:
        """By token: between what an execution multiplies e."""
        least = [exp_of_minus(error, error, BITS)[0] for error in self.scores[query]] if self.scores else []
        return [(low, -((-1 << 2 * BITS) // low)) for low in least]


IN_REAL_ARITHMETIC = Execution(0, [])


def in_float32(weights: Weights) -> Execution:
    """Raises `Unreadable` for weights that the statement does not cover."""
    w, b, n = weights.tensors, weights.bits, len(weights.tensors["W_pos"])
    absolute = partial(each, change=abs)
    a = {field: absolute(matrix) for field, matrix in w.items()}
    d_model, d_head = len(w["W_U"]), len(w["W_O"])
    g, k = d_model + 2, d_head + 9
    at_query = plus_row(w["W_E"], w["W_pos"][-1])
    query_side, key_side = absolute(at_query), plus_row(a["W_E"], _greatest(a["W_pos"])[0])

    value = plus_row(product(_greatest(key_side), a["W_V"]), a["b_V"][0], b)
    through_value = product(value, absolute(product(w["W_O"], w["W_U"])))
    residual = plus_row(product(value, a["W_O"]), plus_row(_greatest(query_side), a["b_O"][0])[0], 2 * b)
    through_residual = plus_row(product(residual, a["W_U"]), a["b_U"][0], 3 * b)
    logits = largest(_gamma(3 * n + d_model + 9, through_value)) + largest(_gamma(d_model + k, through_residual))

    of_query = plus_row(product(query_side, a["W_Q"]), a["b_Q"][0], b)
    of_key = plus_row(product(key_side, a["W_K"]), a["b_K"][0], b)
    exact_query = absolute(plus_row(product(at_query, w["W_Q"]), w["b_Q"][0], b))
    exact_key = absolute(plus_row(product(w["W_E"], w["W_K"]), w["b_K"][0], b))
    exact_key = plus_row(exact_key, _greatest(absolute(product(w["W_pos"], w["W_K"])))[0])

    query, key = plus(exact_query, _gamma(g, of_query)), columns(plus(exact_key, _gamma(g, of_key)))
    plain = product(query, key)
    errors = plus(_gamma(g, plus(product(of_query, key), product(query, columns(of_key)))), _gamma(k, plain))
    errors = [[error + (max(scores) >> 23) + 1 for error in row] for row, scores in zip(errors, plain, strict=True)]
    errors = over_root(errors, bits=4 * b, radicand=d_head, precision=BITS)
    scores = each(errors, lambda error: error + 1 + (12 << BITS - 24) + (1 << BITS - 30))
    too_large = max(map(largest, a.values())) > 1 << 16 + b or largest(scores) >= 1 << BITS - 2
    if too_large or largest([*through_value, *through_residual]) >= 1 << 60 + 4 * b:
        raise Unreadable("The statement about float32 does not cover weights, logits or scores as large as these.")
    return Execution(2 * (logits + (1 << 4 * b - 30)), scores)


def _greatest(matrix: Matrix) -> Matrix:
    """One row, of each column's greatest."""
    return [[max(column) for column in zip(*matrix, strict=True)]]


def _gamma(roundings: int, matrix: Matrix) -> Matrix:
    """What so many roundings may change of the numbers, rounded up"""
    return each(matrix, lambda value: -(-value * roundings // ((1 << 24) - roundings)))
