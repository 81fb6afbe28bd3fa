"""Proofs as pages: the list, and one proof with its claim in words and in exact numbers."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.responses import StreamingResponse

from app.errors import NotFound
from app.figures.heatmaps import block_map
from app.storage import models, proofs
from app.storage.records import ModelRecord, ProofRecord
from app.storage.records import Page as ListPage
from app.web import certificates, exports, listing, rows, schemas
from app.web.api.proofs import SORT, ProofId
from app.web.pages import Page, Shell, render
from app.web.site import SiteDep
from proofs.strategies import BY_NAME, CATALOGUE, Strategy
from proofs.task import MaxOfK

router = APIRouter(prefix="/proofs", include_in_schema=False)

PAGE = 50


@dataclass(frozen=True)
class ProofsPage(Page):
    template = "proofs/index.html"
    listing: listing.Listing
    proofs: ListPage[ProofRecord]
    strategies: tuple[Strategy, ...]


@dataclass(frozen=True)
class ProofPage(Page):
    template = "proofs/show.html"
    proof: ProofRecord
    model: ModelRecord
    strategy: Strategy | None
    chance: int
    """Sequences that the best constant answer gets right: what a bound must beat."""
    caveats: tuple[str, ...]


def _read(request: Request, path: str) -> listing.Listing:
    return listing.read(path, request.query_params, proofs.FIELDS, sort=SORT, limit=PAGE)


@router.get("", name="proofs")
def index(request: Request, site: SiteDep) -> Response:
    shown = _read(request, "/proofs")
    with site.database.reading() as session:
        shell = Shell.of(request, session, *shown.notice())
        found = proofs.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
    return render(request, shell, ProofsPage(shown, found, CATALOGUE))


@router.get(".json", name="proofs.json")
def index_json(request: Request, site: SiteDep) -> schemas.PageOut[schemas.ProofOut]:
    shown = listing.strict(_read(request, "/proofs"))
    with site.database.reading() as session:
        return schemas.proofs(
            proofs.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
        )


@router.get(".csv", name="proofs.csv")
def index_csv(request: Request, site: SiteDep) -> StreamingResponse:
    shown = listing.strict(_read(request, "/proofs"))

    def page(following: str | None) -> ListPage[ProofRecord]:
        with site.database.reading() as session:
            return proofs.page(session, filters=shown.filters, sort=shown.sort, next=following, limit=rows.PAGE)

    first = page(None)  # what is wrong with the request shows before the answer begins
    every = rows.every(lambda following: first if following is None else page(following))
    return exports.csv_response(map(rows.proof, every), rows.PROOF_COLUMNS, "proofboard-proofs")


@router.get("/{proof_id}", name="proof")
def show(request: Request, site: SiteDep, proof_id: ProofId) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        proof = proofs.get(session, proof_id)
        model = models.get(session, proof.model_digest)
    page = ProofPage(
        proof=proof,
        model=model,
        strategy=BY_NAME.get(proof.strategy),
        chance=MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx).constant_correct,
        caveats=tuple(_caveats(proof)),
    )
    return render(request, shell, page)


def _caveats(proof: ProofRecord) -> list[str]:
    """What a reader must know before quoting the number."""
    said = []
    if proof.trust == "float":
        said.append(
            "Computed in floating point without error bounds, exactly as published: it reproduces the paper's figures "
            "and is not a theorem. The strict variant of the same strategy is."
        )
    if proof.soundness_alarm:
        said.append(
            "Soundness alarm: this bound is above what is proved of the same model, which is impossible. One of the "
            "two proofs has a bug; the result is on no front. Please report it with the certificate."
        )
    if proof.tightness_basis == "proved":
        said.append(
            "The true accuracy is not known exactly: tightness is measured against the proved upper end, so the real one "
            "is at least as high."
        )
    if proof.lengths and "reference-v1" not in proof.lengths:
        said.append("The published cost model does not define a length for this strategy.")
    return said


@router.get("/{proof_id}/blocks.json", name="blocks")
def blocks(site: SiteDep, proof_id: ProofId) -> Response:
    """The heat map of certified, undecided and wrong inputs by (query, maximum)."""
    with site.database.reading() as session:
        proof = proofs.get(session, proof_id)
        model = models.get(session, proof.model_digest)
    if proof.certificate is None:
        raise NotFound(f"Proof {proof_id} has no certificate: only a proof with a result has one.")
    task = MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx)
    figure = block_map(task, certificates.blocks(site.blobs.get(proof.certificate), task))
    return Response(orjson.dumps(figure), media_type="application/json")


@router.post("/{proof_id}/cancel", name="cancel")
def cancel(
    request: Request,
    site: SiteDep,
    proof_id: ProofId,
    back: Annotated[str, Form(pattern="^(model|queue|proof)$")] = "proof",
) -> Response:
    """`back` names one of our own pages; an address from the request is never followed."""
    with site.database.writing() as session:
        proof = proofs.cancel(session, proof_id)
    address = {
        "model": site.addresses("model", digest=proof.model_digest),
        "queue": site.addresses("queue"),
        "proof": site.addresses("proof", proof_id=proof_id),
    }[back]
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


@router.post("/{proof_id}/again", name="again")
def again(request: Request, site: SiteDep, proof_id: ProofId) -> Response:
    """Queues a proof that ended without a result once more."""
    with site.database.writing() as session:
        proof = proofs.get(session, proof_id)
        proofs.request(session, site.queue, model_digest=proof.model_digest, wanted=[(proof.strategy, proof.variant)])
    return RedirectResponse(site.addresses("proof", proof_id=proof_id), HTTPStatus.SEE_OTHER)
