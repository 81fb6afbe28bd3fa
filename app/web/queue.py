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
READ = 1000
"""Proofs by the hundred are one line if they are computed together."""


@dataclass(frozen=True)
class Lines:
    items: list[ProofRecord]
    more: bool
    """Some are left out."""
    total: int


@dataclass(frozen=True)
class QueuePage(Page):
    template = "queue.html"
    counts: dict[State, int]
    workers: list[WorkerRecord]
    running: Lines
    queued: Lines
    ended: ListPage[ProofRecord]
    beside: dict[int, int]
    """How many proofs a proof stands for that are computed together with it."""


@router.get("/queue", name="queue")
def queue(request: Request, site: SiteDep) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        running = proofs.page(session, filters=[Filter("state", Op.EQ, "running")], sort="id", limit=READ)
        queued = proofs.page(session, filters=[Filter("state", Op.EQ, "queued")], sort="id", limit=READ)
        ended = proofs.page(session, filters=[Filter("state", Op.EQ, "done")], limit=20)
        counts, known = proofs.counts(session), workers.known(session)
    beside: dict[int, int] = {}
    page = QueuePage(counts, known, _folded(running, beside), _folded(queued, beside), ended, beside)
    return render(request, shell, page)


def _folded(page: ListPage[ProofRecord], beside: dict[int, int]) -> Lines:
    """One line for proofs that are computed together; how many others it stands for goes into `beside`."""
    first_of: dict[tuple[int, int], int] = {}
    kept = []
    for proof in page.items:
        work = (proof.id, 0) if proof.leader is None else (proof.leader, proof.attempt)
        if work in first_of:
            beside[first_of[work]] = beside.get(first_of[work], 0) + 1
        else:
            first_of[work] = proof.id
            kept.append(proof)
    return Lines(kept[:SHOWN], page.next is not None or len(kept) > SHOWN, page.total)
