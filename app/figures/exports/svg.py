"""A figure as an SVG file: plain shapes and text, no script, no font but the reader's."""

from dataclasses import dataclass
from html import escape
from math import isfinite, log10

from app.figures import Figure
from app.figures.exports import marks, ticks
from app.figures.exports.chart import COLOURS, Axis, Chart, Series, chart
from app.figures.exports.pixels import image

WIDTH, HEIGHT = 760, 480
LEFT, RIGHT, BOTTOM, TOP = 74, 20, 54, 22
LEGEND_ROW = 17
LETTER = 6.3
"""Width of a letter at the legend's size, on average."""
DASHES = {"dot": "2 3", "dash": "7 4", "dashdot": "7 3 2 3"}


@dataclass(frozen=True)
class Scale:
    """From numbers to places on the page."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        low, high = (log10(self.low), log10(self.high)) if self.axis.is_log else (self.low, self.high)
        place = (log10(value) if self.axis.is_log else value) - low
        return self.start + place / (high - low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        return isfinite(value) and (value > 0 or not self.axis.is_log)


def draw(figure: Figure, *, title: str) -> str:
    shown = chart(figure)
    legend = _legend(shown)
    top = TOP + 14 + LEGEND_ROW * (1 + max((row for _, _, row in legend), default=-1))
    x, y = _scales(shown, top)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{COLOURS["surface"]}"/>',
        f'<text x="{LEFT}" y="{TOP - 6}" font-size="13" font-weight="600" fill="{COLOURS["ink"]}">{escape(title)}</text>',
        f'<clipPath id="in"><path d="M{LEFT} {top}H{WIDTH - RIGHT}V{HEIGHT - BOTTOM}H{LEFT}Z"/></clipPath>',
        *_axes(shown, x, y, top),
        '<g clip-path="url(#in)">',
        *(part for series in shown.series for part in _drawn(series, x, y)),
        "</g>",
        *(_key(series, left, row) for series, left, row in legend),
        *(part for series in shown.series if series.kind == "heat" for part in _colour_bar(series)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _scales(shown: Chart, top: float) -> tuple[Scale, Scale]:
    bottom = HEIGHT - BOTTOM
    ends = (top, bottom) if shown.y.is_reversed else (bottom, top)
    x_window = _window(shown, shown.x, [series.x for series in shown.series])
    y_window = _window(shown, shown.y, [series.y for series in shown.series])
    return Scale(shown.x, *x_window, LEFT, WIDTH - RIGHT), Scale(shown.y, *y_window, *ends)


def _window(shown: Chart, axis: Axis, places: list[tuple[float, ...]]) -> tuple[float, float]:
    """Bars stand on zero; a table by itself fills the plot to the edges of its cells."""
    if all(series.kind == "heat" for series in shown.series) and shown.has_heat:
        low, high = zip(*(_edges(centres, axis) for centres in places), strict=True)
        return min(low), max(high)
    standing = [0.0] if axis is shown.y and any(series.kind == "bar" for series in shown.series) else []
    edges = [_edges(series, axis) for series, one in zip(places, shown.series, strict=True) if one.kind == "heat"]
    return ticks.window(axis, [*standing, *(value for some in (*places, *edges) for value in some)])


def _edges(centres: tuple[float, ...], axis: Axis) -> tuple[float, float]:
    """A table's cells reach half a cell beyond their centres; on a log axis cells grow by a factor."""
    places = sorted(set(centres))
    if axis.is_log:
        half = (places[1] / places[0]) ** 0.5 if len(places) > 1 else 1.5
        return places[0] / half, places[-1] * half
    half = (places[1] - places[0]) / 2 if len(places) > 1 else 0.5
    return places[0] - half, places[-1] + half


def _axes(shown: Chart, x: Scale, y: Scale, top: float) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    grid = "none" if shown.has_heat else COLOURS["line"]
    found = []
    for value, text in ticks.ticks(shown.x, x.low, x.high):
        at = f"{x(value):.1f}"
        found.append(f'<path d="M{at} {top}V{bottom}" stroke="{grid}"/>')
        found += _under(at, bottom, text)
    for value, text in ticks.ticks(shown.y, y.low, y.high):
        at = f"{y(value):.1f}"
        found.append(f'<path d="M{LEFT} {at}H{right}" stroke="{grid}"/>')
        found.append(
            f'<text x="{LEFT - 7}" y="{at}" dy="0.35em" text-anchor="end" fill="{COLOURS["ink-2"]}">{escape(text)}</text>'
        )
    found.append(f'<path d="M{LEFT} {top}V{bottom}H{right}" fill="none" stroke="{COLOURS["ink-3"]}"/>')
    middle_x, middle_y = (LEFT + right) / 2, (top + bottom) / 2
    look = f'text-anchor="middle" font-size="12" fill="{COLOURS["ink"]}"'
    found.append(f'<text x="{middle_x}" y="{HEIGHT - 14}" {look}>{escape(shown.x.title)}</text>')
    found.append(f'<text transform="translate(16 {middle_y}) rotate(-90)" {look}>{escape(shown.y.title)}</text>')
    return found


