"""Bound or tightness against length: every finished proof as a point, and fronts as staircases.

Only claims of one kind are compared: proofs about different tasks, and proofs of different variants, never share a front. What
is in doubt never comes here (`app.storage.proofs.front`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from itertools import groupby
from typing import NamedTuple

import numpy as np

from app import numbers
from app.figures import Figure, palette
from app.storage import cloud
from app.storage.cloud import ENUMERATES, Cloud, Floats, leading
from app.storage.records import FrontPoint
from proofs.frontier import front, staircase

MOST_MARKERS = 2000
"""Beyond this many proofs the beaten ones are drawn as a density: thousands of SVG marks freeze a page."""

DENSITY_CELLS = (60, 40)
BASELINE_STEPS = 40
LONGEST_NAME = 60


class Height(StrEnum):
    """What a front shows upwards. The value is the word in the URL."""

    BOUND = "bound"
    TIGHTNESS = "tightness"


class Kind(cloud.Kind):
    """Proofs that may share a front."""

    @property
    def task(self) -> str:
        return f"max-of-{self.n_ctx}, {self.d_vocab} tokens"

    @property
    def look(self) -> "Look":
        return LOOKS[self.variant]


class Look(NamedTuple):
    """How a variant is told from the others."""

    rank: int
    dash: str
    mark: str
    """What is added to the family's shape"""


LOOKS = {
    "strict": Look(0, "solid", ""),
    "as-executed": Look(1, "dash", "-dot"),
    "as-published": Look(2, "dot", "-open"),
}
TITLES = {Height.BOUND: "bound on the accuracy", Height.TIGHTNESS: "tightness: bound / true accuracy"}


@dataclass(frozen=True)
class Front:
    """What one drawing shows, before it is drawn."""

    points: list[FrontPoint]
    """The marks: everything that has a length in this cost model and a height or, of more than `MOST_MARKERS`, what leads."""
    steps: dict[Kind, list[FrontPoint]]
    """The unbeaten proofs of each kind, shortest first; strict kinds first."""
    brute: list[FrontPoint]
    """The highest brute force of each task, the first of those that are equally high."""
    lengths: Floats
    """Of everything that is drawn, as a mark or not."""
    heights: Floats
    left_out: int
    """Finished proofs without a length in this cost model or without a height."""
    cost_model: str
    height: Height

    @property
    def drawn(self) -> int:
        return len(self.lengths)

    def length_of(self, point: FrontPoint) -> int:
        return point.lengths[self.cost_model]

    def height_of(self, point: FrontPoint) -> float:
        value = point.bound if self.height is Height.BOUND else point.tightness
        assert value is not None  # `front_of` keeps no point without
        return value


def front_of(points: Sequence[FrontPoint], *, cost_model: str, height: Height = Height.BOUND) -> Front:
    """Sorts the points into what is drawn, what leads, and what must not be drawn."""
    drawn = [
        point
        for point in points
        if point.lengths.get(cost_model) and (height is Height.BOUND or point.tightness is not None)
    ]
    found = Front(drawn, {}, [], np.empty(0), np.empty(0), len(points) - len(drawn), cost_model, height)
    alike: dict[tuple[str, int, int], list[FrontPoint]] = {}
    for point in drawn:
        alike.setdefault((point.variant, point.n_ctx, point.d_vocab), []).append(point)
    for key in sorted(alike, key=lambda key: (LOOKS[key[0]].rank, key)):
        found.steps[Kind(*key)] = front(alike[key], length=found.length_of, bound=found.height_of)
    brute = [point for point in drawn if point.strategy == ENUMERATES]
    brute.sort(key=lambda point: (found.height_of(point), -point.proof_id))
    return replace(
        found,
        points=drawn if len(drawn) <= MOST_MARKERS else _leaders(found),
        brute=list({(point.n_ctx, point.d_vocab): point for point in brute}.values()),
        lengths=np.array([float(found.length_of(point)) for point in drawn]),
        heights=np.array([found.height_of(point) for point in drawn]),
    )


def front_among(
    results: Cloud,
    read: Callable[[Iterable[int]], list[FrontPoint]],
    *,
    cost_model: str,
    height: Height = Height.BOUND,
) -> Front:
    """As `front_of` all results, but only those that become marks are read (by id) and compared exactly."""
    lengths = results.lengths[cost_model]
    heights = results.bound if height is Height.BOUND else results.tightness
    can = (lengths > 0) & ~np.isnan(heights)
    among, lengths, heights = results.where(can), lengths[can], heights[can]
    if len(among) <= MOST_MARKERS:
        return replace(
            front_of(read(among.ids.tolist()), cost_model=cost_model, height=height), left_out=len(results) - len(among)
        )
    ids = {*leading(among, lengths, heights).tolist(), *_brute(among, heights)}
    found = front_of(read(ids), cost_model=cost_model, height=height)
    return replace(found, points=_leaders(found), lengths=lengths, heights=heights, left_out=len(results) - len(among))


def _leaders(found: Front) -> list[FrontPoint]:
    return [point for steps in found.steps.values() for point in steps]


def _brute(results: Cloud, heights: Floats) -> Iterator[int]:
    """Ids of the highest brute force of each task."""
    for task in results.tasks:
        mine = np.flatnonzero(results.is_of_task(*task) & results.enumerates)
        if mine.size:
            yield int(results.ids[mine[np.argmax(heights[mine])]])


