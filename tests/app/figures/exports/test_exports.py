"""Files of a figure: well-formed, whole, and safe with any text in them."""

import base64
import re
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.figures import Figure
from app.figures.exports import pgfplots, svg, table, ticks
from app.figures.exports.chart import COLOURS, Axis, chart
from app.figures.fronts import Height, bound_against_length, front_of
from app.figures.published import with_overlay
from app.published.overlay import overlay
from tests.app.figures.test_fronts import point

CSS = Path(__file__).parents[4] / "static" / "site.css"
HOSTILE = """\\input{/etc/passwd} $x$ & # _ ^ ~ % </text><script>alert('x')</script> \r\n"""
XML = "{http://www.w3.org/2000/svg}"


def lines(name: str = "a line", **layout: Any) -> Figure:
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines+markers", "name": name, "x": [1.0, 10.0, None, 1000.0],
                "y": [0.1, 0.30000000000000004, None, 0.9], "line": {"color": "var(--family-2)", "dash": "dot"},
                "marker": {"color": "var(--family-3)", "symbol": "diamond-open"},
            },
            {
                "type": "scatter", "mode": "lines", "fill": "toself", "name": "a band", "opacity": 0.3,
                "x": [1.0, 2.0, 2.0], "y": [0.0, 0.0, 1.0], "line": {"width": 0, "color": "var(--family-4)"},
            },
            {"type": "bar", "name": "bars", "x": [1.0, 2.0], "y": [-0.5, 0.5], "marker": {"color": "var(--bad)"}},
        ],
        "layout": {"xaxis": {"title": {"text": "x"}}, "yaxis": {"title": {"text": "y"}}, **layout},
    }  # fmt: skip


def heat() -> Figure:
    return {
        "data": [
            {
                "type": "heatmap", "name": "a table", "z": [[-1.0, 0.0, 1.0], [0.25, None, -0.123456789012345]], "dx": 2, "dy": 1,
                "zmin": -1, "zmax": 1, "colorscale": [[0, "var(--below)"], [0.5, "var(--zero)"], [1, "var(--above)"]],
            }
        ],
        "layout": {"xaxis": {"title": {"text": "key"}}, "yaxis": {"title": {"text": "query"}, "autorange": "reversed"}},
    }  # fmt: skip


def published() -> Figure:
    found = overlay(4, 64)
    assert found is not None
    return with_overlay(bound_against_length(front_of([], cost_model="reference-v1")), found, Height.BOUND)


@pytest.mark.parametrize("figure", [lines(), heat(), published(), lines(xaxis={"type": "log", "title": {"text": "n"}})])
def test_a_drawing_is_well_formed_and_stands_alone(figure: Figure) -> None:
    text = svg.draw(figure, title="A figure")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{XML}svg"
    assert root.findtext(f"{XML}title") == "A figure"
    assert "var(--" not in text
    assert not re.search(r"(?:href|src)=\"(?!data:image/png)", text)
    assert "nan" not in text
    assert "inf" not in text


def test_a_missing_point_breaks_a_line() -> None:
    drawn = svg.draw(lines(), title="t")
    dotted = next(
        one for one in ElementTree.fromstring(drawn).iter(f"{XML}path") if one.get("stroke-dasharray") == "2 3"
    )
    assert (dotted.get("d") or "").count("M") == 2


def test_cells_are_pixels_in_the_right_place() -> None:
    image = next(ElementTree.fromstring(svg.draw(heat(), title="t")).iter(f"{XML}image"))
    png = base64.b64decode((image.get("href") or "").removeprefix("data:image/png;base64,"))
    data = re.search(rb"IDAT(.*?)....IEND", png, re.DOTALL)
    assert data is not None
    pixels = zlib.decompress(data.group(1))
    first_row = [pixels[1 + 3 * k : 4 + 3 * k].hex() for k in range(3)]
    assert first_row == [COLOURS[name][1:] for name in ("below", "zero", "above")]  # the first row is on top


def test_texts_stay_texts_in_a_drawing() -> None:
    root = ElementTree.fromstring(svg.draw(lines(HOSTILE.strip()), title=HOSTILE))
    assert not list(root.iter(f"{XML}script"))


