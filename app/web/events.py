"""One stream of changes for open pages: which proofs were written since a revision. A page then reads itself again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from app.errors import AppError
from app.storage import proofs
from app.web.site import Site, SiteDep

router = APIRouter(include_in_schema=False)

POLL_S = 0.5
PING_S = 20
RETRY_MS = 2000

Revision = Annotated[int, Query(ge=0, lt=2**63)]
LastSeen = Annotated[str | None, Header(alias="last-event-id", pattern="^[0-9]{1,18}$")]


@router.get("/events", name="events", response_class=EventSourceResponse)
async def events(
    request: Request, site: SiteDep, since: Revision = 0, last_event_id: LastSeen = None
) -> EventSourceResponse:
    """Sends `changed` events with the proofs' numbers. A browser that reconnects goes on where it was."""
    return EventSourceResponse(_changes(site, int(last_event_id or since)), ping=PING_S)


async def _changes(site: Site, revision: int) -> AsyncIterator[ServerSentEvent]:
    while True:
        try:
            latest, changed = await run_in_threadpool(_since, site, revision)
        except AppError:  # the database is busy or away: the next look will tell
            await asyncio.sleep(RETRY_MS / 1000)
            continue
        if latest > revision:
            revision = latest
            yield ServerSentEvent(json.dumps({"proofs": changed}), event="changed", id=str(latest), retry=RETRY_MS)
        await asyncio.sleep(POLL_S)


def _since(site: Site, revision: int) -> tuple[int, list[int]]:
    """Most looks find nothing, and then cost one row."""
    with site.database.reading() as session:
        latest = proofs.revision(session)
        if latest <= revision:
            return revision, []
        _, changed = proofs.changed_since(session, revision)
        return latest, [proof.id for proof in changed]
