"""The strict sub-cubic proofs: every bound lies above the truth, whatever gaps and directions they are handed."""

from collections.abc import Callable, Collection
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs.bound import Bound
from proofs.errors import CheckRefused, NotApplicable
from proofs.model import Array, Model
from proofs.prove import task_of
from proofs.subcubic import counting, directions, strict
from proofs.subcubic.directions import Directions
from proofs.subcubic.options import ALL, BY_CODE, Attention, Options
from proofs.subcubic.pieces import StrictPieces
from proofs.tally import Tally
from tests.proofs.mutants import mutant
from tests.proofs.oracle import _margins as each_margin
from tests.proofs.problems import HAND_MADE, copies_its_largest_token, from_tables, knows_nothing, models
from tests.proofs.references import FIXTURE_A, FIXTURE_B, trained, written_out
from tests.proofs.rounding import hides_its_answer_below_the_last_bit
from tests.proofs.soundness import assert_sound

PIPELINES = [options for options in ALL if options.attention is Attention.A1]
"""Strict, the attention option makes no difference."""


def random_certificate(model: Model, seed: int) -> tuple[Array, Directions]:
    """Any gaps of at least 1, and directions that have nothing to do with the model."""
    random = np.random.default_rng(seed)
    v, n, d = model.d_vocab, model.n_ctx, model.d_model
    gaps = random.integers(1, max(2, v), (v, v, n))
    arbitrary = Directions(*(random.normal(size=size) / np.sqrt(size) for size in (v, v, v, v, d, d, d)))
    return gaps, arbitrary if seed % 2 else directions.find(model)


def assert_dominates(
    model: Model, gaps: Array, found: Directions, wanted: Collection[Options] = tuple(PIPELINES)
) -> None:
    """W is at least the true worst margin of every input that the entry speaks about, and counting adds nothing."""
    task = task_of(model)
    made = StrictPieces.of(model, task, found, wanted)
    margins = list(each_margin(model))
    for options in wanted:
        worst = made.worst_wrong_logits(options, gaps, Tally())
        for tokens, margin, blur in margins:
            q, m = tokens[-1], max(tokens)
            others = [token for token in tokens if token != m]
            entry = (q, m, len(others))
            if max(others, default=-np.inf) <= m - gaps[entry]:
                assert -margin <= worst[entry] + blur, (options.code, tokens)
        assert_sound(Bound.of(task, made.check(options, gaps, Tally())), model)


