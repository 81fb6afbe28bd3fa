"""Checkpoint files by the SHA-256 of their bytes: ask before sending, send under a known hash, download."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from app.errors import BlobNotFound
from app.storage import models
from app.storage.records import ModelRecord
from app.web import schemas, uploads
from app.web.api.models import BODY, Name
from app.web.schemas import Digest
from app.web.site import Site, SiteDep

router = APIRouter(prefix="/checkpoints", tags=["checkpoints"])

FILE = {HTTPStatus.OK: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.head("/{sha256}", summary="Is this file here?", response_class=Response)
def is_here(site: SiteDep, sha256: Digest) -> Response:
    """200 if a model came in exactly this file: there is no need to send it again. `Link` names the model."""
    record = _model_in(site, sha256)
    return Response(headers={"link": f'</api/v1/models/{record.digest}>; rel="describes"'})


@router.get("/{sha256}", summary="Download a checkpoint", response_class=FileResponse, responses={**FILE})  # type: ignore[dict-item]
def download(site: SiteDep, sha256: Digest) -> FileResponse:
    record = _model_in(site, sha256)
    return FileResponse(
        site.blobs.path(sha256),
        media_type="application/octet-stream",
        filename=f"model-{record.digest[:12]}.safetensors",
        headers={"content-security-policy": "sandbox; default-src 'none'"},
    )


@router.put(
    "/{sha256}",
    summary="Upload a checkpoint under its hash",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.OK: {"model": schemas.ModelOut, "description": "These weights are already here"}},
    openapi_extra=BODY,
)
async def put(
    request: Request, response: Response, site: SiteDep, sha256: Digest, name: Name = None
) -> schemas.ModelOut:
    """As a POST to /models, but a file that was damaged on its way is refused."""
    record, is_new = await uploads.receive(site, request.stream(), uploads.name_of(name, None), sha256=sha256)
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    response.headers["location"] = f"/api/v1/models/{record.digest}"
    return schemas.model(record)


def _model_in(site: Site, sha256: str) -> ModelRecord:
    with site.database.reading() as session:
        record = models.find_by_blob(session, sha256)
    if record is None or not site.blobs.has(sha256):
        raise BlobNotFound("No model came in a file with this SHA-256: upload it.")
    return record
