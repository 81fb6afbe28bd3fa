"""The lemmas under the sub-cubic proofs, one by one, each with the mistakes that its test must notice."""

from collections.abc import Callable
from itertools import product
from math import sqrt
from typing import Any

import numpy as np
import pytest

from proofs.enclosure import Array, Enclosed
from proofs.model import Model
from proofs.subcubic import attention, direct, residual, split, strict, values
from proofs.subcubic.directions import Directions
from proofs.subcubic.options import PEELED, Direct, Error
from proofs.tally import Tally
from tests.proofs.mutants import mutant

SEEDS = range(20)


def some_model(random: np.random.Generator, *, biases: bool = True) -> Model:
    v, n, d, h = 5, 4, 3, 2
    shapes = {
        "W_E": (v, d), "W_pos": (n, d), "W_Q": (d, h), "W_K": (d, h), "W_V": (d, h), "W_O": (h, d), "W_U": (d, v),
        "b_Q": (h,), "b_K": (h,), "b_V": (h,), "b_O": (d,), "b_U": (v,),
    }  # fmt: skip
    wanted = {name: shape for name, shape in shapes.items() if biases or name[0] == "W"}
    return Model.of({name: random.normal(size=shape).astype(np.float32) for name, shape in wanted.items()})


def arbitrary(random: np.random.Generator) -> Directions:
    return Directions(*(random.normal(size=size) for size in (5, 5, 5, 5, 3, 3, 3)))


def in_float64(model: Model) -> dict[str, Array]:
    return {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}


def splits_are_identities() -> None:
    """Approximation plus the product of the factors is the score, up to what is the same for all keys, in any directions."""
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        model, hints = some_model(random), arbitrary(random)
        w = in_float64(model)
        queries = (w["W_E"] + w["W_pos"][-1]) @ w["W_Q"] + w["b_Q"]
        scores = queries @ (w["W_E"] @ w["W_K"] + w["b_K"]).T
        embeddings = split.Embeddings.of(model, Tally())
        for made in (
            split.exact(model, embeddings, Tally()),
            split.rank_one(model, embeddings, hints, Tally()),
            split.peeled(model, embeddings, hints, Tally()),
        ):
            whole = made.approximation.value.copy()
            if made.factors:
                whole += np.linalg.multi_dot([factor.value for factor in made.factors])
            difference = whole - scores
            np.testing.assert_allclose(difference - difference[:, :1], 0, atol=1e-9)


def ranges_are_bounded() -> None:
    """Each bound is at least the range of every row of the product, for random and for the worst factors."""
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        for error in Error:
            factors = some_factors(random, error)
            bound = residual.BOUNDS[error](factors, Tally())
            if factors:
                whole = np.linalg.multi_dot([factor.value for factor in factors])
                assert (whole.max(axis=1) - whole.min(axis=1) <= bound).all(), error
        along = Enclosed(np.outer(random.normal(size=5), [1.0, 0.0, 0.0]), 0.0)
        across = Enclosed(np.outer([1.0, 0.0, 0.0], [3.0, -3.0, 0.0, 0.0, 0.0]), 0.0)
        whole = along.value @ across.value
        for error in (Error.E1, Error.E2, Error.E5):
            bound = residual.BOUNDS[error]((along, across), Tally())
            assert (whole.max(axis=1) - whole.min(axis=1) <= bound).all(), error


def some_factors(random: np.random.Generator, error: Error) -> tuple[Enclosed, ...]:
    """With a large mean row, or none: where the mean is taken out, each half of the bound has to carry alone."""
    if error is Error.E9:
        return ()
    shapes = [(5, 3), (3, 3), (3, 3), (3, 5)] if error in PEELED else [(5, 3), (3, 5)]
    large = random.choice([0.0, 20.0])
    return tuple(
        Enclosed(0.1 * random.normal(size=shape) + large * random.normal(size=shape[1]), 0.0) for shape in shapes
    )


def attention_is_bounded() -> None:
    """For every input, the attention to copies of the maximum lies between the two ends of its entry."""
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        model = some_model(random)
        w = in_float64(model)
        embeddings = split.Embeddings.of(model, Tally())
        scale = sqrt(model.d_head)
        made = split.exact(model, embeddings, Tally())
        error = np.full(5, random.choice([0.0, 1.0]))
        # an approximation that is off by as much as the error admits: half of it up, half of it down
        off = Enclosed(
            made.approximation.value + random.choice([-0.5, 0.5], (5, 5)) * error[:, None], made.approximation.radius
        )
        scores = strict.scores(off, error, scale, Tally())
        positions, _ = attention.positions(model, embeddings, scale, Tally())
        queries = (w["W_E"] + w["W_pos"][-1]) @ w["W_Q"] + w["b_Q"]
        for tokens in product(range(5), repeat=4):
            q, m, largest_other = tokens[-1], max(tokens), max((t for t in tokens if t != max(tokens)), default=-1)
            c = sum(token != m for token in tokens)
            if c == 0:
                continue
            keys = (w["W_E"][list(tokens)] + w["W_pos"]) @ w["W_K"] + w["b_K"]
            pattern = np.exp(queries[q] @ keys.T / scale)
            on_maximum = pattern[np.array(tokens) == m].sum() / pattern.sum()
            least, most = strict._attention(scores, positions, q, m, c, m - largest_other)
            assert least - 1e-9 <= on_maximum <= most + 1e-9, tokens


