"""Every input that is listed as wrong is wrong, by the oracle's forward pass."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from proofs.checkpoint import read_model
from proofs.counterexamples import worst_inputs
from proofs.errors import NotApplicable
from proofs.model import Model
from tests.proofs.oracle import margin_of
from tests.proofs.problems import copies_its_largest_token, knows_nothing, models

DATA = Path(__file__).parents[1] / "data"


@given(model=models())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_counterexample_is_answered_wrongly(model: Model) -> None:
    try:
        found = worst_inputs(model, most=10)
    except NotApplicable:
        return
    for example in found:
        assert max(example.tokens) == example.right
        assert margin_of(model, example.tokens) <= 0


def test_the_worst_input_of_a_shared_model_is_the_known_one() -> None:
    model = read_model((DATA / "k4_v64_d32_seed123" / "weights.safetensors").read_bytes())
    worst = worst_inputs(model, most=1)[0]
    assert worst.tokens == (0, 0, 0, 0)
    assert worst.by == pytest.approx(9.63855635, abs=1e-6)  # min_margin of the fixture's brute force


def test_a_perfect_model_has_none() -> None:
    assert worst_inputs(copies_its_largest_token()) == []


def test_a_tie_is_a_wrong_answer_but_cannot_be_told_from_rounding() -> None:
    assert worst_inputs(knows_nothing()) == []
