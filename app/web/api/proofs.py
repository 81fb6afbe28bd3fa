"""Proofs: queue, list, read, cancel."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from app.errors import NotFound
from app.storage import models, proofs
from app.web import certificates, listing, schemas
from app.web.api.parameters import of_list
from app.web.schemas import Digest
from app.web.site import SiteDep
from proofs.strategies import USUAL

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(tags=["proofs"])

SORT = "-requested_at"
ProofId = Annotated[int, Path(ge=1, le=2**31 - 1)]
ZIP = {HTTPStatus.OK: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
FILE = {HTTPStatus.OK: {"content": {"application/json": {"schema": {"type": "object"}}}}}


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strategy: Annotated[str, Field(max_length=100, examples=["cubic"])]
    variant: Annotated[str, Field(max_length=100, examples=["strict"])] = "strict"


class ProofRequest(BaseModel):
    """Which proofs to run on a model: a list, or the usual ones."""

    model_config = ConfigDict(extra="forbid")

    model: Digest
    wanted: Annotated[list[Wanted], Field(min_length=1, max_length=1000)] | None = Field(
        default=None,
        description="Leave it out to queue every strategy strict and as published, and the exact one as executed.",
    )


@router.get(
    "/proofs",
    summary="List proofs",
    response_model=schemas.PageOut[schemas.ProofOut],
    openapi_extra=of_list(proofs.FIELDS, proofs.SORTS, SORT),
)
def list_proofs(request: Request, site: SiteDep) -> Response:
    shown = listing.strict(listing.read(request.url.path, request.query_params, proofs.FIELDS, sort=SORT))

    def make(session: "Session") -> Response:
        found = proofs.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
        return Response(schemas.proofs(found).model_dump_json(), media_type="application/json")

    return site.kept.answer(request, site.database, make)


@router.post("/proofs", summary="Queue proofs", status_code=HTTPStatus.ACCEPTED)
def queue_proofs(site: SiteDep, asked: ProofRequest) -> list[schemas.ProofOut]:
    """One proof for each strategy and variant, in that order. What is queued, running or has its result stays as it is, so
    the same request twice queues nothing twice."""
    pairs = USUAL if asked.wanted is None else [(one.strategy, one.variant) for one in asked.wanted]
    with site.database.writing() as session:
        found = proofs.request(session, site.queue, model_digest=asked.model, wanted=pairs)
        return [schemas.proof(one) for one in found]


@router.get("/proofs/{proof_id}", summary="One proof")
def get_proof(site: SiteDep, proof_id: ProofId) -> schemas.ProofOut:
    with site.database.reading() as session:
        return schemas.proof(proofs.get(session, proof_id))


@router.post("/proofs/{proof_id}/cancel", summary="Cancel a proof")
def cancel(site: SiteDep, proof_id: ProofId) -> schemas.ProofOut:
    """Stops it within a second or two. 409 if it has already ended in another way."""
    with site.database.writing() as session:
        return schemas.proof(proofs.cancel(session, proof_id))


@router.get(
    "/proofs/{proof_id}/certificate",
    summary="A proof's certificate",
    response_class=FileResponse,
    responses={**FILE},  # type: ignore[dict-item]
)
def certificate(site: SiteDep, proof_id: ProofId) -> FileResponse:
    """The certified counts, block by block, with the hints: what a re-check reads."""
    with site.database.reading() as session:
        proof = proofs.get(session, proof_id)
    if proof.certificate is None or not site.blobs.has(proof.certificate):
        raise NotFound(f"Proof {proof_id} has no certificate: only a proof with a result has one.")
    return FileResponse(
        site.blobs.path(proof.certificate),
        media_type="application/json",
        filename=f"proof-{proof_id}-{proof.strategy}-{proof.variant}.json",
    )


@router.get(
    "/proofs/{proof_id}/bundle",
    summary="A proof to check elsewhere",
    response_class=Response,
    responses={**ZIP},  # type: ignore[dict-item]
)
def bundle(site: SiteDep, proof_id: ProofId) -> Response:
    """The weights, the certificate and how to check them, as a zip for `python -m proofs.checker`."""
    with site.database.reading() as session:
        proof = proofs.get(session, proof_id)
        model = models.get(session, proof.model_digest)
    if proof.correct is None or proof.certificate is None or not site.blobs.has(proof.certificate):
        raise NotFound(f"Proof {proof_id} has no certificate: only a proof with a result has one.")
    content = certificates.bundle(site.blobs.get(proof.certificate), site.blobs.get(model.blob))
    name = f"proof-{proof_id}-{proof.strategy}-{proof.variant}.zip"
    return Response(
        content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.get("/models/{digest}/proofs", summary="A model's proofs", openapi_extra=of_list({}, proofs.SORTS, SORT))
def model_proofs(request: Request, site: SiteDep, digest: Digest) -> schemas.PageOut[schemas.ProofOut]:
    shown = listing.strict(listing.read(request.url.path, request.query_params, (), sort=SORT))
    with site.database.reading() as session:
        models.get(session, digest)
        return schemas.proofs(
            proofs.page(session, model_digest=digest, sort=shown.sort, next=shown.next, limit=shown.limit)
        )
