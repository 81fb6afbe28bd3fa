"""A front's drawing says what the proofs say: compared as data, never as pixels."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from app.figures import fronts, palette
from app.figures.fronts import Height, Kind, bound_against_length, front_among, front_of
from app.storage.cloud import Cloud
from app.storage.records import FrontPoint
from proofs.strategies import CATALOGUE


def point(number: int, length: int, correct: int, **change: object) -> FrontPoint:
    made = FrontPoint(
        proof_id=number, model_digest="0" * 64, model_name="a model", n_ctx=2, d_vocab=10, strategy="cubic",
        family="cubic", variant="strict", trust="proved", correct=correct, total=100, bound=correct / 100,
        tightness=correct / 100, lengths={"measured-v1": length}, seconds=0.5,
    )  # fmt: skip
    return replace(made, **change)  # type: ignore[arg-type]


def ids(front: fronts.Front) -> dict[str, list[int]]:
    return {kind.variant: [one.proof_id for one in steps] for kind, steps in front.steps.items()}


def traces(points: list[FrontPoint], mode: str) -> list[dict[str, Any]]:
    figure = bound_against_length(front_of(points, cost_model="measured-v1"))
    return [trace for trace in figure["data"] if trace.get("mode") == mode]


def test_proofs_of_different_variants_are_never_on_one_front() -> None:
    published = point(2, 5, 99, variant="as-published", trust="float")
    executed = point(3, 20, 49, variant="as-executed")
    points = [published, executed, point(1, 10, 50)]
    found = front_of(points, cost_model="measured-v1")
    assert ids(found) == {"strict": [1], "as-executed": [3], "as-published": [2]}
    assert [kind.variant for kind in found.steps] == ["strict", "as-executed", "as-published"]
    marks = {trace["name"]: trace["marker"]["symbol"] for trace in traces(points, "markers")}
    assert len(set(marks.values())) == len(marks) == 3
    assert len({trace["line"]["dash"] for trace in traces(points, "lines")}) == 3


def test_different_tasks_are_never_on_one_front() -> None:
    found = front_of([point(1, 10, 50), point(2, 5, 99, n_ctx=3)], cost_model="measured-v1")
    assert found.steps.keys() == {Kind("strict", 2, 10), Kind("strict", 3, 10)}
    assert all(len(steps) == 1 for steps in found.steps.values())


def test_what_cannot_be_drawn_is_counted() -> None:
    published_only = point(2, 5, 60, lengths={"reference-v1": 5})
    unknown = point(3, 7, 60, tightness=None)
    points = [point(1, 10, 50), published_only, unknown]
    assert front_of(points, cost_model="measured-v1").left_out == 1
    assert front_of(points, cost_model="measured-v1", height=Height.TIGHTNESS).left_out == 2
    assert ids(front_of(points, cost_model="reference-v1")) == {"strict": [2]}


def test_the_line_is_a_staircase_to_the_right_edge() -> None:
    (line, *_) = traces([point(1, 10, 50), point(2, 100, 80), point(3, 1000, 60)], "lines")
    assert line["x"] == [10.0, 100.0, 100.0, 1000.0]
    assert line["y"] == [0.5, 0.5, 0.8, 0.8]


def test_a_mark_opens_its_proof_and_tells_the_whole_result() -> None:
    (marks,) = traces([point(7, 1234, 50)], "markers")
    assert marks["customdata"] == [7]
    (text,) = marks["hovertext"]
    for part in ("cubic", "strict", "a model", "0.500", "50 of 100", "1.23 k operations", "500 ms", "proved"):
        assert part in text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "<a href='x'>y</a>", "%{y}<extra></extra>"])
def test_a_name_is_text_in_a_hover(name: str) -> None:
    text = fronts.hover(point(1, 10, 50, model_name=name), "measured-v1")
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in text
    (marks,) = traces([point(1, 10, 50, model_name=name)], "markers")
    assert marks["hovertemplate"] == "%{hovertext}<extra></extra>"


def test_filled_marks_are_strict_and_hollow_ones_as_published() -> None:
    found = traces([point(1, 10, 50), point(2, 10, 50, variant="as-published")], "markers")
    assert [trace["marker"]["symbol"] for trace in found] == ["square", "square-open"]


def test_the_baseline_is_linear_and_ends_at_brute_force() -> None:
    brute = point(2, 10_000, 90, strategy="brute-force", family="brute force")
    (baseline, *_) = traces([point(1, 10, 50), brute], "lines")
    assert (baseline["x"][0], baseline["x"][-1]) == (10, 10_000)
    for x, y in zip(baseline["x"], baseline["y"], strict=True):
        assert y == pytest.approx(0.9 * x / 10_000, rel=1e-3)


def test_the_axis_of_lengths_is_logarithmic() -> None:
    figure = bound_against_length(front_of([point(1, 10, 50)], cost_model="measured-v1"))
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert "measured-v1" in figure["layout"]["xaxis"]["title"]["text"]


def test_thousands_of_proofs_are_shaded_and_only_fronts_are_marks() -> None:
    many = [point(n, 1000 + n, n % 90) for n in range(fronts.MOST_MARKERS + 1)]
    figure = bound_against_length(front_of(many, cost_model="measured-v1"))
    (density,) = [trace for trace in figure["data"] if trace["type"] == "heatmap"]
    assert sum(n or 0 for row in density["z"] for n in row) == len(many)
    marks = [number for trace in figure["data"] if trace.get("mode") == "markers" for number in trace["customdata"]]
    steps = front_of(many, cost_model="measured-v1").steps
    assert sorted(marks) == sorted(one.proof_id for kind in steps.values() for one in kind)


@pytest.mark.parametrize("height", Height)
@pytest.mark.parametrize("number", [50, 2 * fronts.MOST_MARKERS])
def test_columns_give_the_same_drawing_as_the_points(height: Height, number: int) -> None:
    chance = Random(number)
    points = [
        point(
            n, chance.randrange(10, 10_000), chance.randrange(100), n_ctx=chance.choice([2, 3]),
            variant=chance.choice(["strict", "as-published"]), strategy=chance.choice(["cubic", "brute-force"]),
            **({"lengths": {}} if n % 7 == 0 else {}), **({"tightness": None} if n % 5 == 0 else {}),
        )
        for n in range(number)
    ]  # fmt: skip
    one_by_one = front_of(points, cost_model="measured-v1", height=height)
    read: list[int] = []

    def points_of(ids: Iterable[int]) -> list[FrontPoint]:
        read.extend(ids)
        return [points[n] for n in sorted(read)]

    from_columns = front_among(columns(points), points_of, cost_model="measured-v1", height=height)
    assert from_columns.steps == one_by_one.steps
    assert from_columns.left_out == one_by_one.left_out > 0
    assert bound_against_length(from_columns) == bound_against_length(one_by_one)
    assert len(read) < fronts.MOST_MARKERS / 10 or number < fronts.MOST_MARKERS


def columns(points: list[FrontPoint]) -> Cloud:
    kinds = sorted({Kind(one.variant, one.n_ctx, one.d_vocab) for one in points})
    return Cloud(
        revision=1,
        kinds=tuple(kinds),
        ids=np.array([one.proof_id for one in points]),
        kind=np.array([kinds.index(Kind(one.variant, one.n_ctx, one.d_vocab)) for one in points]),
        enumerates=np.array([one.strategy == "brute-force" for one in points]),
        bound=np.array([one.bound for one in points]),
        tightness=np.array([one.tightness for one in points], np.float64),
        lengths={"measured-v1": np.array([one.lengths.get("measured-v1") for one in points], np.float64)},
    )


def test_a_length_beyond_any_integer_is_drawn() -> None:
    (marks,) = traces([point(1, 64**40, 50)], "markers")
    assert marks["x"] == [float(64**40)]


def test_every_family_of_the_catalogue_has_its_own_colour_and_shape() -> None:
    families = {strategy.family for strategy in CATALOGUE}
    assert families <= set(palette.FAMILIES)
    assert len(set(palette.FAMILIES.values())) == len(palette.FAMILIES)


def test_no_proofs_make_an_empty_drawing() -> None:
    assert bound_against_length(front_of([], cost_model="measured-v1"))["data"] == []
