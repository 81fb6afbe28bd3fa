"""The catalogue as a page."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.web import exports, schemas
from app.web.api.strategies import list_strategies
from app.web.pages import Page, Shell, render
from app.web.site import SiteDep
from app.web.subcubic import Table, table
from proofs.strategies import CATALOGUE, SUBCUBIC, Strategy

router = APIRouter(include_in_schema=False)

COLUMNS = ("name", "family", "complexity", "summary", "variants", "code", "group")


@dataclass(frozen=True)
class StrategiesPage(Page):
    template = "strategies.html"
    strategies: tuple[Strategy, ...]
    subcubic: Table


@router.get("/strategies", name="strategies")
def index(request: Request, site: SiteDep) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
    return render(request, shell, StrategiesPage(CATALOGUE, table()))


@router.get("/strategies.json", name="strategies.json")
def index_json() -> schemas.PageOut[schemas.StrategyOut]:
    return list_strategies(published=True)


@router.get("/strategies.csv", name="strategies.csv")
def index_csv() -> Response:
    found = (schemas.strategy(one).model_dump(exclude={"caveats"}) for one in CATALOGUE + SUBCUBIC)
    flat = ({**one, "variants": " | ".join(one["variants"])} for one in found)
    return exports.csv_response(flat, COLUMNS, "proofboard-strategies")
