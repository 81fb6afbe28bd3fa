"""The published results on a front: a band for each row, the single proofs, and the linear baseline.

Their lengths are under the published cost model, so they belong on a front whose lengths are `reference-v1`. Bands are mean
± one standard deviation over 151 seeds, drawn from the row's shortest strategy to its longest.
"""

from math import log10

import numpy as np

from app.figures import Figure
from app.figures.fronts import BASELINE_STEPS, Height
from app.published.facts import Summary
from app.published.overlay import Band, Overlay, Point
from app.published.rows import Row

STYLES: dict[Row, tuple[str, str]] = {
    Row.BRUTE_FORCE: ("var(--family-1)", "diamond"),
    Row.CUBIC: ("var(--family-2)", "square"),
    Row.SUBCUBIC: ("var(--family-4)", "triangle-up"),
    Row.LOW_RANK_QK: ("var(--family-5)", "triangle-down"),
    Row.LOW_RANK_EU: ("var(--family-6)", "diamond"),
    Row.LOW_RANK_QK_EU: ("var(--family-3)", "circle"),
    Row.QUADRATIC_QK: ("var(--family-0)", "square"),
    Row.QUADRATIC_QK_EU: ("var(--bad)", "triangle-up"),
}
"""Colour and shape of each published row, on every page that tells rows apart."""

NARROWEST = 0.02
"""Decades: a row of one strategy would be a line."""


def with_overlay(figure: Figure, overlay: Overlay, height: Height) -> Figure:
    """The figure with the published results behind its own marks, and the window wide enough for both."""
    traces = overlay_traces(overlay, height)
    seen = [value for trace in traces if not trace.get("baseline") for value in trace["y"]]
    layout = dict(figure["layout"])
    low, high = layout["yaxis"].get("range", (min(seen, default=0.0), max(seen, default=1.0)))
    room = 0.03
    window = [min(low, *(value - room for value in seen)), max(high, *(value + room for value in seen))]
    layout["yaxis"] = {**layout["yaxis"], "range": window}
    plain = [{key: value for key, value in trace.items() if key != "baseline"} for trace in traces]
    return {"data": [*plain, *figure["data"]], "layout": layout}


def overlay_traces(overlay: Overlay, height: Height) -> list[Figure]:
    """A `baseline` is marked: it may leave the window."""
    traces = [trace for band in overlay.bands for trace in _band(band, overlay, height)]
    traces += [_marks(row, overlay, height) for row in Row if any(point.row is row for point in overlay.points)]
    return [*_baseline(overlay, height), *traces]


def summary_of(band: Band, height: Height) -> Summary | None:
    return band.bound if height is Height.BOUND else band.normalised


def _band(band: Band, overlay: Overlay, height: Height) -> list[Figure]:
    found = summary_of(band, height)
    if found is None or (band.row is Row.BRUTE_FORCE and height is Height.TIGHTNESS):
        return []
    colour, _ = STYLES[band.row]
    room = 10 ** max(NARROWEST, 0.02 * log10(band.longest / band.shortest + 1))
    left, right = band.shortest / room, band.longest * room
    low, high = found.mean - found.sd, found.mean + found.sd
    name = f"{overlay.label} {band.row}, {found.shown}"
    return [
        {
            "type": "scatter", "mode": "lines", "fill": "toself", "name": name, "opacity": 0.28, "hoverinfo": "skip",
            "x": [left, right, right, left, left], "y": [low, low, high, high, low],
            "fillcolor": colour, "line": {"width": 0, "color": colour},
        },
        {
            "type": "scatter", "mode": "lines", "name": name, "showlegend": False, "x": [left, right],
            "y": [found.mean, found.mean], "line": {"color": colour, "width": 2},
            "hovertemplate": f"{name}<br>{found.seeds} seeds ({found.how})<extra></extra>",
        },
    ]  # fmt: skip


def _marks(row: Row, overlay: Overlay, height: Height) -> Figure:
    colour, shape = STYLES[row]
    points = [p for p in overlay.points if p.row is row and _height(p, height) is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{overlay.label} {row}, single proofs",
        "showlegend": False,
        "x": [float(point.length) for point in points],
        "y": [_height(point, height) for point in points],
        "opacity": 0.55,
        "marker": {"color": colour, "symbol": f"{shape}-open", "size": 6},
        "hovertext": [f"{point.strategy}, seed {point.seed}<br>{overlay.source}" for point in points],
        "hovertemplate": "%{hovertext}<br>%{y:.4f} at %{x:.4s}<extra>published</extra>",
    }


def _height(point: Point, height: Height) -> float | None:
    return point.bound if height is Height.BOUND else point.normalised


def _baseline(overlay: Overlay, height: Height) -> list[Figure]:
    base = overlay.baseline
    if base is None or not overlay.bands:
        return []
    top = base.accuracy.mean if height is Height.BOUND else 1.0
    start = min(band.shortest for band in overlay.bands)
    spent = np.geomspace(float(start), float(base.length), BASELINE_STEPS)
    what = "estimated accuracy" if base.estimated else "accuracy"
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "baseline": True,
            "name": f"{overlay.label}: part of brute force ({what} {base.accuracy.shown})",
            "x": [float(f"{x:.4g}") for x in spent],
            "y": [float(f"{top * x / base.length:.4g}") for x in spent],
            "line": {"color": "var(--warn)", "width": 1.2, "dash": "dash"},
            "hoverinfo": "skip",
        }
    ]