def _under(at: str, bottom: float, text: str) -> list[str]:
    """A label under the axis; a long one on two lines, so that neighbours do not meet."""
    words = text.split()
    half = (len(words) + 1) // 2
    lines = [text] if len(text) < 12 or len(words) < 2 else [" ".join(words[:half]), " ".join(words[half:])]
    return [
        f'<text x="{at}" y="{bottom + 15 + 12 * row}" text-anchor="middle" fill="{COLOURS["ink-2"]}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    ]


def _drawn(series: Series, x: Scale, y: Scale) -> list[str]:
    if series.kind == "heat":
        left, right = (x(edge) for edge in _edges(series.x, x.axis))
        first, last = (y(edge) for edge in _edges(series.y, y.axis))
        box = {"left": left, "top": min(first, last), "width": right - left, "height": abs(last - first)}
        return [image(series, **box, from_below=y.end < y.start)]
    places = [(x(a), y(b)) for a, b in zip(series.x, series.y, strict=True) if x.holds(a) and y.holds(b)]
    if series.kind == "marks":
        look = f'fill="{series.colour}" fill-opacity="{series.opacity:g}"'
        if series.symbol.endswith("-open"):
            look = f'fill="none" stroke="{series.colour}" stroke-width="1.4" stroke-opacity="{series.opacity:g}"'
        # Many strategies coincide: one mark serves all that lie at one place.
        return [f'<path d="{marks.path(series.symbol, *place)}" {look}/>' for place in dict.fromkeys(places)]
    if series.kind == "bar":
        zero = y(max(0.0, y.low))
        wide = max(1.0, 0.8 * (x.end - x.start) / max(len(places), 1))
        outlines = (f"M{a - wide / 2:.1f} {zero:.1f}V{b:.1f}h{wide:.1f}V{zero:.1f}Z" for a, b in places)
        return [f'<path d="{outline}" fill="{series.colour}"/>' for outline in outlines]
    outline = _outline(series, x, y)
    if not outline:
        return []
    if series.kind == "area":
        return [f'<path d="{outline}Z" fill="{series.colour}" fill-opacity="{series.opacity:g}"/>']
    dash = f' stroke-dasharray="{DASHES[series.dash]}"' if series.dash in DASHES else ""
    return [f'<path d="{outline}" fill="none" stroke="{series.colour}" stroke-width="1.6"{dash}/>']


def _outline(series: Series, x: Scale, y: Scale) -> str:
    """A missing point breaks a line in two."""
    found, pen = [], "M"
    for a, b in zip(series.x, series.y, strict=True):
        if x.holds(a) and y.holds(b):
            found.append(f"{pen}{x(a):.1f} {y(b):.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(found)


def _legend(shown: Chart) -> list[tuple[Series, float, int]]:
    """Each named series with its place in the rows above the plot."""
    found, left, row = [], float(LEFT), 0
    named = [series for series in shown.series if series.in_legend and series.name]
    if len(named) < 2:
        return []
    for series in named:
        width = 24 + LETTER * len(series.name)
        if left + width > WIDTH - RIGHT and left > LEFT:
            left, row = float(LEFT), row + 1
        found.append((series, left, row))
        left += width + 8
    return found


def _key(series: Series, left: float, row: int) -> str:
    at = TOP + 12 + LEGEND_ROW * row
    if series.kind == "line":
        dash = f' stroke-dasharray="{DASHES[series.dash]}"' if series.dash in DASHES else ""
        sign = f'<path d="M{left} {at}h16" stroke="{series.colour}" stroke-width="1.6"{dash}/>'
    elif series.kind == "marks":
        open_ = series.symbol.endswith("-open")
        look = f'fill="none" stroke="{series.colour}" stroke-width="1.4"' if open_ else f'fill="{series.colour}"'
        sign = f'<path d="{marks.path(series.symbol, left + 8, at)}" {look}/>'
    else:
        sign = f'<rect x="{left}" y="{at - 5}" width="16" height="10" fill="{series.colour}" fill-opacity="{series.opacity:g}"/>'
    return f'{sign}<text x="{left + 20}" y="{at}" dy="0.35em" fill="{COLOURS["ink-2"]}">{escape(series.name)}</text>'


def _colour_bar(series: Series) -> list[str]:
    """Above the plot, at the right: least, gradient, largest."""
    right, at, width = WIDTH - RIGHT - 40, TOP - 14, 120
    stops = "".join(f'<stop offset="{place:g}" stop-color="{hue}"/>' for place, hue in series.scale)
    low, high = (f"{end:.3g}" for end in series.limits)
    ink = COLOURS["ink-2"]
    return [
        f'<linearGradient id="scale">{stops}</linearGradient>',
        f'<rect x="{right - width}" y="{at}" width="{width}" height="9" fill="url(#scale)" stroke="{COLOURS["line"]}"/>',
        f'<text x="{right - width - 5}" y="{at + 8}" text-anchor="end" fill="{ink}">{escape(low)}</text>',
        f'<text x="{right + 5}" y="{at + 8}" fill="{ink}">{escape(high)}</text>',
    ]
