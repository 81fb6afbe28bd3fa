"""Figures over models: how much is left unexplained, and whether a more faithful explanation gives a tighter proof."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean

from app.figures import Figure
from app.figures.published import STYLES
from app.published.facts import Best, Summary
from app.published.overlay import Overlay
from app.published.rows import SUBCUBIC_ROWS, Row, options_of, row_of
from app.storage.explanations import Explained
from app.storage.records import FrontPoint
from proofs.lengths import reference_length, unexplained_dimension
from proofs.strategies import Variant
from proofs.subcubic.options import Error
from proofs.task import MaxOfK

LOOKS = tuple((f"var(--family-{hue})", shape) for shape in ("circle", "square") for hue in (3, 2, 4, 5, 6, 1, 0))
"""More options than colours: shapes tell the second round apart."""


@dataclass(frozen=True)
class Fit:
    """A straight line through points by least squares."""

    slope: float
    intercept: float
    r_squared: float
    points: int


def fit(points: Sequence[tuple[float, float]]) -> Fit | None:
    """None unless there are three points and they differ along x."""
    if len(points) < 3:
        return None
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread_x = sum((x - mean_x) ** 2 for x, _ in points)
    spread_y = sum((y - mean_y) ** 2 for _, y in points)
    if spread_x == 0:
        return None
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread_x
    explained = slope * slope * spread_x
    return Fit(slope, mean_y - slope * mean_x, explained / spread_y if spread_y else 1.0, len(points))


def rank_correlation(points: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's: 1 if more of one always goes with more of the other. Equal values share their mean rank."""
    if len(points) < 3:
        return None
    ranked = list(zip(_ranks([x for x, _ in points]), _ranks([y for _, y in points]), strict=True))
    line = fit(ranked)
    if line is None or len({y for _, y in points}) == 1:
        return None
    size = min(1.0, float(line.r_squared**0.5))
    return size if line.slope >= 0 else -size


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    first = {value: order.index(value) for value in set(values)}
    return [first[value] + (order.count(value) + 1) / 2 for value in values]


def dimension_against_length(
    points: Sequence[FrontPoint], widths: Mapping[str, int], overlay: Overlay | None
) -> Figure:
    """Unexplained dimension against length, both under the published definitions. One mark for each (strategy, size)."""
    places: dict[Row, dict[tuple[int, int], str]] = {}
    for point in points:
        row, width = row_of(point.strategy), widths.get(point.model_digest)
        if row is None or width is None:
            continue
        task = MaxOfK(d_vocab=point.d_vocab, n_ctx=point.n_ctx)
        length = reference_length(point.strategy, task, d_model=width)
        dimension = unexplained_dimension(point.strategy, task, d_model=width)
        if length and dimension:
            places.setdefault(row, {})[(length, dimension)] = (
                f"{escape(point.strategy)}<br>max-of-{point.n_ctx}, {point.d_vocab} tokens"
            )
    traces = [] if overlay is None else _published_dimensions(overlay)
    for row in (row for row in Row if row in places):
        colour, shape = STYLES[row]
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": str(row),
                "x": [float(length) for length, _ in places[row]], "y": [float(size) for _, size in places[row]],
                "hovertext": list(places[row].values()), "hovertemplate": "%{hovertext}<br>%{y:.4s} at %{x:.4s}<extra></extra>",
                "marker": {"color": colour, "symbol": shape, "size": 9},
            }
        )  # fmt: skip
    return {
        "data": traces,
        "layout": {
            "xaxis": {"type": "log", "title": {"text": "length: operations (reference-v1)"}, "exponentformat": "SI"},
            "yaxis": {"type": "log", "title": {"text": "unexplained dimension (estimated)"}, "exponentformat": "SI"},
            "showlegend": True,
            "hovermode": "closest",
        },
    }


def _published_dimensions(overlay: Overlay) -> list[Figure]:
    found = []
    for row in Row:
        colour, shape = STYLES[row]
        places = dict.fromkeys((point.length, point.dimension) for point in overlay.points if point.row is row)
        if places:
            found.append(
                {
                    "type": "scatter", "mode": "markers", "name": f"{overlay.label} {row}", "opacity": 0.7,
                    "x": [float(length) for length, _ in places], "y": [float(size) for _, size in places],
                    "marker": {"color": colour, "symbol": f"{shape}-open", "size": 7}, "hoverinfo": "skip",
                }
            )  # fmt: skip
    return found


