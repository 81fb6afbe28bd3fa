"""Float64 arrays that know how far from the truth they may be. The only module that knows floats are not reals.

An `Enclosed` is a table with one radius: every true entry lies within `radius` of the float entry. Rounding
errors are bounded a priori (Higham, Accuracy and Stability of Numerical Algorithms, section 3: a sum of k
products in any order errs by at most gamma_k times the sum of absolute products), so no operation has to be
executed with directed rounding. Radii are themselves computed in floats; each is a short chain of sums and
products of non-negative numbers, which `upward` makes safe.

Products use `einsum` without BLAS, whose order of summation does not depend on the number of threads.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, expm1, nextafter

import numpy as np
from jaxtyping import Float64

from proofs.tally import Tally

UNIT = 2.0**-53
"""Unit roundoff of float64."""
UNDERFLOW = 1e-290
"""More than what underflow can take from a sum of products with up to 10**15 terms."""
EXP_ULPS = 8
"""`exp` in float64 errs by less than one unit in the last place in every common library; eight are granted and tested."""

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Enclosed:
    """|true - value| <= radius, entry by entry."""

    value: Float64[Array, "..."]
    radius: float

    @classmethod
    def exact(cls, array: Array) -> "Enclosed":
        """Float32 weights, which float64 holds exactly."""
        return cls(array.astype(np.float64), 0.0)

    @cached_property
    def largest(self) -> float:
        """No true entry is larger in absolute value."""
        return upward(float(np.abs(self.value).max(initial=0.0)) + self.radius)

    def plus(self, other: "Enclosed", tally: Tally) -> "Enclosed":
        """Broadcast sum."""
        value = self.value + other.value
        tally.add(value.size + 2 * (self.value.size + other.value.size))  # the sum; absolute values and their maxima
        rounding = UNIT * (self.largest + other.largest)
        return Enclosed(value, upward(self.radius + other.radius + rounding))

    def times(self, other: "Enclosed", tally: Tally) -> "Enclosed":
        """Matrix product of [i, k] and [k, j]."""
        rows, inner = self.value.shape
        columns = other.value.shape[1]
        value = np.einsum("ik,kj->ij", self.value, other.value)
        tally.matmul(rows, inner, columns)
        tally.add(2 * (self.value.size + other.value.size))  # absolute values, their sums, their maximum
        row_sum = float(np.abs(self.value).sum(axis=1).max(initial=0.0))
        widest = float(np.abs(other.value).max(initial=0.0))
        radius = (
            gamma(inner) * row_sum * widest
            + inner * self.radius * (widest + other.radius)
            + row_sum * other.radius
            + UNDERFLOW
        )
        return Enclosed(value, upward(radius))

    def over(self, divisor: float, tally: Tally) -> "Enclosed":
        """Divided by a square root that was rounded to `divisor`, as `math.sqrt` rounds it."""
        tally.add(3 * self.value.size)  # the quotients; absolute values and their maximum
        value = self.value / divisor
        return Enclosed(value, upward(self.radius / divisor + 3 * UNIT * self.largest / divisor + UNDERFLOW))

    def transposed(self) -> "Enclosed":
        return Enclosed(self.value.T, self.radius)


def gamma(terms: int) -> float:
    """Bound on the relative error of a sum of `terms` products."""
    return upward((terms + 1) * UNIT / (1 - (terms + 1) * UNIT))


def upward(value: float) -> float:
    """At least the true value of a short chain (fewer than 10**5 steps) of sums and products of non-negative floats."""
    if value != value:  # what overflowed is not bounded by anything
        return float("inf")
    return nextafter(value * (1 + 1e-10), float("inf")) if value > 0 else 0.0


def exp_relative_error(radius: float) -> float:
    """|exp(true) / fl(exp(value)) - 1| at most, if |true - value| <= radius <= 1."""
    return upward(expm1(radius) * (1 + 4 * UNIT) + 2 * EXP_ULPS * UNIT * exp(radius))
