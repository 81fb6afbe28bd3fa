"""The separable family: figures to meet on the shared models, and mutants that the soundness suite must catch."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proofs import alike, counting, leads, settling, tables
from proofs.checkpoint import read_model
from proofs.errors import CheckRefused, InvalidHints, NotApplicable
from proofs.model import Model
from proofs.prove import prove, task_of
from proofs.strategies import (
    BY_NAME,
    Variant,
    separable_best_of,
    separable_cubic,
    separable_exact,
    separable_joint,
    separable_paired,
    separable_quadratic,
    separable_quartic,
    separable_sorted,
)
from proofs.tally import Tally
from tests.proofs.problems import HAND_MADE, copies_its_largest_token, from_tables
from tests.proofs.soundness import assert_sound, bound

DATA = Path(__file__).parents[1] / "data"


def shared(name: str) -> Model:
    return read_model((DATA / name / "weights.safetensors").read_bytes())


@pytest.mark.parametrize(
    ("model", "strategy", "at_least", "true_correct"),
    [
        # Figures of spec/separable-proofs.md; the true counts are those of the fixtures.
        ("lab-v64-k4-seed123", "separable-quartic", 0.999721, 16_772_604),
        ("lab-v64-k4-seed123", "separable-exact", 16_772_604 / 64**4, 16_772_604),
        ("k4_v64_d32_seed123", "separable-exact", 16_773_070 / 64**4, 16_773_070),
        ("k5_v64_d32_seed123", "separable-exact", 1_073_357_406 / 64**5, 1_073_357_406),
        ("lab-v64-k4-seed123", "separable-joint", 0.9993, 16_772_604),
        ("k4_v64_d32_seed123", "separable-joint", 0.9996, 16_773_070),
        ("k10_v64_d32_seed123", "separable-joint", 0.9983, None),
        ("lab-v64-k4-seed123", "separable-paired", 0.99972, 16_772_604),
        ("k4_v64_d32_seed123", "separable-paired", 0.99975, 16_773_070),
        ("k4_v64_d32_seed123_bad200", "separable-paired", 0.7220, 12_317_840),
        ("k5_v64_d32_seed123", "separable-paired", 0.99961, 1_073_357_406),
        ("k10_v64_d32_seed123", "separable-paired", 0.9987, None),
        ("lab-v64-k4-seed123", "separable-cubic", 0.9909, 16_772_604),
        ("lab-v64-k4-seed123", "separable-quadratic", 0.953, 16_772_604),
        ("k4_v64_d32_seed123", "separable-quartic", 0.99953, 16_773_070),
        ("k4_v64_d32_seed123", "separable-cubic", 0.9901, 16_773_070),
        ("k4_v64_d32_seed123", "separable-sorted", 0.980, 16_773_070),
        ("k4_v64_d32_seed123", "separable-quadratic", 0.945, 16_773_070),
        ("k4_v64_d32_seed123_bad200", "separable-quartic", 0.7213, 12_317_840),
        ("k4_v64_d32_seed123_bad200", "separable-cubic", 0.5948, 12_317_840),
        ("k5_v64_d32_seed123", "separable-quartic", 0.9996, 1_073_357_406),
        ("k5_v64_d32_seed123", "separable-cubic", 0.9956, 1_073_357_406),
        ("k10_v64_d32_seed123", "separable-quartic", 0.99864, None),
        ("k10_v64_d32_seed123", "separable-cubic", 0.99677, None),
    ],
)
def test_meets_the_figures_of_the_specification(
    model: str, strategy: str, at_least: float, true_correct: int | None
) -> None:
    claimed = bound(BY_NAME[strategy], shared(model))
    assert claimed.accuracy >= at_least
    if true_correct is not None:
        assert claimed.correct <= true_correct <= claimed.total - claimed.wrong


def test_long_sequences_are_counted_in_exact_integers() -> None:
    """4^40 inputs: beyond float64, so that a count that is not a whole Python integer would show."""
    v, n_ctx = 4, 40
    score = np.tile(np.arange(v) * 9.0, (v, 1))
    model = from_tables(score, 10 * np.eye(v), np.zeros((v, v)), n_ctx=n_ctx)
    claimed = bound(BY_NAME["separable-cubic"], model)
    assert claimed.total == 4**40
    assert 0.99 * claimed.total < claimed.correct <= claimed.total


@pytest.mark.parametrize("strategy", [name for name in BY_NAME if name.startswith("separable")])
def test_more_inputs_than_floats_can_count_are_refused_with_a_reason(strategy: str) -> None:
    v, n_ctx = 20, 240  # 20^240 > 2^1000
    model = from_tables(np.zeros((v, v)), np.eye(v), np.zeros((v, v)), n_ctx=n_ctx)
    with pytest.raises(NotApplicable, match=r"20\^240 inputs"):
        bound(BY_NAME[strategy], model)


def test_scores_beyond_float64_are_refused_with_a_reason() -> None:
    v = 3
    model = from_tables(1e30 * np.arange(9.0).reshape(3, 3), np.eye(v), np.zeros((v, v)))
    with pytest.raises(NotApplicable, match="attention scores"):
        bound(BY_NAME["separable-cubic"], model)


def test_weights_that_are_lost_beside_the_largest_are_bounded_from_both_sides() -> None:
    """Scores 2,000 apart: exp underflows, and the lost token must be neither forgotten nor trusted."""
    v = 3
    score = np.tile(np.array([0.0, 1000.0, 2000.0]), (v, 1))
    model = from_tables(score, 10 * np.eye(v), np.zeros((v, v)))
    for strategy in ("separable-quartic", "separable-cubic", "separable-sorted", "separable-quadratic"):
        claimed = bound(BY_NAME[strategy], model)
        assert_sound(claimed, model)
        with_the_largest_token = 3**2 - 2**2
        assert claimed.correct >= with_the_largest_token


Mutant = Callable[[pytest.MonkeyPatch], None]


def _replace(module: Any, name: str, wrap: Callable[[Any], Any]) -> Mutant:
    return lambda patch: patch.setattr(module, name, wrap(getattr(module, name)))


def _without_direct_path(kernel: Any) -> Any:
    return lambda lead, gain, *rest: kernel(lead, np.zeros_like(gain), *rest)


def _without_direct_path_of_query(kernel: Any) -> Any:
    return lambda token, position, direct, *rest: kernel(token, position, np.zeros_like(direct), *rest)


def _without_position_of_values(kernel: Any) -> Any:
    return lambda token, position, *rest: kernel(token, np.zeros_like(position), *rest)


def _without_position_of_query(kernel: Any) -> Any:
    def mutant(lead: Any, gain: Any, low: Any, high: Any, query: int, bins: int) -> Any:
        low, high = low.copy(), high.copy()
        low[-1], high[-1] = 0.0, 0.0
        return kernel(lead, gain, low, high, query, bins)

    return mutant


def _first_position_everywhere(found: Any) -> Any:
    def mutant(self: tables.Tables, query: int, tally: Any) -> tables.Weights:
        weights = found(self, query, tally)
        return tables.Weights(
            np.repeat(weights.low[:1], len(weights.low), 0), np.repeat(weights.high[:1], len(weights.low), 0)
        )

    return mutant


def _ov_without_position(found: Any) -> Any:
    return lambda self, tally: np.repeat(self.ov_token.value[None], len(self.ov_position.value), 0)


def _looks_at_second_best(found: Any) -> Any:
    def mutant(logits: Any, tally: Any) -> Any:
        d_vocab = logits.shape[-1]
        return np.partition(logits, max(d_vocab - 2, 0), axis=-1)[..., max(d_vocab - 2, 0), None] - logits

    return mutant


def _fewer_by_one(found: Any) -> Any:
    return lambda count, size: max(0, found(count, size) - 1)


def _more_by_one(found: Any) -> Any:
    return lambda count, size: min(size, found(count, size) + 1)


def _swapped(kernel: Any) -> Any:
    """The smaller weight where the larger is due: only clipped weights and extremes over positions tell."""
    return lambda rise, low, high: kernel(rise, high, low)


def _swapped_inside(kernel: Any) -> Any:
    return lambda worst, gain, low, high, *rest: kernel(worst, gain, high, low, *rest)


def _thinned(found: Any) -> Any:
    def mutant(*arguments: Any) -> Any:
        left = found(*arguments).copy()
        left[:, ::2] = False
        return left

    return mutant


MUTANTS = [
    (
        "separable-cubic",
        "forgets the direct path",
        _replace(separable_cubic, "reaching_with_lead", _without_direct_path),
    ),
    (
        "separable-cubic",
        "forgets the query",
        _replace(separable_cubic, "reaching_with_lead", _without_position_of_query),
    ),
    ("separable-cubic", "second-best wrong answer", _replace(separable_cubic, "leads", _looks_at_second_best)),
    ("separable-cubic", "one sequence too many", _replace(separable_cubic, "as_count_up", _fewer_by_one)),
    ("separable-cubic", "one position for all", _replace(tables.Tables, "weights", _first_position_everywhere)),
    ("separable-cubic", "OV without positions", _replace(tables.Tables, "ov", _ov_without_position)),
    ("separable-joint", "one sequence too many", _replace(separable_joint, "as_count_up", _fewer_by_one)),
    ("separable-joint", "settles every second answer", _replace(settling.Settled, "open_for", _thinned)),
    ("separable-joint", "OV without positions", _replace(tables.Tables, "ov", _ov_without_position)),
    ("separable-paired", "one sequence too many", _replace(separable_paired, "as_count_up", _fewer_by_one)),
    ("separable-paired", "settles every second answer", _replace(settling.Settled, "open_for", _thinned)),
    ("separable-paired", "one position for all", _replace(tables.Tables, "weights", _first_position_everywhere)),
    (
        "separable-paired",
        "forgets the direct path",
        _replace(separable_paired, "wrong_at_most", _without_direct_path_of_query),
    ),
    (
        "separable-paired",
        "OV without positions",
        _replace(separable_paired, "wrong_at_most", _without_position_of_values),
    ),
    ("separable-exact", "one sequence too many", _replace(separable_exact, "as_count_up", _fewer_by_one)),
    ("separable-exact", "refutes one too many", _replace(separable_exact, "as_count_down", _more_by_one)),
    ("separable-exact", "one position for all", _replace(tables.Tables, "weights", _first_position_everywhere)),
    ("separable-exact", "OV without positions", _replace(tables.Tables, "ov", _ov_without_position)),
    (
        "separable-exact",
        "settles without drift",
        _replace(settling, "_drift_over_positions", lambda f: lambda *a: 0 * f(*a)),
    ),
    ("separable-exact", "settles every second answer", _replace(settling.Settled, "open_for", _thinned)),
    (
        "separable-exact",
        "ratios at the smallest position",
        _replace(tables.Tables, "ratio_error", lambda f: lambda *a: 0.05 * f(*a)),
    ),
    ("separable-quartic", "one sequence too many", _replace(separable_quartic, "as_count_up", _fewer_by_one)),
    ("separable-quartic", "refutes one too many", _replace(separable_quartic, "as_count_down", _more_by_one)),
    ("separable-quartic", "one position for all", _replace(tables.Tables, "weights", _first_position_everywhere)),
    ("separable-quartic", "OV without positions", _replace(tables.Tables, "ov", _ov_without_position)),
    ("separable-sorted", "second-best wrong answer", _replace(alike, "leads", _looks_at_second_best)),
    ("separable-sorted", "swapped weights", _replace(alike, "certified_by_sorting", _swapped_inside)),
    ("separable-sorted", "one sequence too many", _replace(separable_sorted, "as_count_down", _more_by_one)),
    ("separable-sorted", "OV without positions", _replace(tables.Tables, "ov", _ov_without_position)),
    ("separable-best-of", "swapped weights", _replace(alike, "certified_by_sorting", _swapped_inside)),
    ("separable-best-of", "one sequence too many", _replace(separable_best_of, "as_count_down", _more_by_one)),
    ("separable-quadratic", "second-best wrong answer", _replace(alike, "leads", _looks_at_second_best)),
    ("separable-quadratic", "swapped weights", _replace(alike, "weighted", _swapped)),
    ("separable-quadratic", "one sequence too many", _replace(separable_quadratic, "as_count_down", _more_by_one)),
    (
        "separable-quadratic",
        "envelope of the smallest",
        _replace(alike.Alike, "envelope", lambda f: lambda self, tally: self.worst.min(axis=1)),
    ),
]


@pytest.mark.parametrize(("strategy", "mutant"), [pytest.param(s, m, id=f"{s}: {name}") for s, name, m in MUTANTS])
def test_the_soundness_suite_would_notice(strategy: str, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, CheckRefused)):
        assert_sound_on_all(strategy)


@pytest.mark.parametrize("strategy", sorted({strategy for strategy, _, _ in MUTANTS}))
def test_and_has_nothing_to_say_against_the_real_strategy(strategy: str) -> None:
    assert_sound_on_all(strategy)


def assert_sound_on_all(strategy: str) -> None:
    for problem in [*HAND_MADE, *SEEDED]:
        model = problem()
        assert_sound(bound(BY_NAME[strategy], model), model)


def _seeded(seed: int) -> Callable[[], Model]:
    """A model of moderate skill with random tables, so that every block is partly right."""

    def problem() -> Model:
        random = np.random.default_rng(seed)
        v, n_ctx = 5, 3
        score = np.arange(v) * random.uniform(0.2, 1.5) + 0.5 * random.normal(size=(v, v))
        ov = 6 * np.eye(v) + 1.5 * random.normal(size=(v, v))
        return from_tables(
            score,
            ov,
            2 * random.normal(size=(v, v)),
            position_score=random.normal(size=(v, n_ctx)),
            position_ov=1.5 * random.normal(size=(n_ctx, v)),
            n_ctx=n_ctx,
        )

    return problem


SEEDED = [_seeded(seed) for seed in range(12)]


def test_the_seeded_models_leave_something_to_prove_and_something_to_refute() -> None:
    for problem in SEEDED:
        claimed = bound(BY_NAME["separable-quartic"], problem())
        assert 0 < claimed.correct < claimed.total


@pytest.mark.parametrize("splits", [1, 2, 4])
@pytest.mark.parametrize("apart_from", [0, 3, 5])
def test_counting_in_pairs_is_sound_whatever_the_hints_name(splits: int, apart_from: int) -> None:
    for problem in [*HAND_MADE, *SEEDED]:
        model = problem()
        for bins in (1, 9, 3000):
            hints = {"bins": bins, "splits": min(splits, model.n_ctx), "apart_from": min(apart_from, model.d_vocab)}
            assert_sound(bound(BY_NAME["separable-paired"], model, hints=hints), model)


def test_pairing_finds_what_counting_jointly_loses() -> None:
    paired, joint = (
        bound(BY_NAME[name], shared("k10_v64_d32_seed123")) for name in ("separable-paired", "separable-joint")
    )
    assert paired.correct > joint.correct


@pytest.mark.parametrize("needs_last", [True, False])
@pytest.mark.parametrize("positions", [1, 2, 3])
@pytest.mark.parametrize("bins", [1, 7, 4096])
def test_counts_bracket_the_true_number_of_tuples(positions: int, bins: int, needs_last: bool) -> None:
    random = np.random.default_rng(positions * 100 + bins)
    for _ in range(30):
        terms = random.integers(-8, 9, (positions, 4)) / 8
        base = random.integers(-8, 9) / 8
        sums = np.asarray(base + sum(np.meshgrid(*terms, indexing="ij")))
        last = np.array([0, 0, 0, 1])
        held = np.asarray(sum(np.meshgrid(*[last] * positions, indexing="ij"))) > 0
        true = int(((sums >= 0) & (held if needs_last else True)).sum())
        most, _ = counting.reaching_at_most(terms, base, needs_last, bins)
        least, _ = counting.reaching_at_least(terms, base, needs_last, bins)
        assert least <= true <= most
        worst = sums[np.asarray(held)].max() if needs_last else np.max(sums)
        assert counting.largest_sum(terms, base, needs_last) == pytest.approx(worst, abs=1e-12)


def test_more_bins_do_not_lose() -> None:
    terms = np.random.default_rng(7).normal(size=(3, 6))
    coarse, _ = counting.reaching_at_most(terms, -1.0, True, 8)
    fine, _ = counting.reaching_at_most(terms, -1.0, True, 100_000)
    assert fine <= coarse


def test_the_lead_is_over_the_other_answers() -> None:
    logits = np.array([[1.0, 5.0, 3.0], [2.0, 2.0, 0.0]])
    expected = [[4.0, -2.0, 2.0], [0.0, 0.0, 2.0]]
    assert leads.leads(logits, Tally()).tolist() == expected


class TestBestOf:
    @pytest.mark.parametrize("extra", [0.0, 0.02, 0.3, 5.0])
    def test_spends_what_it_may_and_gains_with_it(self, extra: float) -> None:
        model = shared("k4_v64_d32_seed123")
        task = task_of(model)
        least = prove(model, BY_NAME["separable-quadratic"], Variant.STRICT)
        most = prove(model, BY_NAME["separable-sorted"], Variant.STRICT)
        budget = round(least.lengths["measured-v1"] * (1 + extra))
        hints = separable_best_of.hints_within(model, task, budget)
        made = prove(model, BY_NAME["separable-best-of"], Variant.STRICT, hints=hints)
        assert least.lengths["measured-v1"] <= made.lengths["measured-v1"] <= budget
        share = (made.bound.correct - least.bound.correct) / (most.bound.correct - least.bound.correct)
        assert {0.0: 0 <= share < 0.01, 0.02: 0.05 < share < 0.1, 0.3: 0.5 < share < 0.7, 5.0: share == 1}[extra]

    @pytest.mark.parametrize(
        "blocks", [None, 7, "", "AA==", "not base64", base64.b64encode(bytes(3)).decode(), "AAAAAA==" * 2]
    )
    def test_refuses_a_choice_that_does_not_fit(self, blocks: object) -> None:
        model = copies_its_largest_token()  # 25 blocks: 4 bytes
        with pytest.raises(InvalidHints, match="blocks must"):
            bound(BY_NAME["separable-best-of"], model, hints={"shells": 4, "blocks": blocks})
