"""Confidence intervals for what was sampled. An estimate is never a proof; its interval says how far off it may be.

`clopper_pearson` is for independent yes/no draws and has at least the coverage it names, at any sample size. `hoeffding`
is for means of values in [0, 1], of strata drawn apart too. Both ends are widened by `GUARD` against rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p, sqrt

CONFIDENCE = 0.99
"""Of each interval alone. Of a hundred intervals one may miss."""

GUARD = 1e-9
TINY = 1e-300
HALVINGS = 50


@dataclass(frozen=True)
class Interval:
    low: float
    high: float

    def over(self, other: "Interval") -> "Interval":
        """Of the ratio of two quantities, each in its interval. If one interval may miss with probability p, this may with 2p."""
        return Interval(self.low / other.high if other.high else 0.0, self.high / other.low if other.low else 1.0)


def clopper_pearson(hits: int, draws: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Of a proportion of which `hits` in `draws` independent draws were seen."""
    if not 0 <= hits <= draws or draws == 0:
        raise ValueError(f"{hits} hits in {draws} draws is impossible.")
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _beta_quantile(tail, hits, draws - hits + 1)
    high = 1.0 if hits == draws else 1 - _beta_quantile(tail, draws - hits, hits + 1)
    return Interval(max(0.0, low - GUARD), min(1.0, high + GUARD))


def hoeffding(mean: float, shares: Sequence[tuple[float, int]], *, confidence: float = CONFIDENCE) -> Interval:
    """Of a weighted mean of values in [0, 1]; `shares` holds each sampled stratum's weight and number of draws.

    Each draw of a stratum with weight w and k draws moves the mean by at most w/k, so the squares add up to w^2/k.
    """
    spread = sum(weight * weight / draws for weight, draws in shares)
    reach = sqrt(spread * log(2 / (1 - confidence)) / 2) + GUARD
    return Interval(max(0.0, mean - reach), min(1.0, mean + reach))


def _beta_quantile(probability: float, a: float, b: float) -> float:
    """At most the x at which the regularised incomplete beta function is `probability`."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return low


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction where that converges fast."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front * _continued_fraction(x, a, b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Lentz's method: products of ratios of successive convergents."""
    numerator, denominator = 1.0, 1 - (a + b) * x / (a + 1)
    denominator = 1 / (denominator or TINY)
    value = denominator
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            denominator = 1 / ((1 + term * denominator) or TINY)
            numerator = (1 + term / numerator) or TINY
            change = numerator * denominator
            value *= change
        if abs(change - 1) < 1e-14:
            break
    return value
