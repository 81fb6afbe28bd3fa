"""Puts the application together from parts that are handed in: nothing here reads a setting or opens a database."""

from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware

from app.errors import InvalidParameter
from app.settings import Settings
from app.storage.blobs import BlobStore
from app.storage.cloud import Clouds
from app.storage.engine import Database
from app.storage.queue import Queue
from app.web import (
    api,
    asking,
    assets,
    checks,
    compare,
    events,
    explanations,
    figures,
    health,
    models,
    overview,
    problems,
    proofs,
    queue,
    reproduction,
    strategies,
    upload,
)  # fmt: skip
from app.web.addresses import Addresses
from app.web.guard import Guard
from app.web.kept import Kept
from app.web.site import Site
from proofs import ENGINE_VERSION

UPLOADS = {"/upload", "/api/v1/models", "/api/v1/checkpoints", "/reproduction/results"}
"""Where a body may be as large as a checkpoint (or as somebody's results)."""

DESCRIPTION = """\
Upload a trained transformer, prove lower bounds on its accuracy, compare each proof's length with its tightness.

Exact integers are decimal text. Lists are pages: `{"items", "next", "total"}`; filter with `field=value` or
`field__op=value`. Errors are problem+json (RFC 9457) with a stable `code`. Repeating any request is safe, so
an `Idempotency-Key` is accepted but not needed: requests are recognised by what they ask for."""


def create_app(*, settings: Settings, database: Database, queue_port: Queue, blobs: BlobStore) -> FastAPI:
    app = FastAPI(
        title="Proofboard",
        version=ENGINE_VERSION,
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both load scripts from elsewhere
        redoc_url=None,
    )
    files = assets.Assets.found()
    app.state.site = Site(
        settings, database, queue_port, blobs, files, Addresses(app.url_path_for, files), Clouds(), Kept()
    )
    problems.install(app)
    for part in (
        health, overview, upload, explanations, asking, checks, compare, models, proofs, queue, strategies, figures, reproduction,
        events, assets,
    ):  # fmt: skip
        app.include_router(part.router)
    # Last: a link names its page, and where the API has a function of that name the first one is found.
    app.include_router(api.router, dependencies=[Depends(only_known_parameters)])
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(
        Guard,
        allowed_hosts=settings.allowed_hosts,
        upload_max_bytes=settings.upload_max_bytes,
        uploads=UPLOADS,
    )
    return app


def only_known_parameters(request: Request) -> None:
    """A misspelt parameter is an error, not a silent default. Lists check their open-ended filters themselves."""
    route: Any = request.scope["route"]
    if (route.openapi_extra or {}).get("parameters"):
        return
    known = {parameter.alias for parameter in route.dependant.query_params}
    unknown = [name[:60] for name in request.query_params if name not in known]
    if unknown:
        raise InvalidParameter(f"Unknown parameters: {', '.join(unknown)}.")
