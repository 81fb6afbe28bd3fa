"""The figures as pages, and as files: SVG, CSV, pgfplots and Plotly's JSON, made on the server without a browser."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, Response

from app.errors import ModelNotFound
from app.figures import Figure
from app.figures.exports import pgfplots, svg, table
from app.storage import models
from app.storage.records import ModelRecord
from app.web import exports, gallery
from app.web.gallery import ENTRIES, Asked, Entry, Made
from app.web.pages import Page, Shell, render
from app.web.schemas import Digest
from app.web.site import SiteDep

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(prefix="/figures", include_in_schema=False)

MOST_MODELS = 200
"""Offered in the list of models; any other is asked for in the address."""

Model = Annotated[Digest | None, Query()]
Ending = Literal["svg", "csv", "tex", "json"]
FORMATS: tuple[tuple[Ending, str], ...] = (
    ("svg", "SVG"),
    ("csv", "CSV"),
    ("tex", "LaTeX (pgfplots)"),
    ("json", "Plotly JSON"),
)


@dataclass(frozen=True)
class FiguresPage(Page):
    template = "figures/index.html"
    overall: tuple[Entry, ...]
    of_model: tuple[Entry, ...]
    models: tuple[ModelRecord, ...]
    model: ModelRecord | None


@dataclass(frozen=True)
class FigurePage(Page):
    template = "figures/show.html"
    entry: Entry
    made: Made
    model: ModelRecord | None
    files: tuple[tuple[str, str], ...]
    """What each format is called, and its address."""


@router.get("", name="figures")
def index(request: Request, site: SiteDep, model: Model = None) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session, *_notice(request, ("model",)))
        found = models.page(session, limit=MOST_MODELS).items
        chosen = models.get(session, model) if model else next(iter(found), None)
    overall = tuple(entry for entry in ENTRIES if not entry.of_model)
    of_model = tuple(entry for entry in ENTRIES if entry.of_model)
    return render(request, shell, FiguresPage(overall, of_model, tuple(found), chosen))


@router.get("/{name}.{ending}", name="figure.file")
def file(request: Request, site: SiteDep, name: str, ending: Ending, model: Model = None) -> Response:
    entry = gallery.entry_of(name)
    with site.database.reading() as session:
        digest, record = _model(session, entry, model)
        figure = entry.make(Asked(site, session, request.query_params, f"/figures/{name}", digest)).figure
    title = entry.title + (f": {record.name}" if record else "")
    return exported(figure, ending, title=title, name=f"proofboard-{name}")


def exported(figure: Figure, ending: Ending, *, title: str, name: str) -> Response:
    """`name` is ours: it becomes the name of the file."""
    headers = {"content-disposition": f'inline; filename="{name}.{ending}"'}
    match ending:
        case "svg":
            # Opened by itself, an SVG is a page: it may style itself and hold its own image, and nothing else.
            policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
            safe = {**headers, "content-security-policy": policy}
            return Response(svg.draw(figure, title=title), media_type="image/svg+xml", headers=safe)
        case "tex":
            return PlainTextResponse(pgfplots.write(figure, title=title), headers=headers)
        case "json":
            return Response(orjson.dumps(figure), media_type="application/json", headers=headers)
        case _:
            return exports.csv_response(table.rows(figure), table.columns(figure), name)


@router.get("/{name}", name="figure")
def show(request: Request, site: SiteDep, name: str, model: Model = None) -> Response:
    entry = gallery.entry_of(name)
    known = ("model",) if entry.of_model else entry.parameters
    with site.database.reading() as session:
        shell = Shell.of(request, session, *_notice(request, known))
        digest, record = _model(session, entry, model)
        made = entry.make(Asked(site, session, request.query_params, request.url.path, digest))
    query = urlencode([pair for pair in request.query_params.multi_items() if pair[0] in known])
    if record is not None and model is None:
        query = urlencode({"model": digest})
    files = tuple((label, f"/figures/{name}.{ending}" + (f"?{query}" if query else "")) for ending, label in FORMATS)
    return render(request, shell, FigurePage(entry, made, record, files))


def _model(session: "Session", entry: Entry, digest: str | None) -> tuple[str, ModelRecord | None]:
    """The model in the address, else the newest. Raises `ModelNotFound`."""
    if not entry.of_model:
        return "", None
    if digest is None:
        newest = models.page(session, limit=1).items
        if not newest:
            raise ModelNotFound("There is no model yet, so there is nothing to draw: upload one first.")
        return newest[0].digest, newest[0]
    return digest, models.get(session, digest)


def _notice(request: Request, known: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name[:60] for name in request.query_params if name not in known]
    return (f"Not understood and left out: {', '.join(unknown)}.",) if unknown else ()
