"""The upload page. With JavaScript files go to the API, with a progress bar; without it, one file through this form."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from app.errors import AppError, BadRequest, RefusedUpload, TooLarge
from app.web import uploads
from app.web.pages import Page, Shell, render
from app.web.site import Site, SiteDep
from proofs.checkpoint import FIELD_OF

router = APIRouter(include_in_schema=False)

READ_BYTES = 2**20


@dataclass(frozen=True)
class UploadPage(Page):
    template = "models/upload.html"
    limit: int
    refusal: str | None
    tensors: tuple[str, ...]


@router.get("/upload", name="upload")
def form(request: Request, site: SiteDep) -> Response:
    return _page(request, site, None, HTTPStatus.OK)


@router.post("/upload", name="send")
async def send(request: Request, site: SiteDep) -> Response:
    try:
        async with request.form(max_files=1, max_fields=5) as fields:
            file = fields.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise BadRequest("No file was sent: choose a .safetensors file first.")
            name = uploads.name_of(str(fields.get("name") or ""), file.filename)
            record, is_new = await uploads.receive(site, _pieces(file), name)
    except (RefusedUpload, TooLarge, BadRequest) as error:
        return _page(request, site, error, HTTPStatus(error.status))
    query = "" if is_new else "?uploaded=again"
    return RedirectResponse(f"{site.addresses('model', digest=record.digest)}{query}", HTTPStatus.SEE_OTHER)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(READ_BYTES):
        yield piece


def _page(request: Request, site: Site, refusal: AppError | None, status: HTTPStatus) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
    page = UploadPage(
        limit=site.settings.upload_max_bytes,
        refusal=refusal.message if refusal else None,
        tensors=tuple(FIELD_OF),
    )
    return render(request, shell, page, status)
