"""Brute force: exact where enumeration was done by others, and silent where floats cannot tell."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from proofs.bound import Bound
from proofs.errors import CheckRefused, NotApplicable
from proofs.model import Model
from proofs.prove import task_of
from proofs.strategies import brute_force
from proofs.strategies.brute_force import check
from proofs.tables import Tables
from proofs.tally import Tally
from tests.proofs.mutants import mutant
from tests.proofs.oracle import _margins as each_margin
from tests.proofs.problems import averages_its_tokens, misled_by_its_query, models, pairs_gang_up
from tests.proofs.references import FIXTURE_A, FIXTURE_B, REFERENCE, trained, written_out
from tests.proofs.rounding import hides_its_answer_below_the_last_bit
from tests.proofs.soundness import assert_sound

EXACT = {
    name: record["exact"] for name, record in REFERENCE.items() if record["exact"] is not None and record["n_ctx"] <= 4
}
EXACT["lab-v64-k4-seed123"] = 16_772_604


def bound(model: Model) -> Bound:
    task = task_of(model)
    return Bound.of(task, check(model, task, {}, range(task.d_vocab), Tally()))


@pytest.mark.parametrize("name", EXACT)
def test_gives_the_exact_accuracy_of_the_trained_models(name: str) -> None:
    found = bound(trained(name))
    assert found.correct == EXACT[name]
    assert found.is_exact


@pytest.mark.parametrize("fixture", [FIXTURE_A, FIXTURE_B], ids=["A", "B"])
def test_gives_the_exact_accuracy_of_the_fixtures(fixture: dict[str, Any]) -> None:
    assert bound(written_out(fixture)).correct == fixture["true_correct"]


def test_an_exact_tie_is_neither_certified_nor_called_wrong() -> None:
    knows_nothing = bound(zeros(d_vocab=3, n_ctx=2))
    assert (knows_nothing.correct, knows_nothing.wrong) == (0, 0)


def test_a_single_possible_answer_is_always_right() -> None:
    assert bound(zeros(d_vocab=1, n_ctx=3)).correct == 1


def test_too_many_inputs_are_refused_with_the_way_out() -> None:
    model = zeros(d_vocab=2, n_ctx=37)
    with pytest.raises(NotApplicable, match="separable"):
        next(check(model, task_of(model), {}, range(2), Tally()))


def test_one_query_can_be_checked_apart_from_the_others() -> None:
    model = trained("k3_v10_d8_seed123")
    task = task_of(model)
    together = list(check(model, task, {}, range(task.d_vocab), Tally()))
    apart = [row for query in range(task.d_vocab) for row in check(model, task, {}, [query], Tally())]
    assert together == apart


def test_every_input_is_charged_at_least_an_addition_and_a_comparison_per_answer() -> None:
    model = trained("k3_v10_d8_seed123")
    tally = Tally()
    list(check(model, task_of(model), {}, range(10), tally))
    assert tally.operations > 10**3 * (10 + 9)


@given(model=models())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_decides_every_input_but_near_ties(model: Model) -> None:
    try:
        claimed = bound(model)
    except NotApplicable:
        return
    assert_sound(claimed, model)
    tables = Tables.of(model, Tally())
    assume(all((tables.weights(query, Tally()).low > 0).all() for query in range(model.d_vocab)))
    margins = [(margin, 10 * blur + 1e-12) for _, margin, blur in each_margin(model)]
    assert claimed.correct >= sum(margin > blur for margin, blur in margins)
    assert claimed.wrong >= sum(margin < -blur for margin, blur in margins)


def test_a_lead_that_floats_cannot_see_is_not_certified() -> None:
    claimed = bound(hides_its_answer_below_the_last_bit())
    assert (claimed.correct, claimed.wrong) == (0, 0)


@pytest.mark.parametrize(
    ("function", "right", "broken", "problem"),
    [
        ("_decide_last", "range(unchanged, choices)", "range(choices, choices)", averages_its_tokens),
        ("_decide_all", "max(maxima[k], tokens[k])", "maxima[k]", pairs_gang_up),
        ("_decide_all", "partial[k, x] + terms", "terms", pairs_gang_up),
    ],
    ids=["believes a new maximum", "overlooks the first tokens", "forgets the query"],
)
def test_a_broken_enumeration_would_be_noticed(
    function: str, right: str, broken: str, problem: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kernel in ("_decide_all", "_decide_last"):
        monkeypatch.setattr(brute_force, kernel, getattr(brute_force, kernel).py_func)
    replacement = mutant(getattr(brute_force, function), right, broken)
    monkeypatch.setattr(brute_force, function, replacement)
    with pytest.raises((AssertionError, CheckRefused)):
        assert_sound(bound(problem()), problem())


def test_a_forgotten_direct_path_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = mutant(vars(brute_force._Terms)["of"].__func__, "ov + tables.direct.value[query]", "ov")
    monkeypatch.setattr(brute_force._Terms, "of", classmethod(broken))
    with pytest.raises(AssertionError):
        assert_sound(bound(misled_by_its_query()), misled_by_its_query())


def test_a_forgotten_margin_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tables, "margin", lambda tables: 0.0)
    assert bound(hides_its_answer_below_the_last_bit()).correct > 0


def zeros(*, d_vocab: int, n_ctx: int) -> Model:
    shapes = {"W_E": (d_vocab, 2), "W_pos": (n_ctx, 2), "W_U": (2, d_vocab)}
    shapes |= dict.fromkeys(("W_Q", "W_K", "W_V", "W_O"), (2, 2))
    return Model.of({name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()})
