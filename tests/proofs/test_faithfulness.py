"""Resampling tells a model that works as explained from one that does not."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from proofs import faithfulness
from proofs.explain import Findings, explain
from proofs.faithfulness import CONTROLS, EXPLANATIONS, Reads, Source, resampled
from proofs.model import Model
from proofs.prove import task_of
from proofs.sampling import uniform
from proofs.tables import Tables
from proofs.tally import Tally
from tests.proofs.references import trained


def copies_the_largest() -> Model:
    """Attends to larger tokens whatever the query, and says what it attends to: the story, perfectly."""
    v, n, d = 4, 3, 10  # a token is written in dimensions 0 to 3, said in 6 to 9: the direct path says nothing
    W_E = np.zeros((v, d), dtype=np.float32)
    W_E[np.arange(v), np.arange(v)] = 1
    W_E[:, 4] = np.arange(v)
    W_E[:, 5] = 1
    W_Q, W_K, W_V, W_O = (np.zeros((d, d), dtype=np.float32) for _ in range(4))
    W_Q[5, 0], W_K[4, 0] = 60, 1
    W_V[:4, :4] = W_O[:4, 6:] = np.eye(4)
    W_U = np.zeros((d, v), dtype=np.float32)
    W_U[6:] = 10 * np.eye(4)
    W_pos = np.zeros((n, d), dtype=np.float32)
    return Model.of({"W_E": W_E, "W_pos": W_pos, "W_Q": W_Q, "W_K": W_K, "W_V": W_V, "W_O": W_O, "W_U": W_U})


def asks_by_the_query() -> Model:
    """The same, but a query attends to larger tokens only if it is at least 2."""
    good = copies_the_largest()
    W_Q = good.W_Q.copy()
    W_Q[5, 0] = 0
    W_Q[[2, 3], 0] = 60  # attention of a smaller query is uniform
    return Model.of({**good.tensors(), "W_Q": W_Q})


def found(model: Model) -> dict[str, faithfulness.Resampled]:
    return resampled(Tables.of(model, Tally()), task_of(model), EXPLANATIONS + CONTROLS, draws=2000, seed=1)


def test_a_model_that_works_as_explained_loses_nothing() -> None:
    model = copies_the_largest()
    effects = found(model)
    for explanation in EXPLANATIONS:
        assert effects[explanation.name].effect.correct == 2000, explanation.name
        assert effects[explanation.name].agreement.high == 1
    assert effects["no-copying"].effect.accuracy.high < 0.6
    assert effects["no-attention"].effect.accuracy.high < 0.8


def test_a_model_that_asks_by_its_query_is_not_query_blind() -> None:
    blind = found(asks_by_the_query())["query-blind"]
    assert blind.agreement.high < 0.95


def test_redrawn_tokens_stay_below_the_maximum_and_leave_it_alone() -> None:
    task = task_of(copies_the_largest())
    inputs = uniform(task, 500, 4)
    source = Source.drawn(task, inputs, 5)
    maximum = inputs.max(axis=1, keepdims=True)
    for redrawn in (source.smaller, source.smaller_again):
        assert ((redrawn == maximum) == (inputs == maximum)).all()
        assert (redrawn <= maximum).all()
        assert (redrawn >= 0).all()


def test_exchanging_the_direct_path_gives_the_exact_expectation() -> None:
    """Over all pairs of input and source query, by hand; the interval must hold it."""
    model = trained("k3_v10_d8_seed123")
    tables, task = Tables.of(model, Tally()), task_of(model)
    hits = 0
    for tokens in product(range(10), repeat=3):
        scores = tables.score_token.value[tokens[-1], list(tokens)] + tables.score_position.value[tokens[-1]]
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        mixed = weights @ (tables.ov_token.value[list(tokens)] + tables.ov_position.value)
        logits = mixed + tables.direct.value  # [source query, logit]
        right = max(tokens)
        hits += int((np.delete(logits, right, axis=1).max(axis=1) < logits[:, right]).sum())
    effect = found(model)["direct"].effect
    assert task.total == 1000
    assert effect.accuracy.low <= hits / 10_000 <= effect.accuracy.high


def test_the_story_holds_for_a_trained_model_and_its_controls_break_it() -> None:
    effects = found(trained("k4_v64_d32_seed123"))
    assert effects["story"].agreement.low > 0.98
    assert effects["no-attention"].effect.accuracy.high < 0.4
    assert effects["no-copying"].effect.accuracy.high < 0.1


def test_the_tests_would_notice_an_exchange_that_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = tuple(replace(one, exchange=lambda reads, source: reads) for one in EXPLANATIONS + CONTROLS)
    monkeypatch.setattr(faithfulness, "EXPLANATIONS", lazy)
    model = asks_by_the_query()
    effects = resampled(Tables.of(model, Tally()), task_of(model), lazy, draws=2000, seed=1)
    assert effects["query-blind"].agreement.high == 1  # so the test above would fail


def test_nothing_is_exchanged_by_default() -> None:
    tokens = uniform(task_of(copies_the_largest()), 5, 1)
    own = Reads.own(tokens)
    assert (own.value == tokens).all()
    assert (own.direct_query == tokens[:, -1]).all()
    assert (own.value_position == np.arange(3)).all()


def test_findings_survive_being_stored() -> None:
    findings = explain(trained("k3_v10_d8_seed123"), draws=300)
    assert Findings.of_json(findings.as_json()) == findings
    assert explain(trained("k3_v10_d8_seed123"), draws=300) == findings  # deterministic


def test_diagnostics_meet_the_reference() -> None:
    values = explain(trained("lab-v64-k4-seed123"), draws=100).diagnostics.singular_values
    assert values[:3] == pytest.approx((8265.03, 11.2254, 10.1563), rel=1e-4)


def test_a_perfect_copier_has_no_copying_failures() -> None:
    """The published analysis crashes here (audit R-8)."""
    assert explain(copies_the_largest(), draws=100).diagnostics.failures == ()