def bound_against_ratio(
    points: Sequence[FrontPoint], explained: Sequence[Explained], variant: Variant
) -> tuple[Figure, dict[Error, Fit]]:
    """The best normalised bound over direct and attention options, for each model and attention-error option.

    The exact option is left out: it needs no rank-one structure.
    """
    ratios = {one.model_digest: one.ratio for one in explained if one.ratio is not None}
    best: dict[tuple[Error, str], FrontPoint] = {}
    for point in points:
        options = options_of(point.strategy)
        if options is None or options.error is Error.E9 or point.variant != variant:
            continue
        if point.tightness is None or point.model_digest not in ratios:
            continue
        key = (options.error, point.model_digest)
        if key not in best or point.tightness > (best[key].tightness or 0):
            best[key] = point
    traces: list[Figure] = []
    fits: dict[Error, Fit] = {}
    for place, error in enumerate(one for one in Error if one is not Error.E9):
        mine = [(ratios[digest], point) for (option, digest), point in best.items() if option is error]
        if not mine:
            continue
        colour, shape = LOOKS[place]
        pairs = [(ratio, point.tightness or 0.0) for ratio, point in mine]
        traces.append(_option_marks(f"{error.name} {error}", mine, (colour, shape)))
        line = fit(pairs)
        if line is not None:
            fits[error] = line
            traces.append(_fitted(f"{error.name} fit", line, [x for x, _ in pairs], colour))
    figure: Figure = {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "σ₁ / σ₂ of EQKE"}},
            "yaxis": {"title": {"text": "normalised bound"}, "range": [0.0, 1.0]},
            "showlegend": True,
            "hovermode": "closest",
        },
    }
    return figure, fits


def _option_marks(name: str, mine: Sequence[tuple[float, FrontPoint]], look: tuple[str, str]) -> Figure:
    return {
        "type": "scatter", "mode": "markers", "name": name,
        "x": [ratio for ratio, _ in mine], "y": [point.tightness for _, point in mine],
        "hovertext": [f"{escape(point.model_name[:60], quote=False)}<br>{escape(point.strategy)}" for _, point in mine],
        "hovertemplate": "%{hovertext}<br>%{y:.4f} at %{x:.4g}<extra></extra>",
        "customdata": [point.proof_id for _, point in mine],
        "marker": {"color": look[0], "symbol": look[1], "size": 9},
    }  # fmt: skip


def _fitted(name: str, line: Fit, xs: Sequence[float], colour: str) -> Figure:
    ends = [min(xs), max(xs)]
    return {
        "type": "scatter", "mode": "lines", "name": name, "showlegend": False, "x": ends,
        "y": [line.intercept + line.slope * x for x in ends],
        "line": {"color": colour, "width": 1, "dash": "dot"}, "hoverinfo": "skip",
    }  # fmt: skip


def seeds(
    ours: Mapping[Row, Sequence[float]],
    theirs: Mapping[Row, Sequence[Best]],
    summaries: Mapping[Row, Summary],
    label: str,
) -> Figure:
    """Each row's best normalised bound, one mark for each model or seed; bars are mean ± one standard deviation."""
    rows = [row for row in (Row.CUBIC, *SUBCUBIC_ROWS) if ours.get(row) or theirs.get(row) or row in summaries]
    traces = []
    for place, row in enumerate(rows):
        colour, shape = STYLES[row]
        known = [best.normalised for best in theirs.get(row, ()) if best.normalised is not None]
        if known:
            traces.append(_strip(f"{label} {row}", place - 0.18, known, "var(--ink-3)", "circle-open", 0.45))
        if row in summaries:
            traces.append(_bar(place - 0.18, summaries[row], "var(--ink)"))
        if ours.get(row):
            traces.append(_strip(f"ours {row}", place + 0.18, ours[row], colour, shape, 0.9))
    return {
        "data": traces,
        "layout": {
            "xaxis": {
                "title": {"text": "row of the published table"},
                "tickvals": list(range(len(rows))),
                "ticktext": [str(row) for row in rows],
                "range": [-0.6, len(rows) - 0.4],
            },
            "yaxis": {"title": {"text": "best normalised bound"}, "range": [0.0, 1.02]},
            "showlegend": False,
            "hovermode": "closest",
        },
    }


def _strip(name: str, centre: float, values: Sequence[float], colour: str, shape: str, opacity: float) -> Figure:
    """Marks beside each other in a fixed order, so that the same data is the same drawing."""
    spread = [0.12 * (((k * 7) % 11) / 5 - 1) for k in range(len(values))]
    return {
        "type": "scatter", "mode": "markers", "name": name, "showlegend": False, "opacity": opacity,
        "x": [centre + shift for shift in spread], "y": list(values),
        "marker": {"color": colour, "symbol": shape, "size": 6}, "hovertemplate": f"{name}<br>%{{y:.4f}}<extra></extra>",
    }  # fmt: skip


def _bar(centre: float, found: Summary, colour: str) -> Figure:
    low, high = found.mean - found.sd, found.mean + found.sd
    return {
        "type": "scatter", "mode": "lines", "name": f"mean ± sd {found.shown}", "showlegend": False,
        "x": [centre, centre, None, centre - 0.1, centre + 0.1], "y": [low, high, None, found.mean, found.mean],
        "line": {"color": colour, "width": 2}, "hovertemplate": f"{found.shown} over {found.seeds} seeds<extra></extra>",
    }  # fmt: skip


def tightness_against(
    pairs: Mapping[str, Sequence[tuple[float, FrontPoint]]], title: str, styles: Callable[[str], tuple[str, str]]
) -> Figure:
    """Tightness of the best proof of each family, against something about the model."""
    return {
        "data": [_option_marks(family, points, styles(family)) for family, points in pairs.items() if points],
        "layout": {
            "xaxis": {"title": {"text": title}},
            "yaxis": {"title": {"text": "tightness of the family's best proof"}},
            "showlegend": True,
            "hovermode": "closest",
        },
    }
