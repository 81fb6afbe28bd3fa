"""The queue as a page: what runs, what waits, which workers are alive."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.storage import proofs, workers
from app.storage.records import Filter, Op, State
from app.storage.workers import WorkerRecord
from app.web.folding import FEW, READ, Lines, folded
from app.web.pages import Page, Shell, render
from app.web.site import SiteDep

router = APIRouter(include_in_schema=False)

SHOWN = 100
ENDED = 20


@dataclass(frozen=True)
class QueuePage(Page):
    template = "queue.html"
    counts: dict[State, int]
    workers: list[WorkerRecord]
    running: Lines
    queued: Lines
    ended: Lines


@router.get("/queue", name="queue")
def queue(request: Request, site: SiteDep) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        counts, known = proofs.counts(session), workers.known(session)
        running, queued, ended = (
            proofs.page(session, filters=[Filter("state", Op.EQ, state)], sort=sort, limit=limit, total=counts[state])
            for state, sort, limit in (
                (State.RUNNING, "requested_at", READ),
                (State.QUEUED, "requested_at", READ),
                (State.DONE, "-requested_at", FEW),
            )
        )
    page = QueuePage(counts, known, folded(running, SHOWN), folded(queued, SHOWN), folded(ended, ENDED))
    return render(request, shell, page)
