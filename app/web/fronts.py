"""What overview and model page share: the choice of ruler and height in the address, the drawing, its table twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from app import numbers
from app.figures import Figure
from app.figures.fronts import Front, Height, Kind, bound_against_length, front_among, front_of
from app.figures.published import with_overlay
from app.published import facts
from app.published.facts import Generation
from app.published.overlay import overlay
from app.storage import proofs
from app.storage.cloud import Cloud
from app.storage.records import Doubt, FrontPoint
from app.web.rows import COST_MODELS

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

RULERS = {
    "measured-v1": "what our check executes",
    "reference-v1": "the published cost model",
}
PUBLISHED_RULER = "reference-v1"
LISTED_RULER = "measured-v1"
"""What a list of proofs filters by."""

OVERLAYS = {"": None, "published": Generation.POST, "published-before-the-fix": Generation.PRE}
MOST_STEPS = 40
"""Of one front in the table below it."""

PARAMETERS = ("length", "y", "task", "overlay")


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
    height: Height
    box: str
    """Address of the list of all that is drawn, to be narrowed to a box; empty where the list knows no such length."""
    fronts: tuple[tuple[Kind, list[Step]], ...]
    drawn: int
    tasks: tuple[Choice, ...]
    """Empty where there is only one."""
    rulers: tuple[Choice, ...]
    heights: tuple[Choice, ...]
    overlays: tuple[Choice, ...]
    """Empty where nothing was published."""
    remarks: tuple[str, ...]


Task = tuple[int, int]
"""n_ctx and d_vocab."""


class Results(Protocol):
    """What a front is drawn of."""

    @property
    def tasks(self) -> list[Task]: ...

    def front(self, task: Task | None, cost_model: str, height: Height) -> Front:
        """Of one task, or of all."""


@dataclass(frozen=True)
class Few:
    """Results that are read already: those of one model."""

    points: Sequence[FrontPoint]

    @property
    def tasks(self) -> list[Task]:
        return sorted({(point.n_ctx, point.d_vocab) for point in self.points})

    def front(self, task: Task | None, cost_model: str, height: Height) -> Front:
        among = [point for point in self.points if task in (None, (point.n_ctx, point.d_vocab))]
        return front_of(among, cost_model=cost_model, height=height)


@dataclass(frozen=True)
class Every:
    """All results, as columns; those that become marks are read when they are known."""

    cloud: Cloud
    session: "Session"

    @property
    def tasks(self) -> list[Task]:
        return self.cloud.tasks

    def front(self, task: Task | None, cost_model: str, height: Height) -> Front:
        among = self.cloud if task is None else self.cloud.where(self.cloud.is_of_task(*task))
        read = partial(proofs.points, self.session)
        return front_among(among, read, cost_model=cost_model, height=height)


def view(
    results: Results,
    query: QueryParams,
    path: str,
    *,
    kept_off: Mapping[Doubt, int],
    besides: Sequence[tuple[str, str]] = (),
    listed: Sequence[tuple[str, str]] | None = (),
) -> FrontView:
    """`kept_off` counts the results that are in doubt, hence not among these; `besides` is what else the address says.
    `listed` are the filters by which the list of proofs shows these results, None where it cannot."""
    tasks = results.tasks
    names = [f"{n_ctx}-{d_vocab}" for n_ctx, d_vocab in tasks]
    task = _chosen(query.get("task"), ("", *names))
    ruler = _chosen(query.get("length"), COST_MODELS)
    height = Height(_chosen(query.get("y"), tuple(Height)))
    found = results.front(tasks[names.index(task)] if task else None, ruler, height)
    laid = _chosen(query.get("overlay"), tuple(OVERLAYS))
    figure, said = _overlaid(bound_against_length(found), found, OVERLAYS[laid])

    def choice(label: str, *, title: str = "", chosen: bool, **change: str) -> Choice:
        state = {"length": ruler, "y": str(height), "task": task, "overlay": laid, **change}
        pairs = [*besides, *((name, value) for name, value in state.items() if value)]
        return Choice(label, f"{path}?{urlencode(pairs)}", chosen, title)

    every = choice("all tasks", chosen=task == "", task="")
    labels = [f"max-of-{n_ctx}, {d_vocab} tokens" for n_ctx, d_vocab in tasks]
    one = [choice(label, chosen=task == name, task=name) for label, name in zip(labels, names, strict=True)]
    return FrontView(
        figure=figure,
        cost_model=ruler,
        height=height,
        box=_box(found, listed, task) if ruler == LISTED_RULER else "",
        fronts=tuple(
            (kind, [Step(p, found.length_of(p)) for p in _listed(steps)]) for kind, steps in found.steps.items()
        ),
        drawn=found.drawn,
        tasks=(every, *one) if len(tasks) > 1 else (),
        rulers=tuple(choice(name, title=RULERS[name], chosen=name == ruler, length=name) for name in COST_MODELS),
        heights=tuple(choice(str(h), chosen=h is height, y=str(h)) for h in Height),
        overlays=(
            choice("ours", chosen=laid == "", overlay=""),
            *(
                choice(
                    name.replace("-", " "),
                    title=facts.SOURCE,
                    chosen=laid == name,
                    overlay=name,
                    length=PUBLISHED_RULER,
                )
                for name in tuple(OVERLAYS)[1:]
            ),
        )
        if any(one in facts.tasks() for one in tasks)
        else (),
        remarks=(*said, *_remarks(found), *_doubted(kept_off)),
    )


def _box(found: Front, listed: Sequence[tuple[str, str]] | None, task: str) -> str:
    if listed is None or not found.drawn:
        return ""
    of_task = zip(("n_ctx", "d_vocab"), task.split("-"), strict=True) if task else ()
    return f"/proofs?{urlencode([*listed, *of_task, ('soundness_alarm', 'false')])}"


def _listed(steps: Sequence[FrontPoint]) -> list[FrontPoint]:
    """Few enough to read: both ends and what lies evenly between; `_remarks` says so."""
    if len(steps) <= MOST_STEPS:
        return list(steps)
    return [steps[place * (len(steps) - 1) // (MOST_STEPS - 1)] for place in range(MOST_STEPS)]


def _overlaid(figure: Figure, found: Front, generation: Generation | None) -> tuple[Figure, tuple[str, ...]]:
    """The figure with the published results, or why they are not in it."""
    if generation is None:
        return figure, ()
    if found.cost_model != PUBLISHED_RULER:
        return figure, (f"Published lengths are known under {PUBLISHED_RULER} only: choose it to see them here.",)
    tasks = {(kind.n_ctx, kind.d_vocab) for kind in found.steps}
    if len(tasks) != 1:
        return figure, ("Published results are about one task: choose a task to see them here.",)
    published = overlay(*tasks.pop(), generation)
    if published is None:
        return figure, ("Nothing was published about this task.",)
    warning = (
        (
            "Published before the fix: these sub-cubic bounds are about a wrong query embedding, not about the real models.",
        )
        if generation is Generation.PRE
        else ()
    )
    return with_overlay(figure, published, found.height), warning


def unknown(query: QueryParams, *, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Notices about parameters, or values, that mean nothing here."""
    names = [name for name in query if name not in (*PARAMETERS, *also)]
    if query.get("length") not in (None, *COST_MODELS):
        names.append("length")
    if query.get("y") not in (None, *Height):
        names.append("y")
    if query.get("overlay") not in (None, *OVERLAYS):
        names.append("overlay")
    return (f"Not understood and left out: {', '.join(name[:60] for name in names)}.",) if names else ()


