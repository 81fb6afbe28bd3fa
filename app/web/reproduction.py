"""Our numbers beside the published ones, row by row; and other people's old results, imported from their CSV files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from app.errors import AppError, BadRequest, RefusedUpload
from app.figures import Figure
from app.figures.fronts import Height, bound_against_length, front_of
from app.figures.published import with_overlay
from app.published import facts
from app.published.differences import Difference, differences, equal_lengths
from app.published.facts import Generation
from app.published.overlay import overlay
from app.published.reproduction import Line, Pair, compare
from app.published.results import MalformedResults, decoded, read
from app.storage import explanations, proofs, reference_results
from app.storage.records import FrontPoint
from app.storage.reference_results import NewResult, Origin
from app.web import exports, fronts
from app.web.pages import Page, Shell, render
from app.web.site import Site, SiteDep
from proofs.strategies import Variant
from proofs.task import MaxOfK

router = APIRouter(prefix="/reproduction", include_in_schema=False)

PATH = "/reproduction"
COLUMNS = (
    "row", "source", "variant", "mean", "sd", "models", "normalised_mean", "normalised_sd", "shortest", "longest",
)  # fmt: skip

LARGEST_N_CTX, LARGEST_D_VOCAB = 64, 4096


class RefusedResults(RefusedUpload):
    """The results file cannot be read."""

    code = "malformed-results"


@dataclass(frozen=True)
class ReproductionPage(Page):
    template = "reproduction/index.html"
    task: MaxOfK
    tasks: tuple[fronts.Choice, ...]
    generation: Generation
    generations: tuple[fronts.Choice, ...]
    lines: tuple[Line, ...]
    models: int
    """Stored models of this task and of the published width."""
    left_out: int
    """Stored models of this task of another width."""
    figure: Figure
    differences: tuple[Difference, ...]
    equal_lengths: tuple[int, int]
    origins: tuple[Origin, ...]
    source: str
    query: str
    refusal: str | None


@dataclass(frozen=True)
class _Asked:
    n_ctx: int
    d_vocab: int
    generation: Generation

    @property
    def query(self) -> str:
        generation = "" if self.generation is Generation.POST else f"&generation={self.generation}"
        return f"?task={self.n_ctx}-{self.d_vocab}{generation}"


def _asked(request: Request) -> tuple[_Asked, tuple[str, ...]]:
    """What the address asks for, and notices about what it says besides."""
    query = request.query_params
    names = {f"{n_ctx}-{d_vocab}": (n_ctx, d_vocab) for n_ctx, d_vocab in facts.tasks()}
    task, generation = query.get("task", "4-64"), query.get("generation", "post")
    unknown = [name[:60] for name in query if name not in ("task", "generation", "imported")]
    unknown += ["task"] * (task not in names) + ["generation"] * (generation not in tuple(Generation))
    n_ctx, d_vocab = names.get(task, (4, 64))
    asked = _Asked(n_ctx, d_vocab, Generation(generation) if generation in tuple(Generation) else Generation.POST)
    return asked, ((f"Not understood and left out: {', '.join(unknown)}.",) if unknown else ())


@router.get("", name="reproduction")
def index(request: Request, site: SiteDep, imported: Annotated[int | None, Query()] = None) -> Response:
    done = (f"{imported:,} results were imported.",) if imported is not None else ()
    return _page(request, site, None, HTTPStatus.OK, *done)


def _page(request: Request, site: Site, refusal: str | None, status: HTTPStatus, *notices: str) -> Response:
    asked, unknown = _asked(request)
    task = MaxOfK(d_vocab=asked.d_vocab, n_ctx=asked.n_ctx)
    with site.database.reading() as session:
        shell = Shell.of(request, session, *notices, *unknown)
        points, others = _ours(session, task)
        stored = reference_results.of_task(session, n_ctx=task.n_ctx, d_vocab=task.d_vocab)
        origins = reference_results.origins(session)
    lines = compare(points, stored, n_ctx=task.n_ctx, d_vocab=task.d_vocab, generation=asked.generation)
    page = ReproductionPage(
        task=task,
        tasks=_tasks(asked),
        generation=asked.generation,
        generations=_generations(asked),
        lines=lines,
        models=len({point.model_digest for point in points}),
        left_out=others,
        figure=_figure(points, asked),
        differences=differences(),
        equal_lengths=equal_lengths(),
        origins=tuple(origins),
        source=facts.SOURCE,
        query=asked.query,
        refusal=refusal,
    )
    return render(request, shell, page, status)


def _ours(session: Any, task: MaxOfK) -> tuple[list[FrontPoint], int]:
    """Proofs about models of this task and of the published width; and how many models have another width."""
    widths = explanations.widths(session)
    points = proofs.front(session, task=(task.n_ctx, task.d_vocab))
    fitting = [point for point in points if widths.get(point.model_digest) == facts.D_MODEL]
    every, kept = ({point.model_digest for point in some} for some in (points, fitting))
    return fitting, len(every - kept)


def _figure(points: list[FrontPoint], asked: _Asked) -> Figure:
    """As published against published: the same arguments on other weights."""
    same = [point for point in points if point.variant == Variant.AS_PUBLISHED]
    figure = bound_against_length(front_of(same, cost_model="reference-v1", height=Height.TIGHTNESS))
    published = overlay(asked.n_ctx, asked.d_vocab, asked.generation)
    return figure if published is None else with_overlay(figure, published, Height.TIGHTNESS)


def _tasks(asked: _Asked) -> tuple[fronts.Choice, ...]:
    return tuple(
        fronts.Choice(
            f"K = {n_ctx}, v = {d_vocab}", PATH + _Asked(n_ctx, d_vocab, asked.generation).query,
            (n_ctx, d_vocab) == (asked.n_ctx, asked.d_vocab),
        )
        for n_ctx, d_vocab in facts.tasks()
    )  # fmt: skip


def _generations(asked: _Asked) -> tuple[fronts.Choice, ...]:
    labels = {Generation.POST: "after the fix", Generation.PRE: "before the fix"}
    return tuple(
        fronts.Choice(label, PATH + _Asked(asked.n_ctx, asked.d_vocab, one).query, one is asked.generation)
        for one, label in labels.items()
    )


@router.get(".json", name="reproduction.json")
def index_json(request: Request, site: SiteDep) -> dict[str, Any]:
    asked = _strict(request)
    return {
        "task": {"n_ctx": asked.n_ctx, "d_vocab": asked.d_vocab},
        "generation": str(asked.generation),
        "source": facts.SOURCE,
        "rows": list(_rows(site, asked)),
        "differences": [vars(one) for one in differences()],
    }


@router.get(".csv", name="reproduction.csv")
def index_csv(request: Request, site: SiteDep) -> Response:
    return exports.csv_response(_rows(site, _strict(request)), COLUMNS, "proofboard-reproduction")


def _strict(request: Request) -> _Asked:
    asked, unknown = _asked(request)
    if unknown:
        raise BadRequest(unknown[0])
    return asked


def _rows(site: Site, asked: _Asked) -> Iterator[Mapping[str, Any]]:
    """One line for each row and source, with full precision."""
    task = MaxOfK(d_vocab=asked.d_vocab, n_ctx=asked.n_ctx)
    with site.database.reading() as session:
        points, _ = _ours(session, task)
        stored = reference_results.of_task(session, n_ctx=task.n_ctx, d_vocab=task.d_vocab)
    for line in compare(points, stored, n_ctx=task.n_ctx, d_vocab=task.d_vocab, generation=asked.generation):
        yield _row(line, "published", str(asked.generation), line.published, line.published_lengths)
        for variant, pair in line.ours.items():
            yield _row(line, "here", str(variant), pair, line.our_lengths)
        for origin, pair in line.imported.items():
            yield _row(line, origin, "imported", pair, None)


def _row(line: Line, source: str, variant: str, pair: Pair, lengths: tuple[int, int] | None) -> Mapping[str, Any]:
    bound, ratio = pair.bound, pair.normalised
    return {
        "row": str(line.row), "source": source, "variant": variant,
        "mean": bound and bound.mean, "sd": bound and bound.sd, "models": (bound or ratio) and (bound or ratio).seeds,  # type: ignore[union-attr]
        "normalised_mean": ratio and ratio.mean, "normalised_sd": ratio and ratio.sd,
        "shortest": lengths and str(lengths[0]), "longest": lengths and str(lengths[1]),
    }  # fmt: skip


@router.post("/results", name="import")
def import_results(
    request: Request,
    site: SiteDep,
    file: UploadFile,
    origin: Annotated[str, Form()],
    n_ctx: Annotated[int, Form(ge=1, le=LARGEST_N_CTX)],
    d_vocab: Annotated[int, Form(ge=1, le=LARGEST_D_VOCAB)],
) -> Response:
    """All rows of the file, or none and the reason."""
    try:
        found = parse(file.file.read(), MaxOfK(d_vocab=d_vocab, n_ctx=n_ctx))
        with site.database.writing() as session:
            reference_results.put(session, origin=origin, n_ctx=n_ctx, d_vocab=d_vocab, results=found)
    except AppError as error:
        return _page(request, site, error.message, HTTPStatus(error.status))
    back = f"{request.app.url_path_for('reproduction')}?task={n_ctx}-{d_vocab}&imported={len(found)}"
    return RedirectResponse(back, HTTPStatus.SEE_OTHER)


def parse(content: bytes, task: MaxOfK) -> list[NewResult]:
    """Raises `RefusedResults` with line and column."""
    try:
        return [NewResult(**vars(one), bound=one.bound) for one in read(decoded(content), task)]
    except MalformedResults as error:
        raise RefusedResults(str(error)) from error


@router.post("/results/remove", name="import.remove")
def remove(
    request: Request,
    site: SiteDep,
    origin: Annotated[str, Form()],
    n_ctx: Annotated[int, Form()],
    d_vocab: Annotated[int, Form()],
) -> Response:
    with site.database.writing() as session:
        reference_results.remove(session, origin=origin, n_ctx=n_ctx, d_vocab=d_vocab)
    return RedirectResponse(request.app.url_path_for("reproduction"), HTTPStatus.SEE_OTHER)
