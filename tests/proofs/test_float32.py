"""The second statement: what is proved as executed holds in every float32 program, whatever its order of summation."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from proofs import float32
from proofs.certificate import certificate_of, read
from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.float32 import Float32Error
from proofs.model import Model
from proofs.prove import prove, task_of
from proofs.recheck import recheck
from proofs.strategies import BY_NAME, CATALOGUE, SUBCUBIC, Strategy, Variant
from proofs.tally import Tally
from tests.proofs.executions import answers, execute
from tests.proofs.problems import HAND_MADE, copies_its_largest_token, from_tables, models
from tests.proofs.soundness import assert_sound, bound

EXECUTED = (*CATALOGUE, SUBCUBIC[0], SUBCUBIC[-1])
DATA = Path(__file__).parent.parent / "data"


@given(model=models())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_execution_strays_further_than_the_theorem_allows(model: Model) -> None:
    for strays, allowed in _deviations(model, execute_in=np.float32):
        assert strays <= allowed


def test_products_of_lower_precision_would_be_noticed() -> None:
    assert any(strays > allowed for strays, allowed in _deviations(_trained(), execute_in=np.float16))


@pytest.mark.parametrize("strategy", [pytest.param(one, id=one.code or one.name) for one in EXECUTED])
@given(model=models())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_claims_no_more_than_any_execution_gets_right(strategy: Strategy, model: Model) -> None:
    try:
        claimed = bound(strategy, model, variant=Variant.AS_EXECUTED)
    except NotApplicable:
        return
    assert_sound(claimed, model)
    random = np.random.default_rng(0)
    right: Counter[tuple[int, int]] = Counter()
    for tokens in product(range(model.d_vocab), repeat=model.n_ctx):
        right[tokens[-1], max(tokens)] += answers(model, tokens, random)
    for row in claimed.blocks:
        for maximum in range(row.query, model.d_vocab):
            block = row.query, maximum
            assert row.certified[maximum] <= right[block]
            if row.wrong is not None:
                assert row.wrong[maximum] <= task_of(model).block_size(*block) - right[block]


@pytest.mark.parametrize("strategy", [BY_NAME["brute-force"], BY_NAME["separable-exact"]], ids=lambda one: one.name)
@pytest.mark.parametrize("problem", HAND_MADE)
def test_exact_strategies_claim_no_more_than_in_real_arithmetic(
    strategy: Strategy, problem: Callable[[], Model]
) -> None:
    strict, executed = (bound(strategy, problem(), variant=v) for v in (Variant.STRICT, Variant.AS_EXECUTED))
    assert executed.correct <= strict.correct
    assert executed.wrong <= strict.wrong


@pytest.mark.parametrize("strategy", [BY_NAME["brute-force"], BY_NAME["separable-exact"]], ids=lambda one: one.name)
def test_a_lead_below_float32_is_seen_in_real_arithmetic_only(strategy: Strategy) -> None:
    """The query leads by 2^-30 beside a logit of 8, where float32 resolves 2^-20: a tie in every program."""
    model = from_tables(np.zeros((2, 2)), np.full((2, 2), 8.0), 2.0**-30 * np.eye(2))
    assert bound(strategy, model).correct == 3  # all but (1, 0)
    assert bound(strategy, model, variant=Variant.AS_EXECUTED).correct == 0
    assert not any(answers(model, tokens, np.random.default_rng(0)) for tokens in product(range(2), repeat=2))


def test_costs_less_than_a_millionth_of_the_accuracy_of_the_trained_model() -> None:
    model = _trained()
    strict, executed = (prove(model, BY_NAME["separable-exact"], v) for v in (Variant.STRICT, Variant.AS_EXECUTED))
    assert 0 < strict.bound.correct - executed.bound.correct < strict.bound.total * 1e-6
    assert executed.lengths["measured-v1"] > strict.lengths["measured-v1"]


def test_brute_force_agrees_with_branch_and_bound() -> None:
    model = read_model((DATA / "k3_v10_d8_seed123" / "weights.safetensors").read_bytes())
    brute, branches = (
        prove(model, BY_NAME[one], Variant.AS_EXECUTED).bound for one in ("brute-force", "separable-exact")
    )
    assert (brute.correct, brute.wrong) == (branches.correct, branches.wrong)


def test_a_model_out_of_floats_reach_is_refused_with_what_to_do() -> None:
    model = copies_its_largest_token()
    huge = Model.of(model.tensors() | {"W_U": model.W_U * np.float32(1e6)})
    with pytest.raises(NotApplicable, match="Use the variant strict"):
        Float32Error.of(huge, Tally())
    sharp = Model.of(model.tensors() | {"W_Q": model.W_Q + np.float32(6e4), "W_K": model.W_K + np.float32(6e4)})
    with pytest.raises(NotApplicable, match="Use the variant strict"):
        Float32Error.of(sharp, Tally())


def test_the_certificate_names_its_statement_and_is_checked_again() -> None:
    model = copies_its_largest_token()
    for strategy in EXECUTED:
        data = certificate_of(prove(model, strategy, Variant.AS_EXECUTED))
        assert b'"statement":"float32-v1"' in data
        assert b'"variant":"strict"' in data
        certificate = read(data)
        assert certificate.variant is Variant.AS_EXECUTED
        recheck(certificate, model)


def _deviations(model: Model, execute_in: type) -> Iterator[tuple[float, float]]:
    """How far some executions stray, and how far they may: logits given their own attention, and attention itself."""
    try:
        allowed = Float32Error.of(model, Tally())
    except NotApplicable:
        return
    random = np.random.default_rng(1)
    w = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    rounded = Model.of({name: tensor.astype(execute_in).astype(np.float32) for name, tensor in model.tensors().items()})
    for tokens in random.integers(0, model.d_vocab, (6, model.n_ctx)):
        pattern, logits = execute(rounded, tuple(tokens), random)
        x = w["W_E"][tokens] + w["W_pos"]
        scores = (x @ w["W_K"] + w["b_K"]) @ (x[-1] @ w["W_Q"] + w["b_Q"]) / np.sqrt(model.d_head)
        share = pattern.astype(np.float64) / pattern.sum(dtype=np.float64)
        z = share @ (x @ w["W_V"] + w["b_V"])
        meant = (x[-1] + z @ w["W_O"] + w["b_O"]) @ w["W_U"] + w["b_U"]
        yield float(np.abs(logits - meant).max()), allowed.logits
        seen = share > 1e-30
        drift = np.log(share[seen]) - scores[seen]
        yield float(np.ptp(drift)), 2 * float(allowed.scores[tokens[-1], tokens].max())


def _trained() -> Model:
    return read_model((DATA / "k4_v64_d32_seed123" / "weights.safetensors").read_bytes())


def test_every_part_of_the_allowance_is_positive() -> None:
    allowed = Float32Error.of(_trained(), Tally())
    assert allowed.logits > float32.TINY
    assert allowed.scores.min() > 12 * float32.UNIT
