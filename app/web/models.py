"""Models as pages: the list, one model with its circuits and its front, notes and tags."""

from dataclasses import dataclass
from functools import lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.responses import StreamingResponse

from app.errors import ChangedMeanwhile
from app.figures.heatmaps import PANELS, Panel, circuit_maps
from app.storage import models, proofs
from app.storage.blobs import BlobStore
from app.storage.records import ModelRecord, ProofRecord
from app.storage.records import Page as ListPage
from app.web import exports, fronts, listing, rows, schemas
from app.web.api.models import SORT
from app.web.asking import Asking, asking_of
from app.web.pages import Page, Shell, render
from app.web.schemas import Digest
from app.web.site import Site, SiteDep
from proofs.checkpoint import read_model
from proofs.circuits import MOST_CELLS, circuits
from proofs.strategies import CATALOGUE, EVERYTHING

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(prefix="/models", include_in_schema=False)

PAGE = 50
MOST_PROOFS = 500
"""Read for a model's page."""
NEWEST = 25
"""Shown there, with those on the front; all are a link away."""

WEEK = "public, max-age=604800, immutable"


@dataclass(frozen=True)
class ModelsPage(Page):
    template = "models/index.html"
    listing: listing.Listing
    models: ListPage[ModelRecord]


@dataclass(frozen=True)
class Offer:
    """One strategy in one variant, as the form offers it, with what is known of it for this model."""

    strategy: str
    variant: str
    family: str
    complexity: str
    summary: str
    proof: ProofRecord | None

    @property
    def value(self) -> str:
        return f"{self.strategy}:{self.variant}"

    @property
    def is_open(self) -> bool:
        """A request would queue something."""
        return self.proof is None or self.proof.verdict in proofs.WITHOUT_RESULT


@dataclass(frozen=True)
class ModelPage(Page):
    template = "models/show.html"
    model: ModelRecord
    version: str
    """Of its name, notes and tags."""
    front: fronts.FrontView
    shown: list[ProofRecord]
    """The front and the newest, best bounds first."""
    total: int
    """How many proofs there are."""
    offers: list[Offer]
    asking: Asking
    panels: tuple[Panel, ...]
    pooled: int
    """Tokens for each row of a drawn circuit."""


@dataclass(frozen=True)
class Words:
    """What somebody wrote about a model, as it came."""

    name: str
    notes: str
    tags: str


@dataclass(frozen=True)
class ConflictPage(Page):
    template = "models/conflict.html"
    model: ModelRecord
    version: str
    mine: Words


def _read(request: Request, path: str) -> listing.Listing:
    return listing.read(path, request.query_params, models.FIELDS, sort=SORT, limit=PAGE)


@router.get("", name="models")
def index(request: Request, site: SiteDep) -> Response:
    return site.kept.answer(request, site.database, partial(_index, request))


def _index(request: Request, session: "Session") -> Response:
    shown = _read(request, "/models")
    shell = Shell.of(request, session, *shown.notice())
    found = models.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
    return render(request, shell, ModelsPage(shown, found))


@router.get(".json", name="models.json")
def index_json(request: Request, site: SiteDep) -> schemas.PageOut[schemas.ModelOut]:
    shown = listing.strict(_read(request, "/models"))
    with site.database.reading() as session:
        return schemas.models(
            models.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
        )


@router.get(".csv", name="models.csv")
def index_csv(request: Request, site: SiteDep) -> StreamingResponse:
    shown = listing.strict(_read(request, "/models"))

    def page(following: str | None) -> ListPage[ModelRecord]:
        with site.database.reading() as session:
            return models.page(session, filters=shown.filters, sort=shown.sort, next=following, limit=rows.PAGE)

    first = page(None)  # what is wrong with the request shows before the answer begins
    every = rows.every(lambda following: first if following is None else page(following))
    return exports.csv_response(map(rows.model, every), rows.MODEL_COLUMNS, "proofboard-models")


