"""What proofs of one model mean together."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.consequences import Interval, Judged, Result, Standing, standing
from app.storage.records import Doubt

CONTRADICTED, REFUSED, ABOVE_TRUTH = Doubt


def proved(number: int, correct: int, wrong: int = 0, **said: bool) -> Result:
    return Result(number, True, correct, wrong, **said)


def published(number: int, correct: int, wrong: int = 0, **said: bool) -> Result:
    return Result(number, False, correct, wrong, **said)


def refused(result: Result) -> Result:
    return replace(result, refused=True)


def confirmed(result: Result) -> Result:
    return replace(result, confirmed=True)


def of(*results: Result, total: int = 100) -> Standing:
    return standing(total, results)


def doubts(*results: Result) -> dict[int, Doubt]:
    return {number: one.doubt for number, one in of(*results).judged.items() if one.doubt}


def test_nothing_proved_is_nothing_known() -> None:
    assert of() == Standing(Interval(0, 100, 100), None, {})
    assert of(published(2, 90, 10)) == Standing(Interval(0, 100, 100), None, {2: Judged(None, None)})


def test_the_accuracy_is_between_the_best_bounds_of_strict_proofs() -> None:
    assert of(proved(1, 50, 10), proved(2, 60, 5), published(3, 88)).truth == Interval(60, 90, 100)


def test_the_accuracy_is_exact_when_the_bounds_meet() -> None:
    found = of(proved(1, 70), proved(2, 80, 20))
    assert found.truth.is_exact
    assert found.judged[1] == Judged(0.875, "exact")


def test_tightness_against_an_upper_end_says_so() -> None:
    assert of(proved(1, 45, 10)).judged[1] == Judged(0.5, "proved")


def test_two_proofs_that_cannot_both_be_true_are_both_in_doubt_and_count_for_nothing() -> None:
    found = of(proved(1, 75, 25), proved(2, 76), proved(3, 60, 5), published(4, 80))
    assert found.truth == Interval(60, 95, 100)
    assert found.best_bound == 0.6 - 0.6 % 2**-52
    assert found.judged[1] == found.judged[2] == Judged(None, None, CONTRADICTED)
    assert found.judged[3].doubt is found.judged[4].doubt is None


@pytest.mark.parametrize(("correct", "is_contradicted"), [(75, False), (76, True)])
def test_a_contradiction_begins_one_input_above_the_upper_end(correct: int, is_contradicted: bool) -> None:
    assert bool(doubts(proved(1, 0, 25), proved(2, correct))) is is_contradicted


def test_one_bad_proof_puts_every_proof_in_doubt_that_it_contradicts() -> None:
    bad, truth, other, harmless = proved(1, 100), proved(2, 80, 20), proved(3, 70, 10), proved(4, 70)
    assert doubts(bad, truth, other, harmless) == {1: CONTRADICTED, 2: CONTRADICTED, 3: CONTRADICTED}
    assert of(bad, truth, other, harmless).truth == Interval(70, 100, 100)


def test_a_proof_that_contradicts_itself_is_in_doubt() -> None:
    assert doubts(proved(1, 60, 41)) == {1: CONTRADICTED}


def test_a_refused_proof_is_in_doubt_by_itself_whatever_it_promised() -> None:
    assert doubts(refused(proved(1, 60)), refused(published(2, 60)), proved(3, 50)) == {1: REFUSED, 2: REFUSED}
    assert of(refused(proved(1, 60, 30)), proved(3, 50)).truth == Interval(50, 100, 100)


def test_a_contradiction_ends_when_one_side_is_refused_and_the_other_confirmed() -> None:
    bad, good = proved(1, 90), proved(2, 80, 20)
    assert doubts(refused(bad), good) == {1: REFUSED, 2: CONTRADICTED}
    assert doubts(refused(bad), confirmed(good)) == {1: REFUSED}
    assert of(refused(bad), confirmed(good)).truth == Interval(80, 80, 100)


def test_a_contradiction_stays_while_nobody_is_refused() -> None:
    bad, good = proved(1, 90), proved(2, 80, 20)
    assert doubts(confirmed(bad), confirmed(good)) == {1: CONTRADICTED, 2: CONTRADICTED}
    assert doubts(bad, confirmed(good)) == {1: CONTRADICTED, 2: CONTRADICTED}


def test_a_contradiction_ends_with_the_other_proof() -> None:
    assert doubts(proved(2, 80, 20)) == {}


def test_a_published_bound_above_the_truth_promises_nothing_and_is_no_alarm() -> None:
    found = of(proved(1, 75, 25), published(2, 82), published(3, 75))
    assert found.judged[2] == Judged(None, None, ABOVE_TRUTH)
    assert found.judged[3] == Judged(1.0, "exact")
    assert (found.truth, found.best_bound) == (Interval(75, 75, 100), 0.75)
    assert [doubt.is_alarm for doubt in Doubt] == [True, True, False]


def test_a_perfect_model_is_exact_without_any_wrong_input() -> None:
    found = of(proved(1, 100), proved(2, 50))
    assert found.truth.is_exact
    assert found.judged[2] == Judged(0.5, "exact")


def test_a_model_that_is_always_wrong_has_no_tightness() -> None:
    assert of(proved(1, 0, 100)).judged[1] == Judged(None, None)


def test_a_published_bound_is_never_the_best() -> None:
    assert of(published(1, 90)).best_bound is None


TOTAL = 64**20
COUNTS = st.one_of(st.integers(0, 10), st.integers(0, TOTAL), st.integers(TOTAL - 10, TOTAL))
RESULTS = st.lists(st.tuples(st.booleans(), COUNTS, COUNTS, st.sampled_from(["", "refused", "confirmed"])), max_size=6)


@given(RESULTS)
def test_what_counts_is_free_of_contradictions_and_no_float_rounds_up(
    parts: Sequence[tuple[bool, int, int, str]],
) -> None:
    results = [
        Result(number, strict, right, min(wrong, TOTAL - right), said == "refused", said == "confirmed")
        for number, (strict, right, wrong, said) in enumerate(parts)
    ]
    found = standing(TOTAL, results)
    assert 0 <= found.truth.lower <= found.truth.upper <= TOTAL
    if found.best_bound is not None:
        assert int(found.best_bound * 2**52) * TOTAL <= found.truth.lower * 2**52
    for one in results:
        judged = found.judged[one.id]
        if judged.doubt is None:
            assert one.correct <= found.truth.upper
            assert not one.refused
        rivals = (rival for rival in results if rival.proved and one.proved and not (one.refused or rival.refused))
        if any(one.correct + rival.wrong > TOTAL or rival.correct + one.wrong > TOTAL for rival in rivals):
            assert judged.doubt is CONTRADICTED
