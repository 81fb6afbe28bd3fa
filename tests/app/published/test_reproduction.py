"""Ours beside theirs: only like with like."""

from typing import Any

import pytest

from app.published.facts import Generation
from app.published.reproduction import Line, compare
from app.published.rows import Row
from app.storage.records import FrontPoint
from app.storage.reference_results import StoredResult
from proofs.strategies import Variant
from proofs.subcubic.options import BY_CODE


def point(strategy: str, bound: float, *, model: str = "a", variant: str = "as-published", **more: Any) -> FrontPoint:
    name = BY_CODE[strategy].long_name if strategy in BY_CODE else strategy
    return FrontPoint(
        proof_id=1, model_digest=model, model_name=model, n_ctx=4, d_vocab=64, strategy=name, family="", variant=variant,
        trust="float", correct=int(bound * 64**4), total=64**4, bound=bound, tightness=bound / 0.999, **more,
    )  # fmt: skip


def line_of(row: Row, *points: FrontPoint, imported: tuple[StoredResult, ...] = ()) -> Line:
    return next(one for one in compare(points, imported, n_ctx=4, d_vocab=64) if one.row is row)


def test_the_best_of_each_model_counts_once() -> None:
    line = line_of(
        Row.SUBCUBIC, point("U4-A1-E9", 0.6), point("U4-A2-E10", 0.7), point("U5-A1-E9", 0.5, model="b"),
        point("U1-A1-E1", 0.9),
    )  # fmt: skip
    found = line.ours[Variant.AS_PUBLISHED].bound
    assert found is not None
    assert found.mean == pytest.approx(0.6)
    assert found.seeds == 2
    assert line.distance == pytest.approx((0.6 - 0.698941) / 0.035597, abs=0.01)


def test_variants_stay_apart() -> None:
    line = line_of(Row.CUBIC, point("cubic", 0.9, variant="strict"))
    assert line.ours[Variant.AS_PUBLISHED].bound is None
    assert line.distance is None
    strict = line.ours[Variant.STRICT].bound
    assert strict is not None
    assert strict.mean == 0.9


def test_brute_force_serves_both_variants() -> None:
    line = line_of(Row.BRUTE_FORCE, point("brute-force", 0.999, variant="strict"))
    assert line.ours[Variant.AS_PUBLISHED] == line.ours[Variant.STRICT]


def test_lengths_agree_but_for_the_two_known_slips() -> None:
    lines = compare([], [], n_ctx=4, d_vocab=64)
    assert [line.row for line in lines if not line.same_lengths] == [Row.BRUTE_FORCE, Row.CUBIC]
    assert all(line.same_lengths for line in compare([], [], n_ctx=5, d_vocab=64) if line.row is not Row.BRUTE_FORCE)


def test_generations_are_chosen_not_mixed() -> None:
    post, pre = (
        next(one for one in compare([], [], n_ctx=4, d_vocab=64, generation=generation) if one.row is Row.SUBCUBIC)
        for generation in Generation
    )
    assert post.published.bound is not None
    assert pre.published.bound is not None
    assert pre.published.bound.mean - post.published.bound.mean == pytest.approx(0.1213, abs=1e-3)


def test_imported_results_stand_by_their_name() -> None:
    rows = tuple(
        StoredResult("theirs", 4, 64, seed, "cubic", 60, 100, bound, bound, None, False)
        for seed, bound in ((1, 0.6), (2, 0.8))
    )
    line = line_of(Row.CUBIC, imported=rows)
    found = line.imported["theirs"].bound
    assert found is not None
    assert (round(found.mean, 6), found.seeds) == (0.7, 2)