@given(st.text(max_size=60))
@settings(deadline=None)
def test_no_text_escapes_into_tex(text: str) -> None:
    written = pgfplots.escape(text)
    for known in sorted(pgfplots.ESCAPES.values(), key=len, reverse=True):
        written = written.replace(known, "")
    assert not set(written) & set("\\{}$&#%_^~\n\r")


def test_hostile_names_are_escaped_in_tex() -> None:
    text = pgfplots.write(lines(HOSTILE), title=HOSTILE)
    assert "\\input" not in text.replace("\\textbackslash{}input", "")
    assert r"\textbackslash{}input\{/etc/passwd\}" in text


@pytest.mark.parametrize("figure", [lines(), heat(), published()])
def test_tex_environments_and_braces_close(figure: Figure) -> None:
    text = pgfplots.write(figure, title="t")
    assert re.findall(r"\\begin\{(\w+)\}", text) == ["tikzpicture", "axis"]
    assert re.findall(r"\\end\{(\w+)\}", text) == ["axis", "tikzpicture"]
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert set(re.findall(r"color=(\w+)", text)) <= set(re.findall(r"definecolor\{(\w+)\}", text))


def test_the_table_has_every_point_with_every_digit() -> None:
    rows = list(table.rows(lines()))
    assert table.columns(lines()) == ("series", "x", "y")
    assert {"series": "a line", "x": 10.0, "y": 0.30000000000000004} in rows
    cells = list(table.rows(heat()))
    assert len(cells) == 6
    assert {"series": "a table", "x": 4.0, "y": 1.0, "value": -0.123456789012345} in cells


def test_colours_are_those_of_the_light_theme() -> None:
    known = dict(re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), #", CSS.read_text()))
    assert {name: known.get(name) for name in COLOURS} == dict(COLOURS)


def test_a_trace_that_has_no_export_is_an_error_not_a_gap() -> None:
    with pytest.raises(ValueError, match="pie"):
        chart({"data": [{"type": "pie"}], "layout": {}})


def axis(*, is_log: bool = False) -> Axis:
    return Axis("", is_log, None, {}, False)


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
@settings(deadline=None)
def test_ticks_are_inside_and_in_order(low: float, share: float) -> None:
    width = share * max(abs(low), 1e-3)
    high = low + width
    places = [place for place, _ in ticks.ticks(axis(), low, high)]
    assert places == sorted(set(places))
    assert 2 <= len(places) <= 13
    assert all(low - 1e-6 * width <= place <= high + 1e-6 * width for place in places)


@given(st.floats(1e-12, 1e40), st.floats(1.5, 1e30))
@settings(deadline=None)
def test_ticks_of_a_log_axis_are_round(low: float, factor: float) -> None:
    found = ticks.ticks(axis(is_log=True), low, low * factor)
    assert len(found) <= 14
    assert all(low * (1 - 1e-6) <= place <= low * factor * (1 + 1e-6) for place, _ in found)


def test_a_window_without_data_is_still_a_window() -> None:
    for kind in (axis(), axis(is_log=True)):
        low, high = ticks.window(kind, [])
        assert low < high


def test_a_density_on_a_log_axis_lies_where_its_points_are() -> None:
    """Beyond 2,000 proofs a front is shaded: the image must share the marks' scale."""
    points = [point(k, int(10 ** (3 + k % 50 / 10)), 40 + k % 30) for k in range(2500)]
    figure = bound_against_length(front_of(points, cost_model="measured-v1"))
    assert figure["data"][0]["type"] == "heatmap"
    root = ElementTree.fromstring(svg.draw(figure, title="t"))
    image = next(root.iter(f"{XML}image"))
    left, width = (float(image.get(name) or 0) for name in ("x", "width"))
    marks = [
        float((one.get("d") or "M0").split()[0].removeprefix("M"))
        for one in root.iter(f"{XML}path")
        if one.get("fill") == COLOURS["family-2"]
    ]
    assert marks
    assert all(left - 10 <= place <= left + width + 10 for place in marks)
    assert width < 0.97 * (svg.WIDTH - svg.LEFT - svg.RIGHT)
    assert "\\addplot[matrix plot*" in pgfplots.write(figure, title="t")
