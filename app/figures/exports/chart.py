"""What an export reads of a figure. A figure is what Plotly takes; here the part of it that ours use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from re import sub
from typing import Any

from app.figures import Figure

INK = "#454d56"

COLOURS: Mapping[str, str] = {
    "surface": "#ffffff", "line": "#e1e5e9", "ink": "#171b20", "ink-2": "#454d56", "ink-3": "#666f79",
    "raised": "#f1f3f5", "accent": "#0b5cad", "good": "#0a6b45", "warn": "#8a5200", "bad": "#b3261e",
    "family-0": "#666f79", "family-1": "#2f3740", "family-2": "#cc5200", "family-3": "#0072b2", "family-4": "#008060",
    "family-5": "#a8488a", "family-6": "#8a6d00", "below": "#b8430a", "zero": "#fbfbfb", "above": "#0a5a9c",
    "density-low": "#e3edf6", "density-high": "#6d94b8",
}  # fmt: skip
"""The light theme's colours (static/site.css; a test compares the two): paper is white."""


@dataclass(frozen=True)
class Axis:
    title: str
    is_log: bool
    window: tuple[float, float] | None
    """As set; None to fit the data. On a log axis in plain numbers, not exponents."""
    labels: Mapping[float, str]
    """Named places, if the axis is no scale of numbers."""
    is_reversed: bool


@dataclass(frozen=True)
class Series:
    name: str
    kind: str
    """`line`, `marks`, `area`, `bar` or `heat`."""
    x: tuple[float, ...]
    y: tuple[float, ...]
    z: tuple[tuple[float | None, ...], ...] = ()
    """Of a heat map: one row for each y."""
    colour: str = INK
    dash: str = "solid"
    symbol: str = "circle"
    opacity: float = 1.0
    scale: tuple[tuple[float, str], ...] = ()
    limits: tuple[float, float] = (0.0, 1.0)
    in_legend: bool = True


@dataclass(frozen=True)
class Chart:
    x: Axis
    y: Axis
    series: tuple[Series, ...]

    @property
    def has_heat(self) -> bool:
        return any(one.kind == "heat" for one in self.series)


def chart(figure: Figure) -> Chart:
    """Raises `ValueError` for a kind of trace that our figures do not use."""
    layout = figure["layout"]
    series = tuple(one for trace in figure["data"] for one in _series(trace))
    return Chart(_axis(layout.get("xaxis", {})), _axis(layout.get("yaxis", {})), series)


def colour(value: Any) -> str:
    """A theme's variable as the light theme has it; a plain colour as it is."""
    text = value if isinstance(value, str) else ""
    if text.startswith("var(--"):
        return COLOURS.get(text.removeprefix("var(--").rstrip(")"), INK)
    return text or INK


def plain(text: str) -> str:
    """Without the little HTML that Plotly reads."""
    return unescape(sub(r"<[^<>]*>", "", text))


def _axis(given: Mapping[str, Any]) -> Axis:
    is_log = given.get("type") == "log"
    window = given.get("range")
    if window is not None:
        low, high = (10.0**end if is_log else float(end) for end in window)
        window = (low, high)
    labels = dict(zip(map(float, given.get("tickvals", ())), map(plain, given.get("ticktext", ())), strict=True))
    title = plain(given.get("title", {}).get("text", ""))
    return Axis(title, is_log, window, labels, given.get("autorange") == "reversed")


def _series(trace: Mapping[str, Any]) -> list[Series]:
    name = plain(str(trace.get("name", "")))
    shown = bool(trace.get("showlegend", True))
    match trace["type"]:
        case "heatmap":
            return [_heat(trace, name)]
        case "bar":
            fill = colour(trace.get("marker", {}).get("color"))
            return [Series(name, "bar", _numbers(trace["x"]), _numbers(trace["y"]), colour=fill, in_legend=shown)]
        case "scatter":
            return _scatter(trace, name, shown)
        case other:
            raise ValueError(f"A {other} trace has no export.")


def _scatter(trace: Mapping[str, Any], name: str, shown: bool) -> list[Series]:
    x, y = _numbers(trace["x"]), _numbers(trace["y"])
    opacity = float(trace.get("opacity", 1.0))
    line, marker = trace.get("line", {}), trace.get("marker", {})
    if trace.get("fill") == "toself":
        fill = colour(trace.get("fillcolor") or line.get("color"))
        return [Series(name, "area", x, y, colour=fill, opacity=opacity, in_legend=shown)]
    found = []
    mode = trace.get("mode", "lines")
    if "lines" in mode:
        dash = str(line.get("dash", "solid"))
        found.append(Series(name, "line", x, y, colour=colour(line.get("color")), dash=dash, in_legend=shown))
    if "markers" in mode:
        fill, symbol = colour(marker.get("color")), str(marker.get("symbol", "circle"))
        found.append(
            Series(name, "marks", x, y, colour=fill, symbol=symbol, opacity=opacity, in_legend=shown and not found)
        )
    return found


def _heat(trace: Mapping[str, Any], name: str) -> Series:
    z = tuple(tuple(row) for row in trace["z"])
    width = len(z[0]) if z else 0
    x = _numbers(trace["x"]) if "x" in trace else tuple(float(i * trace.get("dx", 1)) for i in range(width))
    y = _numbers(trace["y"]) if "y" in trace else tuple(float(i * trace.get("dy", 1)) for i in range(len(z)))
    known = [value for row in z for value in row if value is not None]
    limits = (float(trace.get("zmin", min(known, default=0))), float(trace.get("zmax", max(known, default=1))))
    scale = tuple((float(place), colour(value)) for place, value in trace["colorscale"])
    return Series(name, "heat", x, y, z, scale=scale, limits=limits, in_legend=False)


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float("nan") if value is None else float(value) for value in values)
