"""What every strategy must satisfy. A new strategy is tested by adding it to the catalogue."""

import base64
from collections.abc import Callable

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import HealthCheck, given, settings

from proofs.errors import InvalidHints, NotApplicable
from proofs.model import Model
from proofs.prove import prove, task_of
from proofs.strategies import CATALOGUE, Strategy, Variant
from tests.proofs.problems import HAND_MADE, copies_its_largest_token, knows_nothing, models
from tests.proofs.soundness import assert_sound, bound


def _params(*families: str) -> list[ParameterSet]:
    return [
        pytest.param(strategy, id=strategy.name)
        for strategy in CATALOGUE
        if Variant.STRICT in strategy.variants and (not families or strategy.family in families)
    ]


STRICT = _params()
SEPARABLE = _params("separable")


@pytest.mark.parametrize("strategy", STRICT)
@given(model=models())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_never_claims_more_than_is_true(strategy: Strategy, model: Model) -> None:
    try:
        claimed = bound(strategy, model)
    except NotApplicable:
        return
    assert_sound(claimed, model)


@pytest.mark.parametrize("strategy", STRICT)
@pytest.mark.parametrize("problem", HAND_MADE)
def test_is_not_fooled(strategy: Strategy, problem: Callable[[], Model]) -> None:
    model = problem()
    try:
        assert_sound(bound(strategy, model), model)
    except NotApplicable:
        assert strategy.family in ("sub-cubic", "published")


@pytest.mark.parametrize("strategy", STRICT)
def test_a_tie_proves_nothing(strategy: Strategy) -> None:
    """Every logit is exactly zero, so a single rounding the wrong way shows here."""
    assert bound(strategy, knows_nothing()).correct == 0


@pytest.mark.parametrize("strategy", _params("brute force", "separable"))
def test_proves_everything_about_a_perfect_model(strategy: Strategy) -> None:
    claimed = bound(strategy, copies_its_largest_token())
    assert claimed.correct == claimed.total


@pytest.mark.parametrize("strategy", STRICT)
def test_spends_operations_and_speaks_once_about_each_query(strategy: Strategy) -> None:
    try:
        claim = prove(copies_its_largest_token(), strategy, Variant.STRICT)
    except NotApplicable:
        return
    assert claim.lengths["measured-v1"] > 0
    assert [row.query for row in claim.bound.blocks] == list(range(claim.task.d_vocab))


@pytest.mark.parametrize("strategy", SEPARABLE)
@pytest.mark.parametrize(
    "hostile", [{}, {"bins": 0, "shells": -1}, {"bins": 2**40, "shells": 2**40}, {"bins": "7", "shells": 1.5}]
)
def test_unusable_hints_are_refused(strategy: Strategy, hostile: dict[str, object]) -> None:
    model = copies_its_largest_token()
    if not strategy.search()(model, task_of(model)):
        assert_sound(bound(strategy, model, hints=hostile), model)  # takes no hints, so hostile ones change nothing
        return
    with pytest.raises(InvalidHints, match="whole number"):
        bound(strategy, copies_its_largest_token(), hints=hostile)


@pytest.mark.parametrize("strategy", SEPARABLE)
@given(model=models())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_stays_sound_with_the_coarsest_hints(strategy: Strategy, model: Model) -> None:
    blocks = base64.b64encode(bytes([0xA5]) * -(-(model.d_vocab**2) // 8)).decode()
    hints = {"bins": 1, "shells": 0, "blocks": blocks, "unused": object()}
    assert_sound(bound(strategy, model, hints=hints), model)
