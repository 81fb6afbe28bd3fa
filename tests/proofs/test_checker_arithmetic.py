"""The checker's integers enclose the real numbers they stand for, and its counts count."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product as tuples
from math import isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.checker import arithmetic
from proofs.checker.arithmetic import exp_of_minus, over_root, product
from proofs.checker.counting import Answer, below_alike, reaching, reaching_in_bins, some_reach
from tests.proofs.mutants import mutant

numbers = st.integers(-(2**70), 2**70)


@given(least=st.integers(0, 2**80), width=st.integers(0, 2**20), extra=st.integers(0, 80))
def test_exponentials_are_enclosed(least: int, width: int, extra: int) -> None:
    precision = 70 + extra
    low, high = exp_of_minus(least, least + width, precision)
    with localcontext() as context:
        context.prec = 120
        scale = Decimal(2) ** precision
        assert Decimal(low) <= (-(Decimal(least + width) / scale)).exp() * scale
        assert Decimal(high) >= (-(Decimal(least) / scale)).exp() * scale


@pytest.mark.parametrize("y", [0, 1, 5, 40, 299, 650, 10**6, 10**40])
def test_exponentials_are_enclosed_tightly(y: int) -> None:
    low, high = exp_of_minus(y << 1100, y << 1100, 1100)
    assert 0 <= high - low <= 2**24


def test_an_exponential_rounded_inwards_would_be_caught() -> None:
    broken = mutant(exp_of_minus, "high = -(-high * high >> precision)", "high = high * high >> precision + 1")
    assert broken(3 << 90, 3 << 90, 90)[1] < exp_of_minus(3 << 90, 3 << 90, 90)[0]


@given(value=numbers, bits=st.integers(0, 60), radicand=st.integers(1, 600), precision=st.integers(0, 90))
def test_quotients_by_a_root_are_enclosed(value: int, bits: int, radicand: int, precision: int) -> None:
    ((k,),) = over_root([[value]], bits=bits, radicand=radicand, precision=precision)
    squared = Fraction(value * value * 4**precision, radicand * 4**bits)  # of |value| / 2^bits / sqrt(radicand), scaled
    below, above = (k, k + 1) if value >= 0 else (-k - 1, -k)
    assert below**2 <= squared <= above**2
    assert below <= isqrt(int(squared)) <= above


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.data())
def test_products_are_exact(rows: int, inner: int, columns: int, data: st.DataObject) -> None:
    left = [[data.draw(numbers) for _ in range(inner)] for _ in range(rows)]
    right = [[data.draw(numbers) for _ in range(columns)] for _ in range(inner)]
    expected = [[sum(row[k] * right[k][j] for k in range(inner)) for j in range(columns)] for row in left]
    assert product(left, right) == expected


@st.composite
def answers(draw: st.DrawFn, most_answers: int = 3) -> list[Answer]:
    positions, tokens = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    terms = st.integers(-60, 60)
    return [
        Answer(draw(terms), [[draw(terms) for _ in range(tokens)] for _ in range(positions)])
        for _ in range(draw(st.integers(1, most_answers)))
    ]


def by_enumeration(wanted: list[Answer], threshold: int, needs_last: bool) -> int:
    positions = len(wanted[0].terms)
    tokens = len(wanted[0].terms[0]) if positions else 1
    return sum(
        any(
            answer.base + sum(row[t] for row, t in zip(answer.terms, chosen, strict=True)) >= threshold
            for answer in wanted
        )
        for chosen in tuples(range(tokens), repeat=positions)
        if not needs_last or tokens - 1 in chosen
    )


@given(answers(), st.integers(-100, 100), st.booleans())
def test_tuples_are_counted_exactly(wanted: list[Answer], threshold: int, needs_last: bool) -> None:
    assert reaching(wanted, threshold, needs_last) == by_enumeration(wanted, threshold, needs_last)


@given(st.lists(st.integers(-60, 60), min_size=1, max_size=4), st.integers(1, 5), st.integers(-150, 150), st.booleans())
def test_alike_positions_are_never_overcounted_and_exact_up_to_three(
    row: list[int], positions: int, threshold: int, needs_last: bool
) -> None:
    answer = Answer(0, [row] * positions)
    every = by_enumeration([answer], -(10**6), needs_last)
    exact = every - by_enumeration([answer], threshold, needs_last)
    found = below_alike(answer, threshold, needs_last)
    assert found <= exact
    if positions <= 3:
        assert found == exact


@given(answers(1), st.integers(-100, 100), st.booleans(), st.sampled_from([1, 3, 10, 50]))
def test_bins_enclose_the_count(wanted: list[Answer], threshold: int, needs_last: bool, bins: int) -> None:
    (answer,) = wanted
    if not answer.terms:
        return
    exact = by_enumeration(wanted, threshold, needs_last)
    assert reaching_in_bins(answer, threshold, needs_last, bins=bins, upwards=True) >= exact
    assert reaching_in_bins(answer, threshold, needs_last, bins=bins, upwards=False) <= exact


@given(answers(1), st.integers(-100, 100), st.booleans())
def test_bins_of_one_unit_are_exact(wanted: list[Answer], threshold: int, needs_last: bool) -> None:
    (answer,) = wanted
    if not answer.terms:
        return
    exact = by_enumeration(wanted, threshold, needs_last)
    assert reaching_in_bins(answer, threshold, needs_last, bins=10**9, upwards=True) == exact


@given(answers(1), st.integers(-100, 100), st.booleans())
def test_some_tuple_reaches_the_threshold_if_and_only_if_it_is_said(
    wanted: list[Answer], threshold: int, needs_last: bool
) -> None:
    (answer,) = wanted
    if answer.terms:
        assert some_reach(answer, threshold, needs_last) == (by_enumeration(wanted, threshold, needs_last) > 0)


@given(answers(1), st.integers(-150, 150), st.booleans())
def test_shells_take_each_token_at_its_worst_position(wanted: list[Answer], threshold: int, needs_last: bool) -> None:
    (answer,) = wanted
    if answer.terms:
        every = by_enumeration(wanted, -(10**6), needs_last)
        assert below_alike(answer, threshold, needs_last) <= every - by_enumeration(wanted, threshold, needs_last)


def test_bins_rounded_the_wrong_way_would_be_caught() -> None:
    broken = mutant(reaching_in_bins, "-((least - term) // width) if upwards", "(term - least) // width if upwards")
    answer = Answer(0, [[0, 7], [0, 7], [0, 7]])
    exact = by_enumeration([answer], 14, False)
    assert reaching_in_bins(answer, 14, False, bins=4, upwards=True) >= exact
    assert broken(answer, 14, False, bins=4, upwards=True) < exact


def test_a_missing_remainder_in_the_series_would_be_caught() -> None:
    """The lower end alone, taken for both, no longer encloses."""
    broken = mutant(arithmetic._exp_of_small, "return total, total + 2 * k + 1", "return total, total")
    z, precision = 3 << 60, 80
    with localcontext() as context:
        context.prec = 80
        true = (Decimal(z) / Decimal(2) ** precision).exp() * Decimal(2) ** precision
    assert broken(z, precision)[1] < true <= arithmetic._exp_of_small(z, precision)[1]
