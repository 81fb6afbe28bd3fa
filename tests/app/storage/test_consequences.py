"""What proofs of one model mean together."""

from hypothesis import given
from hypothesis import strategies as st

from app.storage.consequences import Interval, Judged, Result, accuracy, best_bound, judge


def proved(correct: int, wrong: int = 0) -> Result:
    return Result(1, True, correct, wrong)


def published(correct: int, wrong: int = 0) -> Result:
    return Result(2, False, correct, wrong)


def test_nothing_proved_is_nothing_known() -> None:
    assert accuracy(100, []) == Interval(0, 100, 100)
    assert accuracy(100, [published(90, 10)]) == Interval(0, 100, 100)
    assert judge(published(90), Interval(0, 100, 100)) == Judged(None, None, False)


def test_the_accuracy_is_between_the_best_bounds_of_strict_proofs() -> None:
    assert accuracy(100, [proved(50, 10), proved(60, 5), published(95)]) == Interval(60, 90, 100)


def test_the_accuracy_is_exact_when_the_bounds_meet() -> None:
    truth = accuracy(100, [proved(70), proved(80, 20)])
    assert truth.is_exact
    assert judge(proved(70), truth) == Judged(0.875, "exact", False)


def test_tightness_against_an_upper_end_says_so() -> None:
    assert judge(proved(45), Interval(45, 90, 100)) == Judged(0.5, "proved", False)


def test_a_bound_above_what_is_proved_is_an_alarm_and_counts_for_nothing() -> None:
    results = [proved(75, 25), proved(81), published(82)]
    truth = accuracy(100, results)
    assert truth == Interval(75, 75, 100)
    assert [judge(result, truth).alarm for result in results] == [False, True, True]
    assert best_bound(results, truth) == 0.75
    tightness = judge(results[1], truth).tightness
    assert tightness is not None
    assert tightness > 1


def test_a_perfect_model_is_exact_without_any_wrong_input() -> None:
    truth = accuracy(100, [proved(100)])
    assert truth.is_exact
    assert judge(proved(50), truth) == Judged(0.5, "exact", False)


def test_a_model_that_is_always_wrong_has_no_tightness() -> None:
    truth = accuracy(100, [proved(0, 100)])
    assert judge(proved(0, 100), truth) == Judged(None, None, False)


def test_a_published_bound_is_never_the_best() -> None:
    assert best_bound([published(90)], Interval(0, 100, 100)) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 64**20), st.integers(0, 64**20))))
def test_the_interval_is_never_empty_and_no_float_rounds_up(parts: list[tuple[bool, int, int]]) -> None:
    total = 64**20
    results = [Result(0, strict, correct, min(wrong, total - correct)) for strict, correct, wrong in parts]
    truth = accuracy(total, results)
    assert 0 <= truth.lower <= truth.upper <= total
    bound = best_bound(results, truth)
    if bound is not None:
        assert int(bound * 2**52) * total <= truth.lower * 2**52
    for result in results:
        assert judge(result, truth).alarm == (result.correct > truth.upper)