@router.get("/{digest}", name="model")
def show(request: Request, site: SiteDep, digest: Digest) -> Response:
    notices = list(fronts.unknown(request.query_params, also=("uploaded",)))
    if request.query_params.get("uploaded") == "again":
        notices.append("These weights were already here: this is the model, under the name it was first given.")
    with site.database.reading() as session:
        shell = Shell.of(request, session, *notices)
        model = models.get(session, digest)
        found = proofs.page(session, model_digest=digest, sort="-bound", limit=MOST_PROOFS)
        points, kept_off = proofs.front(session, model_digest=digest), proofs.kept_off(session, model_digest=digest)
        beside = asking_of(session, site.blobs, model, found.items)
    front = fronts.view(
        fronts.Few(points), request.query_params, request.url.path, kept_off=kept_off, listed=[("model_digest", digest)]
    )
    page = ModelPage(
        model=model,
        version=models.version(model),
        front=front,
        shown=_shown(found.items, front),
        total=found.total,
        offers=_offers(found.items),
        asking=beside,
        panels=PANELS,
        pooled=-(-model.d_vocab // MOST_CELLS),
    )
    return render(request, shell, page)


def _shown(known: list[ProofRecord], front: fronts.FrontView) -> list[ProofRecord]:
    """Few enough to read: proofs that came by the hundred are here if they are on the front, and in the list of all."""
    single = [proof for proof in known if proof.leader is None]
    newest = sorted(single, key=lambda proof: (proof.requested_at, proof.id), reverse=True)[:NEWEST]
    wanted = {proof.id for proof in newest} | {step.point.proof_id for _, steps in front.fronts for step in steps}
    return [proof for proof in known if proof.id in wanted]


def _offers(known: list[ProofRecord]) -> list[Offer]:
    by_key = {(proof.strategy, proof.variant): proof for proof in known if not proof.parameters}
    return [
        Offer(one.name, str(variant), one.family, one.complexity, one.summary, by_key.get((one.name, str(variant))))
        for one in CATALOGUE
        for variant in one.variants
    ]


@router.post("/{digest}/proofs", name="prove")
def prove(
    request: Request,
    site: SiteDep,
    digest: Digest,
    wanted: Annotated[list[str] | None, Form()] = None,
    everything_: Annotated[str | None, Form(alias="all")] = None,
) -> Response:
    """Queues what was ticked, or all there is, and shows the model."""
    pairs = EVERYTHING if everything_ else [_pair(one) for one in wanted or []]
    with site.database.writing() as session:
        proofs.request(session, site.queue, model_digest=digest, wanted=pairs)
    return _back(site, digest, "#proofs")


def _pair(text: str) -> tuple[str, str]:
    strategy, _, variant = text.partition(":")
    return strategy, variant or "strict"


@router.post("/{digest}/notes", name="annotate")
def annotate(
    request: Request,
    site: SiteDep,
    digest: Digest,
    name: Annotated[str, Form()],
    notes: Annotated[str, Form()] = "",
    tags: Annotated[str, Form()] = "",
    version: Annotated[str | None, Form()] = None,
) -> Response:
    """`version` is of what the form was filled with: if that changed meanwhile, both texts are shown."""
    mine = Words(name, notes.replace("\r\n", "\n"), tags)
    try:
        with site.database.writing() as session:
            models.annotate(
                session, digest, name=mine.name, notes=mine.notes, tags=mine.tags.split(","),
                expected=None if version is None else [version],
            )  # fmt: skip
    except ChangedMeanwhile as error:
        with site.database.reading() as session:
            shell, model = Shell.of(request, session), models.get(session, digest)
        return render(request, shell, ConflictPage(model, models.version(model), mine), error.status)
    return _back(site, digest, "")


@router.get("/{digest}/circuits.json", name="circuits")
def circuits_json(site: SiteDep, digest: Digest) -> Response:
    """The heat maps. Weights never change, so neither do these."""
    with site.database.reading() as session:
        model = models.get(session, digest)
    return Response(_circuits(site.blobs, model.blob), media_type="application/json", headers={"cache-control": WEEK})


@lru_cache(maxsize=8)
def _circuits(blobs: BlobStore, blob: str) -> bytes:
    maps: dict[str, Any] = circuit_maps(circuits(read_model(blobs.get(blob))))
    return orjson.dumps(maps)


def _back(site: Site, digest: str, fragment: str) -> RedirectResponse:
    return RedirectResponse(f"{site.addresses('model', digest=digest)}{fragment}", HTTPStatus.SEE_OTHER)
