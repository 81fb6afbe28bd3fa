"""What overview and model page share: the choice of ruler and height in the address, the drawing, its table twin."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from app import numbers
from app.figures import Figure
from app.figures.fronts import MOST_MARKERS, Front, Height, bound_against_length, front_of
from app.storage.records import FrontPoint
from app.web.rows import COST_MODELS

RULERS = {
    "measured-v1": "what our check executes",
    "reference-v1": "the published cost model",
}
PARAMETERS = ("length", "y")


@dataclass(frozen=True)
class Choice:
    """One of several ways to look; a link."""

    label: str
    url: str
    chosen: bool
    title: str = ""


@dataclass(frozen=True)
class Step:
    """One line of the table under a front."""

    point: FrontPoint
    length: int


@dataclass(frozen=True)
class FrontView:
    figure: Figure
    cost_model: str
    steps: dict[str, list[Step]]
    """By variant."""
    drawn: int
    rulers: tuple[Choice, ...]
    heights: tuple[Choice, ...]
    remarks: tuple[str, ...]


def view(points: list[FrontPoint], query: QueryParams, path: str) -> FrontView:
    ruler = _chosen(query.get("length"), COST_MODELS)
    height = Height(_chosen(query.get("y"), tuple(Height)))
    found = front_of(points, cost_model=ruler, height=height)
    return FrontView(
        figure=bound_against_length(found),
        cost_model=ruler,
        steps={name: [Step(one, found.length_of(one)) for one in steps] for name, steps in found.steps.items()},
        drawn=len(found.points),
        rulers=tuple(
            Choice(name, f"{path}?{urlencode({'length': name, 'y': height})}", name == ruler, RULERS[name])
            for name in COST_MODELS
        ),
        heights=tuple(
            Choice(str(one), f"{path}?{urlencode({'length': ruler, 'y': one})}", one is height) for one in Height
        ),
        remarks=tuple(_remarks(found)),
    )


def unknown(query: QueryParams, *, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Notices about parameters, or values, that mean nothing here."""
    names = [name for name in query if name not in (*PARAMETERS, *also)]
    if query.get("length") not in (None, *COST_MODELS):
        names.append("length")
    if query.get("y") not in (None, *Height):
        names.append("y")
    return (f"Not understood and left out: {', '.join(name[:60] for name in names)}.",) if names else ()


def _chosen(given: str | None, known: tuple[str, ...]) -> str:
    return given if given in known else known[0]


def _remarks(front: Front) -> list[str]:
    """Whatever is not drawn as a mark of its own is said in a sentence."""
    said = []
    if front.left_out:
        why = "length in this cost model" if front.height is Height.BOUND else "length in this cost model or no tightness yet"
        said.append(f"{numbers.exact(front.left_out)} finished proofs are not drawn: they have no {why}.")
    if len(front.points) > MOST_MARKERS:
        said.append(f"Of {numbers.exact(len(front.points))} proofs only the fronts are marks; the rest is shaded by number.")
    if front.alarms:
        said.append(f"{numbers.exact(front.alarms)} proofs under a soundness alarm are on no front.")
    return said
