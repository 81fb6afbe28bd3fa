"""Brute force: exact where enumeration was done by others, and silent where floats cannot tell."""

from typing import Any

import numpy as np
import pytest

from proofs.bound import Bound
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.prove import task_of
from proofs.strategies.brute_force import check
from proofs.tally import Tally
from tests.proofs.references import FIXTURE_A, FIXTURE_B, REFERENCE, trained, written_out

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


def zeros(*, d_vocab: int, n_ctx: int) -> Model:
    shapes = {"W_E": (d_vocab, 2), "W_pos": (n_ctx, 2), "W_U": (2, d_vocab)}
    shapes |= dict.fromkeys(("W_Q", "W_K", "W_V", "W_O"), (2, 2))
    return Model.of({name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()})