def chords_lie_above() -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        lead, slope = random.normal(size=(6, 6)), 3 * random.normal(size=(6, 6))
        *arrays, _ = strict._envelope(lead, slope)
        envelope = strict.Envelope(*arrays)
        for m, at in product(range(6), np.linspace(0, 1, 41)):
            truth = np.delete(lead[m] + at * slope[m], m).max()
            chord, _ = strict._right_side(envelope, m, at, 0.0)
            assert truth - 1e-9 <= chord <= truth + 1e-9


def direct_path_is_bounded() -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        model = some_model(random, biases=False)
        w = in_float64(model)
        table = (w["W_E"] + w["W_pos"][-1]) @ w["W_U"]
        embedded = split.Embeddings.of(model, Tally()).query
        for option in Direct:
            around = direct.RULES[option](embedded, Enclosed.exact(model.W_U), arbitrary(random).direct, Tally())
            shared, slack = around.shared.value[0], around.slack
            truth = table[:, :, None] - table[:, None, :]  # [query, x, m]
            assert (truth <= shared[:, None] - shared + slack[:, None, None] + 1e-9).all(), option


def positions_and_tokens_are_at_their_worst() -> None:
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        token, position = random.normal(size=(5, 5)), random.normal(size=(3, 5))
        made = values.Values.of(Enclosed(token, 0.0), Enclosed(position, 0.0), Tally())
        for m, x, k in product(range(5), repeat=3):
            assert made.position[m, x] >= (position[:, x] - position[:, m]).max() - 1e-12
            assert made.own[m, x] == token[m, x] - token[m, m]
            assert made.spread[k] >= token[: k + 1, x].max() - token[: k + 1, m].max() - 10 * (x != m)
            assert made.spread[k] >= max(token[t, x] - token[t, m] for t in range(k + 1)) - 1e-12


LEMMAS = [
    splits_are_identities,
    ranges_are_bounded,
    attention_is_bounded,
    chords_lie_above,
    direct_path_is_bounded,
    positions_and_tokens_are_at_their_worst,
]


@pytest.mark.parametrize("lemma", LEMMAS)
def test_holds(lemma: Callable[[], None]) -> None:
    lemma()


@pytest.mark.parametrize(
    ("lemma", "module", "function", "right", "broken"),
    [
        (splits_are_identities, split, "rank_one", "left_rest.times(along_key.transposed(), tally)",
         "_column(0 * directions.query)"),
        (splits_are_identities, split, "peeled", "from_key(query_rest_2, k2)", "from_key(query_rest, k2)"),
        (splits_are_identities, split, "peeled", "if model.b_Q.any()", "if False"),
        (splits_are_identities, split, "peel", "-projection.value", "-0.99 * projection.value"),
        (ranges_are_bounded, residual, "pair", "np.abs(left.value)", "left.value"),
        (ranges_are_bounded, residual, "mean_pair", "ranges(_chain((mean, *rest), tally), tally) + ", ""),
        (ranges_are_bounded, residual, "mean_pair", " + pair(centred, right, tally)", ""),
        (ranges_are_bounded, residual, "spectral", "upward(sqrt(2) * ", "upward("),
        (ranges_are_bounded, residual, "spectral", "exponent = 2 * (exponent + shift)", "exponent = 2 * exponent + shift"),
        (ranges_are_bounded, residual, "ranges", "matrix.value.min(axis=1)", "0"),
        (ranges_are_bounded, residual, "_bracketings", "second.times(right, tally)", "right"),
        (attention_is_bounded, strict, "_attention", "scores.greatest[q, m - gap] - scores.error[q]",
         "scores.greatest[q, m - gap]"),
        (attention_is_bounded, strict, "_attention", "scores.greatest[q, m - gap]", "scores.greatest[q, 0]"),
        (attention_is_bounded, strict, "_attention", "\n        most += positions.own_high[q]", ""),
        (attention_is_bounded, strict, "_attention", "others_most += positions.own_high[q]", "pass"),
        (attention_is_bounded, strict, "_attention", "positions.least_low[q, copies]", "positions.most_low[q, copies]"),
        (attention_is_bounded, strict, "_attention", "positions.least_low[q, n - 1 - copies]",
         "positions.most_high[q, n - 1 - copies]"),
        (chords_lie_above, strict, "_envelope", "+ points[m, i] * slope[m, x]", ""),
        (chords_lie_above, strict, "_envelope", "if x != m:", "if True:"),
        (direct_path_is_bounded, direct, "_around", "pair(away", "pair(centre"),
        (direct_path_is_bounded, direct, "global_max_diff_exact", "table.value.reshape(1, -1)", "table.value[:1]"),
        (positions_and_tokens_are_at_their_worst, values.Values, "of", "np.max(at[", "np.min(at["),
        (positions_and_tokens_are_at_their_worst, values.Values, "of", "np.maximum.accumulate(", "("),
    ],
)  # fmt: skip
def test_a_broken_lemma_is_noticed(
    lemma: Callable[[], None], module: Any, function: str, right: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_attention", "_right_side", "_envelope", "_kinks"):
        monkeypatch.setattr(strict, name, getattr(strict, name).py_func)
    original = getattr(module, function)
    replacement = mutant(getattr(original, "__func__", original), right, broken)
    monkeypatch.setattr(module, function, classmethod(replacement) if isinstance(module, type) else replacement)
    tables: list[Any] = [residual.BOUNDS, direct.RULES]
    for table in tables:
        for key, entry in list(table.items()):
            if entry is original:
                monkeypatch.setitem(table, key, replacement)
    with pytest.raises((AssertionError, ValueError, IndexError)):
        lemma()