def _chosen(given: str | None, known: tuple[str, ...]) -> str:
    return given if given in known else known[0]


def _remarks(front: Front) -> list[str]:
    """Whatever is not drawn as a mark of its own is said in a sentence."""
    said = []
    if front.left_out:
        why = (
            "length in this cost model"
            if front.height is Height.BOUND
            else "length in this cost model or no tightness yet"
        )
        said.append(f"{numbers.exact(front.left_out)} finished proofs are not drawn: they have no {why}.")
    if front.drawn > len(front.points):
        said.append(f"Of {numbers.exact(front.drawn)} proofs only the fronts are marks; the rest is shaded by number.")
    if any(len(steps) > MOST_STEPS for steps in front.steps.values()):
        said.append(
            f"All steps are drawn; of a front with more than {MOST_STEPS}, so many evenly spread ones are listed."
        )
    return said


def _doubted(kept_off: Mapping[Doubt, int]) -> list[str]:
    """What is kept off the fronts is never hidden."""
    alarms = sum(count for doubt, count in kept_off.items() if doubt.is_alarm)
    above = kept_off.get(Doubt.ABOVE_TRUTH, 0)
    said = []
    if alarms:
        said.append(f"Proofs under a soundness alarm, kept off every front: {numbers.exact(alarms)}.")
    if above:
        said.append(f"As-published bounds above the truth, kept off every front: {numbers.exact(above)}.")
    return said
