"""The ten bounds on the range of a residual's rows (spec 5.2 d): max_i (M_1 ... M_l)[r, i] - min_i.

Lemma (pair). (A B)[r, i] - (A B)[r, j] = sum_k A[r, k] (B[k, i] - B[k, j]) <= sum_k |A[r, k]| range(B[k]), for any upper
bounds of the ranges. Lemma (mean). Subtracting a row a from all rows of A adds range(a B), whatever a is; the mean of the rows
is a good one. Lemma (spectral). The range is at most sqrt(2) times the largest singular value.

Every bound here is rounded up, and holds for all matrices within the radii.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from math import sqrt

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import UNDERFLOW, Array, Enclosed, gamma, upward
from proofs.subcubic.options import Error
from proofs.tally import Tally

Factors = tuple[Enclosed, ...]
Ranges = Float64[Array, " row"]
Bound = Callable[[Factors, Tally], Ranges]

SQUARINGS = 8
"""The trace of the 2^8th power exceeds that of the largest eigenvalue by at most a factor d^(1/256)."""


def ranges(matrix: Enclosed, tally: Tally) -> Ranges:
    """Of each row, rounded up."""
    tally.add(2 * matrix.value.size + 3 * len(matrix.value))
    return _upward(matrix.value.max(axis=1) - matrix.value.min(axis=1) + 2 * matrix.radius)


def pair(left: Enclosed, right: Ranges, tally: Tally) -> Ranges:
    """sum_k |left[r, k]| right[k]"""
    tally.add(2 * left.value.size)
    tally.matmul(len(left.value), left.value.shape[1], 1)
    return _upward(np.einsum("rk,k->r", np.abs(left.value) + left.radius, right))


def mean_pair(left: Enclosed, rest: Factors, right: Ranges, tally: Tally) -> Ranges:
    """The pair bound after subtracting the mean row, whose own product with the rest is formed."""
    mean, centred = _centred(left, tally)
    return _upward(ranges(_chain((mean, *rest), tally), tally) + pair(centred, right, tally))


def max_diff(factors: Factors, tally: Tally) -> Ranges:
    left, right = factors
    return pair(left, ranges(right, tally), tally)


def mean_max_diff(factors: Factors, tally: Tally) -> Ranges:
    left, right = factors
    return mean_pair(left, (right,), ranges(right, tally), tally)


def max_diff_exact(factors: Factors, tally: Tally) -> Ranges:
    return ranges(_chain(factors, tally), tally)


def max_diff_subproduct(factors: Factors, tally: Tally) -> Ranges:
    return _smallest([max_diff(two, tally) for two in _bracketings(factors, tally)], tally)


def mean_max_diff_subproduct(factors: Factors, tally: Tally) -> Ranges:
    return _smallest([mean_max_diff(two, tally) for two in _bracketings(factors, tally)], tally)


def recursive(factors: Factors, tally: Tally) -> Ranges:
    *outer, last = factors
    return reduce(lambda right, left: pair(left, right, tally), reversed(outer), ranges(last, tally))


def mean_recursive_once(factors: Factors, tally: Tally) -> Ranges:
    first, *rest = factors
    return mean_pair(first, tuple(rest), recursive(tuple(rest), tally), tally)


def mean_recursive(factors: Factors, tally: Tally) -> Ranges:
    first, *rest = factors
    if not rest:
        return ranges(first, tally)
    return mean_pair(first, tuple(rest), mean_recursive(tuple(rest), tally), tally)


def nothing(factors: Factors, tally: Tally) -> Ranges:
    """Where the approximation is exact; a single zero for all rows."""
    return np.zeros(1)


def spectral(factors: Factors, tally: Tally) -> Ranges:
    """sqrt(2) sigma_1, from a proved upper bound of sigma_1.

    For a product X Y, sigma_1^2 is the largest eigenvalue of K = (X^T X)(Y Y^T), whose eigenvalues are those of a positive
    semidefinite matrix. So sigma_1^(2p) <= trace(K^p), here with p = 2^SQUARINGS by repeated squaring. `error` bounds the
    distance of the computed power from the true one in the Frobenius norm; scaling by powers of two is exact but for underflow.
    """
    left, right = factors
    power = left.transposed().times(left, tally).times(right.times(right.transposed(), tally), tally)
    d = len(power.value)
    value, error, exponent = power.value, upward(d * power.radius), 0
    for _ in range(SQUARINGS):
        largest = max(float(np.abs(value).max()), error)  # a vanishing residual must not blow its error up
        if not largest < float("inf"):
            return np.array([float("inf")])
        shift = int(np.frexp(largest)[1])
        value, error = np.ldexp(value, -shift), upward(float(np.ldexp(error, -shift)) + UNDERFLOW)
        norm = upward(float(np.sqrt((value**2).sum())))
        error = upward(2 * norm * error + error * error + gamma(d) * norm * norm + UNDERFLOW)
        value = np.einsum("ik,kj->ij", value, value)
        exponent = 2 * (exponent + shift)
        tally.matmul(d, d, d)
        tally.add(3 * d * d + 12)
    trace = upward(float(np.abs(value.diagonal()).sum()) + sqrt(d) * error)
    tally.add(2 * d + 10)
    if trace == 0.0:
        return np.zeros(1)
    root = 1 / 2 ** (SQUARINGS + 1)  # of K^p to sigma_1
    return np.array([upward(sqrt(2) * upward(2.0 ** (exponent * root) * trace**root))])


def spectral_as_published(factors: Factors, tally: Tally) -> Ranges:
    """sqrt(2) sigma_1 from a floating-point decomposition (audit U-4)."""
    left, right = factors
    rows, inner = left.value.shape
    tally.add(4 * rows * inner**2 + 4 * right.value.shape[1] * inner**2 + 20 * inner**3)
    outer = np.linalg.qr(left.value)[1] @ np.linalg.qr(right.value.T)[1].T
    return np.array([sqrt(2) * np.linalg.svd(outer, compute_uv=False)[0]])


BOUNDS: Mapping[Error, Bound] = {
    Error.E1: spectral,
    Error.E2: max_diff,
    Error.E3: max_diff_subproduct,
    Error.E4: recursive,
    Error.E5: mean_max_diff,
    Error.E6: mean_max_diff_subproduct,
    Error.E7: mean_recursive_once,
    Error.E8: mean_recursive,
    Error.E9: nothing,
    Error.E10: max_diff_exact,
}
AS_PUBLISHED: Mapping[Error, Bound] = {**BOUNDS, Error.E1: spectral_as_published}


def _bracketings(factors: Factors, tally: Tally) -> list[Factors]:
    first, second, third, fourth = factors
    left, right = first.times(second, tally), third.times(fourth, tally)
    return [(first, second.times(right, tally)), (left, right), (left.times(third, tally), fourth)]


def _centred(matrix: Enclosed, tally: Tally) -> tuple[Enclosed, Enclosed]:
    """A row near the mean, taken as exact, and the matrix without it."""
    mean = matrix.value.mean(axis=0, keepdims=True)
    tally.add(matrix.value.size)
    return Enclosed(mean, 0.0), matrix.plus(Enclosed(-mean, 0.0), tally)


def _chain(factors: Factors, tally: Tally) -> Enclosed:
    return reduce(lambda left, right: left.times(right, tally), factors)


def _smallest(bounds: list[Ranges], tally: Tally) -> Ranges:
    tally.add((len(bounds) - 1) * len(bounds[0]))
    return np.asarray(np.minimum.reduce(bounds))


def _upward(values: Ranges) -> Ranges:
    """At least the true values of short chains of sums and products of non-negative floats (`enclosure.upward`)."""
    return np.asarray(values * (1 + 1e-10) + UNDERFLOW)
