"""The cubic proof: the published counts as published; strict, a theorem that costs almost nothing of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from proofs.bound import Bound
from proofs.errors import CheckRefused
from proofs.model import Model
from proofs.prove import task_of
from proofs.strategies import Check, cubic
from proofs.strategies.cubic import check, check_as_published, worst_wrong_logits
from proofs.tables import Tables
from proofs.tally import Tally
from tests.proofs.mutants import mutant
from tests.proofs.problems import averages_its_tokens, from_tables, misled_by_a_position, writes_at_a_position
from tests.proofs.references import FIXTURE_A, FIXTURE_B, REFERENCE, trained, written_out
from tests.proofs.rounding import hides_its_answer_below_the_last_bit
from tests.proofs.soundness import assert_sound

PUBLISHED = {name: record["cubic"]["correct"] for name, record in REFERENCE.items()}
PUBLISHED["lab-v64-k4-seed123"] = 16_070_424


def bound(run: Check, model: Model) -> Bound:
    task = task_of(model)
    return Bound.of(task, run(model, task, {}, range(task.d_vocab), Tally()))


@pytest.mark.parametrize("name", PUBLISHED)
def test_as_published_gives_the_exact_counts_of_the_reference(name: str) -> None:
    assert bound(check_as_published, trained(name)).correct == PUBLISHED[name]


@pytest.mark.parametrize(("fixture", "correct"), [(FIXTURE_A, 647), (FIXTURE_B, 7)], ids=["A", "B"])
def test_as_published_gives_the_exact_counts_of_the_fixtures(fixture: dict[str, Any], correct: int) -> None:
    assert bound(check_as_published, written_out(fixture)).correct == correct


def test_as_published_computes_the_reference_s_bound_on_each_class() -> None:
    model = written_out(FIXTURE_A)
    worst = dict(worst_wrong_logits(model, task_of(model), range(9), Tally()))
    for key, expected in FIXTURE_A["cubic"]["samples"].items():
        query, maximum, token, others = map(int, key.split(","))
        # the fixture's weights are decimals, ours the nearest float32
        assert worst[query][maximum, token, others] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_strict_rounding_loses_less_than_a_millionth(name: str) -> None:
    model = trained(name)
    strict = bound(check, model).correct
    assert strict <= PUBLISHED[name]
    assert PUBLISHED[name] - strict <= task_of(model).total / 1e6


def test_one_query_can_be_checked_apart_from_the_others() -> None:
    model = trained("k3_v10_d8_seed123")
    task = task_of(model)
    together = list(check(model, task, {}, range(task.d_vocab), Tally()))
    apart = [row for query in range(task.d_vocab) for row in check(model, task, {}, [query], Tally())]
    assert together == apart


def test_the_measured_length_is_below_the_published_one_and_grows_with_the_model() -> None:
    lengths = []
    for name in ("k3_v10_d8_seed123", "k4_v64_d32_seed123", "k5_v64_d32_seed123"):
        tally = Tally()
        model = trained(name)
        list(check(model, task_of(model), {}, range(model.d_vocab), tally))
        lengths.append(tally.operations)
    assert lengths == sorted(lengths)
    assert lengths[1] < 35_087_840


def test_the_worst_class_is_undefined_where_no_input_is_in_it() -> None:
    model = written_out(FIXTURE_A)
    for query, worst in worst_wrong_logits(model, task_of(model), range(9), Tally()):
        defined = np.isfinite(worst)
        maximum, token, others = np.argwhere(defined).T
        assert (maximum >= query).all()
        assert ((token < maximum) == (others > 0)).all()
        assert (others <= np.where(maximum == query, 2, 1)).all()


def test_a_lead_that_floats_cannot_see_is_not_certified() -> None:
    assert bound(check, hides_its_answer_below_the_last_bit()).correct == 0


def test_a_forgotten_margin_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tables, "margin", lambda tables: 0.0)
    assert bound(check, hides_its_answer_below_the_last_bit()).correct > 0


def outvoted_by_its_query() -> Model:
    """One copy of the largest token beats one smaller token, but not that token and an equal query."""
    return from_tables(np.tile(np.arange(5) * 0.5, (5, 1)), 10 * np.eye(5), np.zeros((5, 5)), n_ctx=3)


@pytest.mark.parametrize(
    ("function", "right", "broken", "problem"),
    [
        ("_allowed", "at_least < 0 and at_greatest < 0", "at_greatest < 0", misled_by_a_position),
        ("_counts", "choices[c] ** c", "m ** c", averages_its_tokens),
        ("_allowed", "rise[m, query] * (sums", "0.0 * (sums", outvoted_by_its_query),
        ("_largest_wrong", "lead.max(axis=1)", "np.sort(lead, axis=1)[:, -2]", averages_its_tokens),
    ],
    ids=[
        "puts the maxima where attention is greatest",
        "certifies what it did not test",
        "forgets the query",
        "overlooks the worst wrong answer",
    ],
)
def test_a_broken_lemma_would_be_noticed(
    function: str, right: str, broken: str, problem: Callable[[], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cubic, function, mutant(getattr(cubic, function), right, broken))
    with pytest.raises((AssertionError, CheckRefused)):
        assert_sound(bound(check, problem()), problem())


def test_a_position_at_its_best_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = mutant(vars(cubic.Leads)["of"].__func__, ".max(axis=0)", ".min(axis=0)")
    monkeypatch.setattr(cubic.Leads, "of", classmethod(broken))
    with pytest.raises(AssertionError):
        assert_sound(bound(check, writes_at_a_position()), writes_at_a_position())
