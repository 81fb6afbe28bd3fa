"""Intervals against exact binomial sums."""

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.intervals import Interval, clopper_pearson, hoeffding, incomplete_beta


def at_least(hits: int, draws: int, p: float) -> float:
    return sum(comb(draws, k) * p**k * (1 - p) ** (draws - k) for k in range(hits, draws + 1))


@given(st.integers(1, 60), st.data(), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_incomplete_beta_is_the_binomial_tail(draws: int, data: st.DataObject, p: float) -> None:
    hits = data.draw(st.integers(1, draws))
    assert incomplete_beta(p, hits, draws - hits + 1) == pytest.approx(at_least(hits, draws, p), abs=1e-9)


@given(st.integers(1, 40), st.floats(0.0, 1.0))
@settings(deadline=None)
def test_clopper_pearson_covers_as_often_as_it_says(draws: int, p: float) -> None:
    covered = 0.0
    for hits in range(draws + 1):
        interval = clopper_pearson(hits, draws, confidence=0.9)
        if interval.low <= p <= interval.high:
            covered += comb(draws, hits) * p**hits * (1 - p) ** (draws - hits)
    assert covered >= 0.9 - 1e-9


def test_clopper_pearson_knows_the_textbook_value() -> None:
    interval = clopper_pearson(0, 100, confidence=0.95)
    assert interval.low == 0
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 100), abs=1e-6)
    assert clopper_pearson(16_777_000, 16_777_216).high < 1


def test_hoeffding_shrinks_with_the_draws_of_each_stratum() -> None:
    wide = hoeffding(0.5, [(0.5, 100), (0.5, 100)])
    narrow = hoeffding(0.5, [(0.5, 10_000), (0.5, 10_000)])
    assert wide.low < narrow.low < 0.5 < narrow.high < wide.high
    whole = hoeffding(0.5, [(1.0, 200)])
    assert whole.low == pytest.approx(wide.low)  # equal shares: as if drawn without strata


def test_a_ratio_takes_the_worst_of_both_ends() -> None:
    assert Interval(0.4, 0.6).over(Interval(0.8, 1.0)) == Interval(0.4, 0.6 / 0.8)


@pytest.mark.parametrize(("hits", "draws"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(hits: int, draws: int) -> None:
    with pytest.raises(ValueError, match="impossible"):
        clopper_pearson(hits, draws)
