"""The overlay shows what was published, where it was published, under its generation's name."""

from typing import Any

import pytest

from app.figures.fronts import Height, bound_against_length, front_of
from app.figures.published import overlay_traces, with_overlay
from app.published.facts import Generation
from app.published.overlay import Overlay, overlay


def laid(generation: Generation = Generation.POST) -> Overlay:
    found = overlay(4, 64, generation)
    assert found is not None
    return found


def named(found: Overlay, start: str, height: Height = Height.BOUND) -> list[dict[str, Any]]:
    traces = overlay_traces(found, height)
    return [trace for trace in traces if trace["name"].startswith(start) and trace["mode"] == "lines"]


def test_a_band_is_mean_plus_and_minus_one_deviation_between_the_rows_lengths() -> None:
    area, mean = named(laid(), "published cubic,")
    assert area["fill"] == "toself"
    assert (min(area["y"]), max(area["y"])) == (
        pytest.approx(0.95307 - 0.00873, abs=1e-4),
        pytest.approx(0.9618, abs=1e-4),
    )
    assert mean["y"] == [pytest.approx(0.953067, abs=1e-5)] * 2
    assert min(area["x"]) < 35_087_840 < max(area["x"])


def test_tightness_shows_normalised_bounds() -> None:
    _, mean = named(laid(), "published sub-cubic,", Height.TIGHTNESS)
    assert mean["y"][0] == pytest.approx(0.6995, abs=1e-4)


def test_single_proofs_are_all_there() -> None:
    marks = [trace for trace in overlay_traces(laid(), Height.BOUND) if trace.get("mode") == "markers"]
    assert sum(len(trace["x"]) for trace in marks) == 4 * 101
    assert 35_181_664.0 in marks[0]["x"]  # as published, slip included


def test_the_baseline_is_linear_and_ends_at_brute_force() -> None:
    (line,) = named(laid(), "published: part of brute force")
    ratios = [y / x for x, y in zip(line["x"], line["y"], strict=True)]
    assert max(ratios) == pytest.approx(min(ratios), rel=1e-3)
    assert line["x"][-1] == pytest.approx(876_123_000_832, rel=1e-3)


def test_the_older_generation_says_so_in_every_name() -> None:
    for trace in overlay_traces(laid(Generation.PRE), Height.BOUND):
        assert trace["name"].startswith("published before the fix")


def test_the_window_holds_the_published_results() -> None:
    empty = bound_against_length(front_of([], cost_model="reference-v1"))
    low, high = with_overlay(empty, laid(), Height.BOUND)["layout"]["yaxis"]["range"]
    assert low < 0.01
    assert high > 0.96
    assert empty["layout"]["yaxis"]["range"] == [-0.08, 1.08]  # the figure given is left as it was
