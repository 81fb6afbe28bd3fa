"""Fits, rank correlations, and which proofs stand for a model."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures.explaining import bound_against_ratio, dimension_against_length, fit, rank_correlation, seeds
from app.published.facts import Best, Summary
from app.published.rows import Row
from app.storage.explanations import Explained
from app.storage.records import FrontPoint
from proofs.strategies import Variant
from proofs.subcubic.options import BY_CODE, Error


def point(strategy: str, tightness: float | None, *, model: str = "a", **more: Any) -> FrontPoint:
    facts: dict[str, Any] = {
        "proof_id": 1, "model_digest": model, "model_name": model, "n_ctx": 4, "d_vocab": 64, "strategy": strategy,
        "family": "sub-cubic", "variant": "as-published", "trust": "float", "correct": 1, "total": 2, "bound": 0.5,
        "tightness": tightness,
    }  # fmt: skip
    if strategy in BY_CODE:
        facts["strategy"] = BY_CODE[strategy].long_name
    return FrontPoint(**{**facts, **more})


def explained(model: str, ratio: float | None) -> Explained:
    return Explained(model, model, 4, 64, None, 10, 0.9, ratio)


def test_a_fit_finds_the_line_that_points_lie_on() -> None:
    found = fit([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])
    assert found is not None
    assert (found.slope, found.intercept, found.r_squared, found.points) == (2.0, 1.0, 1.0, 3)
    assert fit([(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]) is None
    assert fit([(0.0, 1.0), (1.0, 3.0)]) is None


def test_rank_correlation_sees_order_only() -> None:
    assert rank_correlation([(1, 1), (2, 10), (3, 11), (4, 1000)]) == pytest.approx(1.0)
    assert rank_correlation([(1, 4), (2, 3), (3, 2)]) == pytest.approx(-1.0)
    assert rank_correlation([(1, 1), (2, 1), (3, 1)]) is None
    assert rank_correlation([(1, 1), (2, 2)]) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12))
@settings(deadline=None)
def test_rank_correlation_is_symmetric_and_bounded(points: list[tuple[float, float]]) -> None:
    found = rank_correlation(points)
    back = rank_correlation([(y, x) for x, y in points])
    if found is not None:
        assert -1 <= found <= 1
        assert back == pytest.approx(found)


def test_the_ratio_figure_takes_the_best_over_the_other_options_and_leaves_the_exact_one_out() -> None:
    points = [
        point("U1-A1-E2", 0.3), point("U4-A1-E2", 0.6), point("U4-A1-E9", 0.9), point("U4-A2-E2", 0.9, variant="strict"),
        point("U1-A1-E2", 0.4, model="b"), point("U1-A1-E2", None, model="c"),
    ]  # fmt: skip
    known = [explained("a", 100.0), explained("b", 50.0), explained("c", 70.0), explained("d", None)]
    figure, fits = bound_against_ratio(points, known, Variant.AS_PUBLISHED)
    (trace,) = figure["data"]
    assert sorted(zip(trace["x"], trace["y"], strict=True)) == [(50.0, 0.4), (100.0, 0.6)]
    assert fits == {}


def test_the_ratio_figure_fits_a_line_to_three_models() -> None:
    points = [point("U1-A1-E2", 0.1 * k, model=str(k)) for k in (1, 2, 3)]
    _, fits = bound_against_ratio(points, [explained(str(k), 10.0 * k) for k in (1, 2, 3)], Variant.AS_PUBLISHED)
    assert fits[Error.E2].slope == pytest.approx(0.01)


def test_dimensions_are_the_published_ones_and_coinciding_proofs_are_one_mark() -> None:
    points = [
        point("cubic", 0.9),
        point("cubic", 0.9, model="b"),
        point("U4-A1-E9", 0.5),
        point("separable-cubic", 0.9),
    ]
    figure = dimension_against_length(points, {"a": 32, "b": 32}, None)
    found = {trace["name"]: (trace["x"], trace["y"]) for trace in figure["data"]}
    assert found == {"cubic": ([35_087_840.0], [12_800.0]), "sub-cubic": ([2_537_159.0], [8_384.0])}


def test_the_seeds_figure_shows_both_sides_of_a_row() -> None:
    theirs = {Row.CUBIC: [Best(1, Row.CUBIC, 0.9, 0.91), Best(2, Row.CUBIC, 0.8, None)]}
    figure = seeds({Row.CUBIC: [0.5, 0.6]}, theirs, {Row.CUBIC: Summary(0.95, 0.01, 2, "")}, "published")
    marks = {trace["name"]: trace["y"] for trace in figure["data"] if trace["mode"] == "markers"}
    assert marks == {"published cubic": [0.91], "ours cubic": [0.5, 0.6]}
    assert figure["layout"]["xaxis"]["ticktext"] == ["cubic"]