@given(model=models(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bound_lies_below_the_truth(model: Model, seed: int) -> None:
    with suppress(NotApplicable):
        assert_dominates(model, *random_certificate(model, seed))


@given(model=models())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_searched_gaps_never_claim_more_than_is_true_and_no_smaller_gap_would_do(model: Model) -> None:
    task = task_of(model)
    try:
        made = StrictPieces.of(model, task, directions.find(model), PIPELINES)
    except NotApplicable:
        return
    for options in PIPELINES:
        gaps = made.smallest_gaps(options)
        assert_sound(Bound.of(task, made.check(options, gaps, Tally())), model)
        smaller = np.maximum(gaps - 1, 1)
        worst = made.worst_wrong_logits(options, smaller, Tally())
        assert not (worst[smaller < gaps] < 0).any()


@pytest.mark.parametrize("problem", HAND_MADE)
def test_is_not_fooled(problem: Callable[[], Model]) -> None:
    model = problem()
    gaps = np.ones((model.d_vocab, model.d_vocab, model.n_ctx), np.int64)
    assert_dominates(model, gaps, directions.find(model))


@pytest.mark.parametrize("options", PIPELINES, ids=lambda options: options.code)
def test_a_tie_and_a_lead_below_the_last_bit_prove_nothing(options: Options) -> None:
    for model in (knows_nothing(), hides_its_answer_below_the_last_bit()):
        assert certified(model, options) == 0


def test_a_perfect_model_is_mostly_certified() -> None:
    assert certified(copies_its_largest_token(), BY_CODE["U4-A1-E9"]) == 125


def test_fixture_b_is_not_over_claimed_by_any_strategy() -> None:
    model = written_out(FIXTURE_B)
    assert max(certified(model, options) for options in PIPELINES) <= FIXTURE_B["true_correct"]


def test_the_sound_bounds_of_fixture_a_are_the_specified_ones() -> None:
    model = written_out(FIXTURE_A)
    made = StrictPieces.of(model, task_of(model), directions.find(model), PIPELINES)
    expected = {
        (entry["EUPU"], entry["attention_error"]): (entry["correct"], entry["sum_gaps"])
        for entry in FIXTURE_A["strict_envelope"]
    }
    for options in PIPELINES:
        gaps = made.smallest_gaps(options)
        claimed = Bound.of(task_of(model), made.check(options, gaps, Tally()))
        assert (claimed.correct, gaps.sum()) == expected[options.direct, options.error], options.code


@pytest.mark.parametrize(
    ("code", "bound"),
    [("U1-A1-E3", 0.7321), ("U1-A1-E9", 0.7506), ("U4-A1-E3", 0.8514), ("U4-A1-E10", 0.8682), ("U4-A1-E9", 0.8794)],
)
def test_the_sound_bounds_of_the_check_model_are_the_specified_ones(code: str, bound: float) -> None:
    model = trained("lab-v64-k4-seed123")
    assert certified(model, BY_CODE[code]) / 64**4 == pytest.approx(bound, abs=5e-5)


def test_a_proof_is_charged_for_every_piece_it_uses() -> None:
    model = trained("k3_v10_d8_seed123")
    alone, together = Tally(), Tally()
    gaps = np.ones((10, 10, 3), np.int64)
    options = BY_CODE["U1-A1-E3"]
    StrictPieces.of(model, task_of(model), directions.find(model), [options]).check(options, gaps, alone)
    StrictPieces.of(model, task_of(model), directions.find(model), ALL).check(options, gaps, together)
    assert alone.operations == together.operations > 0


def certified(model: Model, options: Options) -> int:
    made = StrictPieces.of(model, task_of(model), directions.find(model), [options])
    return Bound.of(task_of(model), made.check(options, made.smallest_gaps(options), Tally())).correct


def copier(seed: int) -> Model:
    """Attends to large tokens, more or less, and writes them or their opposite; positions and noise matter."""
    random = np.random.default_rng(seed)
    v, n = 4, 3
    return from_tables(
        np.tile(np.arange(v) * 1.5, (v, 1)) + 0.3 * random.normal(size=(v, v)),
        4 * np.diag(random.choice([-1, 1], v)) + 0.3 * random.normal(size=(v, v)),
        0.3 * random.normal(size=(v, v)),
        position_score=random.normal(size=(v, n)),
        position_ov=0.3 * random.normal(size=(n, v)),
        n_ctx=n,
    )


def assert_dominates_on_copiers() -> None:
    for seed in range(40):
        gaps = np.random.default_rng(seed).integers(1, 3, (4, 4, 3))
        assert_dominates(copier(seed), gaps, directions.find(copier(seed)), wanted=[BY_CODE["U4-A1-E9"]])


@pytest.mark.parametrize(
    ("function", "right", "broken"),
    [
        ("_worst", "max(at_least, at_most)", "at_most"),
        ("_worst", "max(at_least, at_most)", "at_least"),
        ("_worst", "+ inputs.slack[q]", ""),
        ("_right_side", "(1.0 - attention) * spread", "0.0"),
        ("_attention", "scores.greatest[q, m - gap]", "scores.least[q, m - gap]"),
        ("_attention", "positions.least_low[q, copies]", "positions.most_low[q, copies]"),
        ("_envelope", "+ points[m, i] * slope[m, x]", ""),
    ],
    ids=[
        "looks at the greatest attention only",
        "looks at the least attention only",
        "forgets what queries do not share",
        "forgets what other tokens write",
        "takes the least attended token for the most",
        "puts the maxima where attention is greatest",
        "takes attention for zero",
    ],
)
def test_a_broken_bound_would_be_noticed(
    function: str, right: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpret(monkeypatch)
    monkeypatch.setattr(strict, function, mutant(getattr(strict, function), right, broken))
    with pytest.raises(AssertionError):
        assert_dominates_on_copiers()


def test_a_count_of_one_token_too_many_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "count", mutant(counting.count, "+ tokens_at_gap", "+ tokens_at_gap + 1"))
    with pytest.raises((AssertionError, CheckRefused)):
        assert_dominates_on_copiers()


def test_the_same_models_pass_when_nothing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    interpret(monkeypatch)
    assert_dominates_on_copiers()


def interpret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the kernels as plain Python, so that a broken one is what its callers call."""
    for name in ("worst_wrong_logits", "_worst", "_attention", "_right_side", "_envelope", "_kinks"):
        monkeypatch.setattr(strict, name, getattr(strict, name).py_func)
