"""The queue as a page: what runs, what waits, which workers are alive."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.storage import proofs, workers
from app.storage.records import Filter, Op, ProofRecord, State
from app.storage.records import Page as ListPage
from app.storage.workers import WorkerRecord
from app.web.pages import Page, Shell, render
from app.web.site import SiteDep

router = APIRouter(include_in_schema=False)

SHOWN = 100


@dataclass(frozen=True)
class QueuePage(Page):
    template = "queue.html"
    counts: dict[State, int]
    workers: list[WorkerRecord]
    running: ListPage[ProofRecord]
    queued: ListPage[ProofRecord]
    ended: ListPage[ProofRecord]


@router.get("/queue", name="queue")
def queue(request: Request, site: SiteDep) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        page = QueuePage(
            counts=proofs.counts(session),
            workers=workers.known(session),
            running=proofs.page(session, filters=[Filter("state", Op.EQ, "running")], sort="id", limit=SHOWN),
            queued=proofs.page(session, filters=[Filter("state", Op.EQ, "queued")], sort="id", limit=SHOWN),
            ended=proofs.page(session, filters=[Filter("state", Op.EQ, "done")], limit=20),
        )
    return render(request, shell, page)
