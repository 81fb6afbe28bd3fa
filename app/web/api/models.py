"""Models: upload, list, read, annotate."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.storage import models
from app.web import listing, schemas, uploads
from app.web.api.parameters import of_list
from app.web.schemas import Digest
from app.web.site import SiteDep

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(prefix="/models", tags=["models"])

SORT = "-created_at"
BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a safetensors file with TransformerLens names.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
Name = Annotated[str | None, Query(max_length=models.MAX_NAME_LENGTH, description="What to call it; may be left out.")]


IfMatch = Annotated[str | None, Header(description="The ETag of what was read: change that, and nothing newer.")]


class Annotation(BaseModel):
    """What is given is changed, the rest stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"tags": ["seed sweep", "v64"]}]})

    name: Annotated[str, Field(min_length=1, max_length=models.MAX_NAME_LENGTH)] | None = None
    notes: Annotated[str, Field(max_length=models.MAX_NOTES_LENGTH)] | None = None
    tags: Annotated[Sequence[str], Field(max_length=models.MAX_TAGS)] | None = None


@router.get(
    "",
    summary="List models",
    response_model=schemas.PageOut[schemas.ModelOut],
    openapi_extra=of_list(models.FIELDS, models.SORTS, SORT),
)
def list_models(request: Request, site: SiteDep) -> Response:
    shown = listing.strict(listing.read(request.url.path, request.query_params, models.FIELDS, sort=SORT))

    def make(session: "Session") -> Response:
        found = models.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
        return Response(schemas.models(found).model_dump_json(), media_type="application/json")

    return site.kept.answer(request, site.database, make)


@router.post(
    "",
    summary="Upload a checkpoint",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.OK: {"model": schemas.ModelOut, "description": "These weights are already here"}},
    openapi_extra=BODY,
)
async def upload(request: Request, response: Response, site: SiteDep, name: Name = None) -> schemas.ModelOut:
    """The body is the file itself, streamed. The same weights again are the same model: 200 instead of 201."""
    record, is_new = await uploads.receive(site, request.stream(), uploads.name_of(name, None))
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    response.headers["location"] = f"/api/v1/models/{record.digest}"
    return schemas.model(record)


@router.get("/{digest}", summary="One model")
@router.head("/{digest}", summary="Is this model here?")
def get_model(site: SiteDep, digest: Digest, response: Response) -> schemas.ModelOut:
    """The ETag is of what people write: name, notes and tags."""
    with site.database.reading() as session:
        found = models.get(session, digest)
    response.headers["etag"] = f'"{models.version(found)}"'
    return schemas.model(found)


@router.patch("/{digest}", summary="Change a model's name, notes or tags")
def annotate(
    site: SiteDep, digest: Digest, change: Annotation, response: Response, if_match: IfMatch = None
) -> schemas.ModelOut:
    """With `If-Match`, 412 if somebody changed them since they were read: nobody's words are lost unseen."""
    with site.database.writing() as session:
        changed = models.annotate(
            session, digest, name=change.name, notes=change.notes, tags=change.tags, expected=_expected(if_match)
        )
    response.headers["etag"] = f'"{models.version(changed)}"'
    return schemas.model(changed)


def _expected(if_match: str | None) -> set[str] | None:
    """The versions that a list of ETags names; None for any."""
    tags = {"*"} if if_match is None else {tag.strip() for tag in if_match.split(",")}
    return None if "*" in tags else {tag.strip('"') for tag in tags if not tag.startswith("W/")}
