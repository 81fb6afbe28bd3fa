"""Is the process alive, and is everything it needs there?

`/livez` asks nothing of anybody. `/readyz` says what is wrong with each part; only what stops requests makes it 503: no living
worker and a soundness alarm are warnings, since pages still work and must show them.
"""

import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from app.errors import AppError
from app.storage import engine, proofs, workers
from app.storage.records import Doubt, State
from app.web import schemas
from app.web.site import Site, SiteDep

router = APIRouter(tags=["health"])

Status = Literal["ok", "warning", "failed"]


class Part(schemas.Out):
    status: Status
    detail: Annotated[str, Field(examples=["2 workers alive"])]


class Health(schemas.Out):
    status: Status
    parts: dict[str, Part]


class Alive(schemas.Out):
    status: Literal["ok"] = "ok"


@router.get("/livez", summary="Is the process alive?")
def livez() -> Alive:
    return Alive()


@router.get(
    "/readyz", summary="Can requests be served?", responses={503: {"model": Health, "description": "Not ready"}}
)
def readyz(site: SiteDep) -> JSONResponse:
    parts = {"database": _part(_database, site), "blobs": _part(_blobs, site)}
    if parts["database"].status == "ok":  # the others ask it
        parts |= {"queue": _part(_queue, site), "soundness": _part(_soundness, site)}
    worst = max((part.status for part in parts.values()), key=("ok", "warning", "failed").index)
    health = Health(status=worst, parts=parts)
    status = HTTPStatus.SERVICE_UNAVAILABLE if worst == "failed" else HTTPStatus.OK
    return JSONResponse(health.model_dump(), status)


def _part(look: Callable[[Site], Part], site: Site) -> Part:
    try:
        return look(site)
    except AppError as error:
        return Part(status="failed", detail=error.message)


def _database(site: Site) -> Part:
    engine.require_current(site.database)
    return Part(status="ok", detail="reachable, with the schema that this version needs")


def _blobs(site: Site) -> Part:
    """Folders come with the first blob: until then the nearest folder above must take them."""
    folder = next(path for path in (site.blobs.root, *site.blobs.root.absolute().parents) if path.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        return Part(
            status="failed", detail="The blob folder cannot be written: check the owner of PROOFBOARD_DATA_DIR."
        )
    return Part(status="ok", detail="writable")


def _queue(site: Site) -> Part:
    with site.database.reading() as session:
        alive = [worker for worker in workers.known(session) if worker.is_alive]
        waiting = proofs.counts(session)[State.QUEUED]
    if not alive:
        return Part(status="warning", detail=f"No worker is alive and {waiting} proofs wait: run `proofboard worker`.")
    return Part(status="ok", detail=f"{len(alive)} workers alive, {waiting} proofs waiting")


def _soundness(site: Site) -> Part:
    with site.database.reading() as session:
        found = proofs.kept_off(session)
    contradicted, refused = found.get(Doubt.CONTRADICTED, 0), found.get(Doubt.REFUSED, 0)
    if contradicted or refused:
        return Part(
            status="warning",
            detail=f"Proofs that contradict another: {contradicted}; refused when checked again: {refused}. "
            f"See {site.addresses('proofs')}?soundness_alarm=true.",
        )
    return Part(status="ok", detail="no proof contradicts another, none was refused when checked again")
