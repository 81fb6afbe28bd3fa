"""The first page: the front over all models, what is running, what is new."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.storage import models, proofs
from app.storage.records import Filter, Op, ProofRecord, State
from app.storage.records import Page as ListPage
from app.web import exports, fronts, rows, schemas
from app.web.folding import FEW, Lines, folded
from app.web.pages import Page, Shell, render
from app.web.site import Site, SiteDep

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

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
    return site.kept.answer(request, site.database, partial(_overview, request, site))


def _overview(request: Request, site: Site, session: "Session") -> Response:
    shell = Shell.of(request, session, *fronts.unknown(request.query_params))
    counts = proofs.counts(session)
    page = OverviewPage(
        models_total=models.total(session),
        counts=counts,
        front=fronts.view(
            fronts.Every(site.clouds.now(session), session),
            request.query_params,
            request.url.path,
            kept_off=proofs.kept_off(session),
        ),
        under_way=folded(_under_way(session, counts), RUNNING),
        newest=folded(_of_state(session, State.DONE, counts, sort="-requested_at"), NEWEST),
    )
    return render(request, shell, page)


def _under_way(session: "Session", counts: Mapping[State, int]) -> ListPage[ProofRecord]:
    """What runs, then what waits, each in the order of the requests."""
    running, queued = (_of_state(session, one, counts, sort="requested_at") for one in (State.RUNNING, State.QUEUED))
    return ListPage((running.items + queued.items)[:FEW], running.next or queued.next, running.total + queued.total)


def _of_state(session: "Session", state: State, counts: Mapping[State, int], *, sort: str) -> ListPage[ProofRecord]:
    return proofs.page(session, filters=[Filter("state", Op.EQ, state)], sort=sort, limit=FEW, total=counts[state])


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
