"""Numbers on screen never claim more than was proved."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import numbers

COUNTS = st.integers(1, 10**40).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


def read_back(text: str) -> Fraction:
    """The number that a person reads."""
    if text.startswith("1 − "):
        return 1 - Fraction(text.removeprefix("1 − "))
    return Fraction(text)


@given(COUNTS)
def test_a_bound_on_screen_is_never_above_the_proved_one(counts: tuple[int, int]) -> None:
    correct, total = counts
    assert read_back(numbers.at_least(correct, total)) <= Fraction(correct, total)


@given(COUNTS)
def test_a_bound_on_screen_keeps_three_digits_of_what_is_missing(counts: tuple[int, int]) -> None:
    correct, total = counts
    truth = Fraction(correct, total)
    assert truth - read_back(numbers.at_least(correct, total)) <= min(truth, 1 - truth) / 100


@pytest.mark.parametrize(
    ("correct", "total", "shown"),
    [
        (64**20 - 1, 64**20, "1 − 7.53e-37"),
        (10**12 - 1, 10**12, "1 − 1.00e-12"),
        (999_753, 10**6, "0.999753"),
        (945_999, 10**6, "0.9459"),
        (1, 64**20, "7.52e-37"),
        (7, 7, "1"),
        (0, 7, "0"),
        (None, 7, "–"),
    ],
)
def test_bounds(correct: int | None, total: int, shown: str) -> None:
    assert numbers.at_least(correct, total) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(7, "7"), (999, "999"), (1000, "1.00 k"), (35_181_664, "35.2 M"), (999_999, "1000 k"), (64**20, "1.32e36")],
)
def test_counts_have_three_digits_and_a_prefix(value: int, shown: str) -> None:
    assert numbers.count(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0001, "< 1 ms"), (0.0123, "12.3 ms"), (3.4159, "3.42 s"), (72, "1 m 12 s"), (3700, "1 h 1 m"), (None, "–")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert numbers.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (0.98765, "0.988"), (123.456, "123"), (1.5e9, "1.5e+09"), (None, "–")]
)
def test_three_significant_digits(value: float | None, shown: str) -> None:
    assert numbers.significant(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(512, "512 B"), (25_600, "25.6 kB"), (64 * 2**20, "67.1 MB")])
def test_sizes(value: int, shown: str) -> None:
    assert numbers.size(value) == shown
