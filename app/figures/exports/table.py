"""A figure's numbers as rows, with full precision."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.figures import Figure
from app.figures.exports.chart import Series, chart

POINTS = ("series", "x", "y")
CELLS = ("series", "x", "y", "value")


def columns(figure: Figure) -> tuple[str, ...]:
    return CELLS if chart(figure).has_heat else POINTS


def rows(figure: Figure) -> Iterator[Mapping[str, Any]]:
    """Every point of every series; of a heat map every cell. A point of a bar or a line has no value but its y."""
    shown = chart(figure)
    for series in shown.series:
        if series.kind == "heat":
            yield from _cells(series)
            continue
        for x, y in zip(series.x, series.y, strict=True):
            point = {"series": series.name, "x": x, "y": y}
            yield point | {"value": None} if shown.has_heat else point


def _cells(series: Series) -> Iterator[Mapping[str, Any]]:
    for y, row in zip(series.y, series.z, strict=True):
        for x, value in zip(series.x, row, strict=True):
            yield {"series": series.name, "x": x, "y": y, "value": value}