def bound_against_length(shown: Front) -> Figure:
    """The drawing of a front, with log length. The window is that of the marks; a baseline may leave it."""
    traces = [*_baselines(shown), *_lines(shown)]
    if shown.drawn > len(shown.points):
        traces.insert(0, _density(shown))
    by_kind = sorted(shown.points, key=lambda point: (LOOKS[point.variant].rank, point.family, point.proof_id))
    for (family, variant), group in groupby(by_kind, key=lambda point: (point.family, point.variant)):
        traces.append(_markers(shown, family, variant, list(group)))
    title = f"length: operations ({shown.cost_model})"
    return {
        "data": traces,
        "layout": {
            "xaxis": {"type": "log", "title": {"text": title}, "exponentformat": "SI"},
            "yaxis": {"title": {"text": TITLES[shown.height]}, "range": _window(shown)},
            "showlegend": True,
            "hovermode": "closest",
        },
    }


def _window(shown: Front) -> list[float]:
    low, high = (float(shown.heights.min()), float(shown.heights.max())) if shown.drawn else (0.0, 1.0)
    room = 0.08 * ((high - low) or high or 1.0)
    return [low - room, high + room]


def _lines(shown: Front) -> list[Figure]:
    """The fronts' outlines. As executed is dashed, as published dotted; the task is named where there are several."""
    several = len({kind.task for kind in shown.steps}) > 1
    until = int(shown.lengths.max(initial=1.0))
    lines = []
    for kind, steps in reversed(shown.steps.items()):
        corners = staircase([(shown.length_of(p), shown.height_of(p)) for p in steps], until=until)
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"front, {kind.variant}" + (f", {kind.task}" if several else ""),
                "x": [float(length) for length, _ in corners],
                "y": [height for _, height in corners],
                "line": {"color": "var(--ink-2)", "width": 1.5, "dash": kind.look.dash},
                "hoverinfo": "skip",
            }
        )
    return lines


def _markers(shown: Front, family: str, variant: str, points: list[FrontPoint]) -> Figure:
    """Filled marks are strict proofs, those with a dot as executed, hollow ones as published."""
    mark = LOOKS[variant].mark
    hollow = mark == "-open"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": family if variant == "strict" else f"{family}, {variant}",
        "x": [float(shown.length_of(point)) for point in points],
        "y": [shown.height_of(point) for point in points],
        "hovertext": [hover(point, shown.cost_model) for point in points],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "customdata": [point.proof_id for point in points],
        "marker": {
            "color": palette.colour(family),
            "symbol": palette.shape(family) + mark,
            "size": 10,
            "line": {"width": 2 if hollow else 1, "color": palette.colour(family) if hollow else "var(--surface)"},
        },
    }


def _baselines(shown: Front) -> list[Figure]:
    """Partial enumeration: with a fraction of brute force's length comes that fraction of its bound. One line per task."""
    lines = []
    for point in sorted(shown.brute, key=lambda point: (point.n_ctx, point.d_vocab)):
        length, height = shown.length_of(point), shown.height_of(point)
        spent = np.geomspace(float(shown.lengths.min()), float(length), BASELINE_STEPS)
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"part of brute force, max-of-{point.n_ctx}, {point.d_vocab} tokens",
                "x": [float(f"{x:.4g}") for x in spent],
                "y": [float(f"{height * x / length:.4g}") for x in spent],
                "line": {"color": "var(--ink-3)", "width": 1, "dash": "dash"},
                "hoverinfo": "skip",
            }
        )
    return lines


def _density(shown: Front) -> Figure:
    counts, x_edges, y_edges = np.histogram2d(np.log10(shown.lengths), shown.heights, bins=DENSITY_CELLS)
    return {
        "type": "heatmap",
        "name": "proofs per cell",
        "x": (10 ** ((x_edges[:-1] + x_edges[1:]) / 2)).tolist(),
        "y": ((y_edges[:-1] + y_edges[1:]) / 2).tolist(),
        "z": [[int(n) or None for n in row] for row in counts.T],
        "colorscale": [[0, "var(--density-low)"], [1, "var(--density-high)"]],
        "showscale": False,
        "hovertemplate": "%{z} proofs<extra></extra>",
    }


def hover(point: FrontPoint, cost_model: str) -> str:
    """The whole result in a few lines."""
    name = point.model_name if len(point.model_name) <= LONGEST_NAME else point.model_name[: LONGEST_NAME - 1] + "…"
    lines = [
        f"<b>{escape(point.strategy)}</b>, {escape(point.variant)}",
        f"{escape(name, quote=False)} (max-of-{point.n_ctx}, {point.d_vocab} tokens)",
        f"accuracy ≥ {numbers.at_least(point.correct, point.total)} ({point.trust})",
        f"{_short(point.correct)} of {_short(point.total)} sequences",
        f"length {numbers.count(point.lengths[cost_model])} operations",
    ]
    if point.tightness is not None:
        lines.append(f"tightness {numbers.ratio_at_least(point.tightness)}")
    if point.seconds is not None:
        lines.append(f"checked in {numbers.duration(point.seconds)}")
    return "<br>".join(lines)


def _short(value: int) -> str:
    return numbers.exact(value) if value < 10**12 else numbers.count(value)
