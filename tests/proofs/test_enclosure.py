"""Radii are theorems: exact rational arithmetic must lie inside every enclosure."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.enclosure import EXP_ULPS, UNIT, Enclosed, exp_relative_error, gamma, upward
from proofs.tables import Tables
from proofs.tally import Tally
from tests.proofs.oracle import margin_of
from tests.proofs.problems import copies_its_largest_token, models

Array = np.ndarray[Any, Any]


def _fractions(array: Array) -> list[list[Fraction]]:
    return [[Fraction(float(entry)) for entry in row] for row in array]


def _times(left: list[list[Fraction]], right: list[list[Fraction]]) -> list[list[Fraction]]:
    return [
        [sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in zip(*right, strict=True)]
        for row in left
    ]


def _encloses(found: Enclosed, true: list[list[Fraction]]) -> bool:
    radius = Fraction(found.radius)
    pairs = product(range(len(true)), range(len(true[0])))
    return all(abs(Fraction(float(found.value[i, j])) - true[i][j]) <= radius for i, j in pairs)


@given(seed=st.integers(0, 2**32 - 1), inner=st.integers(1, 40), scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e8, 1e30]))
@settings(max_examples=60, deadline=None)
def test_a_chain_of_products_and_sums_encloses_the_rational_result(seed: int, inner: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    a = (scale * random.normal(size=(3, inner))).astype(np.float32)
    b = random.normal(size=(inner, 4)).astype(np.float32)
    c = random.normal(size=(4, 3)).astype(np.float32)
    bias = (scale * random.normal(size=3)).astype(np.float32)
    tally = Tally()
    found = (
        Enclosed.exact(a)
        .times(Enclosed.exact(b), tally)
        .times(Enclosed.exact(c), tally)
        .plus(Enclosed.exact(bias), tally)
    )
    true = _times(_times(_fractions(a), _fractions(b)), _fractions(c))
    true = [[entry + Fraction(float(bias[j])) for j, entry in enumerate(row)] for row in true]
    assert _encloses(found, true)
    assert found.radius <= 1e-12 * inner * max(found.largest, scale)


def test_a_radius_of_zero_would_be_caught() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(size=(4, 30)).astype(np.float32), random.normal(size=(30, 4)).astype(np.float32)
    honest = Enclosed.exact(a).times(Enclosed.exact(b), Tally()).times(Enclosed.exact(a), Tally())
    true = _times(_times(_fractions(a), _fractions(b)), _fractions(a))
    assert _encloses(honest, true)
    assert not _encloses(Enclosed(honest.value, 0.0), true)


@pytest.mark.parametrize("width", [2, 3, 32, 50, 128])
def test_division_by_a_rounded_square_root_encloses_the_real_quotient(width: int) -> None:
    value = np.random.default_rng(width).normal(size=(5, 5))
    found = Enclosed(value, 0.0).over(sqrt(width), Tally())
    with localcontext() as context:
        context.prec = 60
        root = Decimal(width).sqrt()
        for entry, quotient in zip(value.ravel(), found.value.ravel(), strict=True):
            assert abs(Decimal(float(entry)) / root - Decimal(float(quotient))) <= Decimal(found.radius)


def test_exp_of_numpy_errs_by_less_than_is_granted() -> None:
    points = np.random.default_rng(3).uniform(-300, 0, 20_000)
    found = np.exp(points)
    with localcontext() as context:
        context.prec = 40
        worst = max(
            abs(Decimal(float(value)) / Decimal(float(point)).exp() - 1)
            for point, value in zip(points, found, strict=True)
        )
    assert worst <= Decimal(EXP_ULPS * UNIT)


@given(value=st.floats(-5, 5), shift=st.floats(-1, 1), radius=st.floats(1e-15, 0.9))
def test_the_relative_error_of_exp_covers_an_argument_anywhere_within_the_radius(
    value: float, shift: float, radius: float
) -> None:
    with localcontext() as context:
        context.prec = 40
        true = (Decimal(value) + Decimal(shift) * Decimal(radius)).exp()
        assert abs(true / Decimal(exp(value)) - 1) <= Decimal(exp_relative_error(radius))


def test_bounds_are_rounded_up() -> None:
    assert upward(1.0) > 1.0
    assert upward(0.0) == 0.0
    assert Fraction(gamma(10)) > Fraction(10, 2**53 - 10)


@given(model=models())
@settings(max_examples=25, deadline=None)
def test_no_logit_difference_is_off_by_more_than_the_margin(model: Any) -> None:
    """The tables and the margin, against the forward pass in 60 digits, on a few inputs of each model."""
    tables = Tables.of(model, Tally())
    margin = tables.margin()
    ov = tables.ov(Tally())
    random = np.random.default_rng(0)
    for _ in range(3):
        tokens = random.integers(0, model.d_vocab, model.n_ctx)
        weights = tables.weights(int(tokens[-1]), Tally())
        e = weights.high[np.arange(model.n_ctx), tokens]
        if (weights.low == 0).any() or model.d_vocab == 1:
            continue
        logits = e / e.sum() @ ov[np.arange(model.n_ctx), tokens] + tables.direct.value[tokens[-1]]
        right = int(tokens.max())
        found = logits[right] - np.delete(logits, right).max()
        assert abs(Decimal(float(found)) - margin_of(model, tuple(map(int, tokens)))) <= Decimal(margin)


def test_the_margin_is_small_beside_the_logits() -> None:
    tables = Tables.of(copies_its_largest_token(), Tally())
    assert tables.margin() < 1e-9
