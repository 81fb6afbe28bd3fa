"""Integers that stand for real numbers: products that are exact, exponentials and square roots that are enclosed.

A number in *fixed point* with precision p is an integer k that stands for k / 2^p.
"""

from collections.abc import Callable, Sequence
from math import isqrt
from operator import add, mul

Row = list[int]
Matrix = list[Row]


def product(left: Matrix, right: Matrix) -> Matrix:
    """The matrix product; the scales multiply."""
    of_right = columns(right)
    return [[sum(map(mul, row, column)) for column in of_right] for row in left]


def plus(left: Matrix, right: Matrix) -> Matrix:
    return [list(map(add, *rows)) for rows in zip(left, right, strict=True)]


def plus_row(matrix: Matrix, row: Sequence[int], shift: int = 0) -> Matrix:
    """The same row, times 2^shift, added to every row."""
    shifted = [value << shift for value in row]
    return [list(map(add, values, shifted)) for values in matrix]


def columns(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]


def each(matrix: Matrix, change: Callable[[int], int]) -> Matrix:
    return [[change(value) for value in row] for row in matrix]


def largest(matrix: Matrix) -> int:
    return max(max(map(abs, row)) for row in matrix)


def over_root(matrix: Matrix, *, bits: int, radicand: int, precision: int) -> Matrix:
    """Entries k with k <= (value / 2^bits) / sqrt(radicand) * 2^precision <= k + 1."""

    def one(value: int) -> int:
        magnitude = isqrt((value * value << 2 * precision) // (radicand << 2 * bits))
        return magnitude if value >= 0 else -magnitude - 1

    return each(matrix, one)


def exp_of_minus(least: int, most: int, precision: int) -> tuple[int, int]:
    """a, b with a <= exp(-y) 2^precision <= b for every y from least to most >= 0, all in fixed point.

    exp(-y) = (1 / exp(y / 2^h))^(2^h), every step rounded outwards.
    """
    halvings = (most >> precision).bit_length() + 8
    one = 1 << precision
    low = one * one // _exp_of_small(-(-most >> halvings), precision)[1]
    high = -(-one * one // _exp_of_small(least >> halvings, precision)[0])
    for _ in range(halvings):
        low = low * low >> precision
        high = -(-high * high >> precision)
    return low, high


def _exp_of_small(z: int, precision: int) -> tuple[int, int]:
    """An enclosure of exp(z) for 0 <= z <= 2^-8, by its power series.

    Each term is rounded down from the one before, so it is short of the true term by less than 1 + 2/256 < 2. The series is
    left where a term is 0 in fixed point: that term is below 2, and what follows adds up to less than 1.
    """
    total = term = 1 << precision
    k = 0
    while term:
        k += 1
        term = term * z // (k << precision)
        total += term
    return total, total + 2 * k + 1
