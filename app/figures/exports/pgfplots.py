"""A figure as pgfplots text: \\input it, or compile it as it is (`\\usepackage{pgfplots}`).

Numbers keep their full precision. Every text is escaped: a strategy's or a model's name cannot break, or be, TeX.
"""

from collections.abc import Iterator
from math import isfinite

from app.figures import Figure
from app.figures.exports.chart import Axis, Chart, Series, chart

ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "\u2265": r"$\geq$", "\u2264": r"$\leq$", "\u00b1": r"$\pm$", "\u00b7": r"$\cdot$", "\u00d7": r"$\times$",
    "\u2212": r"$-$", "\u2013": "--", "\u2026": r"\dots{}", "\u221a": r"$\sqrt{}$",
    "\u03c3": r"$\sigma$", "\u03b5": r"$\varepsilon$",
    "\u2081": r"$_1$", "\u2082": r"$_2$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip
MARKS = {
    "circle": "*",
    "square": "square*",
    "diamond": "diamond*",
    "triangle-up": "triangle*",
    "triangle-down": "triangle*",
}
OPEN = {"circle": "o", "square": "square", "diamond": "diamond", "triangle-up": "triangle", "triangle-down": "triangle"}
STYLES = {"solid": "solid", "dot": "dotted", "dash": "dashed", "dashdot": "dashdotted"}


def escape(text: str) -> str:
    """Text that TeX sets as it reads. Line ends and control characters become spaces."""
    flat = "".join(character if character.isprintable() else " " for character in text)
    return "".join(ESCAPES.get(character, character) for character in flat)


def write(figure: Figure, *, title: str) -> str:
    shown = chart(figure)
    names = {hue: f"pbhue{chr(ord('a') + place)}" for place, hue in enumerate(_hues(shown))}
    lines = [
        "% Made by Proofboard. Needs \\usepackage{pgfplots} and \\pgfplotsset{compat=1.18}.",
        *(f"\\definecolor{{{name}}}{{HTML}}{{{hue[1:].upper()}}}" for hue, name in names.items()),
        "\\begin{tikzpicture}",
        "\\begin{axis}[",
        f"  title={{{escape(title)}}},",
        *_axis("x", shown.x),
        *_axis("y", shown.y),
        "  width=0.95\\linewidth, height=0.6\\linewidth,",
        "  legend style={at={(0.5,-0.22)}, anchor=north, legend columns=2, font=\\small},",
        *(_heat_options(series) for series in shown.series if series.kind == "heat"),
        "]",
        *(line for series in shown.series for line in _plot(series, names)),
        "\\end{axis}",
        "\\end{tikzpicture}",
    ]
    return "\n".join(lines) + "\n"


def _hues(shown: Chart) -> list[str]:
    return list(dict.fromkeys(series.colour for series in shown.series))


def _axis(name: str, axis: Axis) -> Iterator[str]:
    yield f"  {name}label={{{escape(axis.title)}}},"
    if axis.is_log:
        yield f"  {name}mode=log,"
    if axis.window is not None and axis.window[0] < axis.window[1]:
        yield f"  {name}min={axis.window[0]:.6g}, {name}max={axis.window[1]:.6g},"
    if axis.is_reversed:
        yield f"  {name} dir=reverse,"
    if axis.labels:
        yield f"  {name}tick={{{','.join(f'{place:g}' for place in axis.labels)}}},"
        yield f"  {name}ticklabels={{{','.join(f'{{{escape(text)}}}' for text in axis.labels.values())}}},"


def _heat_options(series: Series) -> str:
    stops = " ".join(
        f"rgb255({place:.3f}cm)=({','.join(str(part) for part in bytes.fromhex(hue[1:]))})"
        for place, hue in series.scale
    )
    low, high = series.limits
    return f"  enlargelimits=false, colorbar, colormap={{pb}}{{{stops}}}, point meta min={low:.6g}, point meta max={high:.6g},"


def _plot(series: Series, names: dict[str, str]) -> Iterator[str]:
    if series.kind == "heat":
        yield f"\\addplot[matrix plot*, mesh/cols={len(series.z[0])}, point meta=explicit] coordinates {{"
        for b, row in zip(series.y, series.z, strict=True):
            cells = zip(series.x, row, strict=True)
            yield " ".join(f"({a:g},{b:g}) [{'nan' if value is None else format(value, '.6g')}]" for a, value in cells)
        yield "};"
        return
    yield f"\\addplot[{_options(series, names[series.colour])}] coordinates {{"
    yield " ".join(
        f"({a!r},{b!r})" for a, b in dict.fromkeys(zip(series.x, series.y, strict=True)) if isfinite(a) and isfinite(b)
    )
    yield "}" + (" \\closedcycle;" if series.kind == "area" else ";")
    if series.in_legend and series.name:
        yield f"\\addlegendentry{{{escape(series.name)}}}"


def _options(series: Series, hue: str) -> str:
    quiet = "" if series.in_legend and series.name else ", forget plot"
    match series.kind:
        case "marks":
            shape = series.symbol.removesuffix("-open")
            mark = (OPEN if series.symbol.endswith("-open") else MARKS).get(shape, "*")
            turned = ", mark options={rotate=180}" if shape == "triangle-down" else ""
            return f"only marks, mark={mark}, mark size=1.8pt, color={hue}, opacity={series.opacity:g}{turned}{quiet}"
        case "area":
            return f"draw=none, fill={hue}, fill opacity={series.opacity:g}{quiet}"
        case "bar":
            return f"ybar, bar width=2pt, draw=none, fill={hue}{quiet}"
        case _:
            return f"{STYLES.get(series.dash, 'solid')}, thick, no marks, color={hue}{quiet}"
