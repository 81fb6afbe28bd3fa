"""The first page: the front over all models, what is running, what is new."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.storage import models, proofs
from app.storage.records import Filter, Op, State
from app.web import exports, fronts, rows, schemas
from app.web.folding import FEW, Lines, folded
from app.web.pages import Page, Shell, render
from app.web.site import SiteDep

router = APIRouter(include_in_schema=False)

NEWEST = 12
RUNNING = 12


@dataclass(frozen=True)
class OverviewPage(Page):
    template = "overview.html"
    models_total: int
    counts: dict[State, int]
    front: fronts.FrontView
    under_way: Lines
    newest: Lines


@router.get("/", name="overview")
def overview(request: Request, site: SiteDep) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session, *fronts.unknown(request.query_params))
        page = OverviewPage(
            models_total=models.page(session, limit=1).total,
            counts=proofs.counts(session),
            front=fronts.view(
                fronts.Every(site.clouds.now(session), session),
                request.query_params,
                request.url.path,
                kept_off=proofs.kept_off(session),
            ),
            under_way=folded(
                proofs.page(session, filters=[Filter("state", Op.IN, "queued,running")], sort="id", limit=FEW), RUNNING
            ),
            newest=folded(proofs.page(session, filters=[Filter("state", Op.EQ, "done")], limit=FEW), NEWEST),
        )
    return render(request, shell, page)


@router.get("/front.json", name="front.json")
def front_json(site: SiteDep) -> list[schemas.FrontPointOut]:
    with site.database.reading() as session:
        return [schemas.front_point(point) for point in proofs.front(session)]


@router.get("/front.csv", name="front.csv")
def front_csv(site: SiteDep) -> Response:
    with site.database.reading() as session:
        points = proofs.front(session)
    flat = (rows.flat(schemas.front_point(point)) for point in points)
    return exports.csv_response(flat, rows.FRONT_COLUMNS, "proofboard-front")
