"""Proofs as pages: the list, and one proof with its claim in words and in exact numbers."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.responses import StreamingResponse

from app.errors import BlobNotFound, DamagedBlob, NotFound
from app.figures.heatmaps import block_map
from app.storage import asking, models, proofs, standing
from app.storage.blobs import BlobStore
from app.storage.records import ModelRecord, ProofRecord
from app.storage.records import Page as ListPage
from app.storage.standing import Rival
from app.web import certificates, exports, listing, rows, schemas
from app.web.api.proofs import SORT, ProofId
from app.web.asking import Counterexample, examples_of
from app.web.checks import Checks, checks_of
from app.web.pages import Page, Shell, render
from app.web.site import Site, SiteDep
from proofs.questions import BEST_WITHIN, COUNTEREXAMPLES, RECHECK
from proofs.strategies import BY_NAME, CATALOGUE, Strategy
from proofs.task import MaxOfK

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(prefix="/proofs", include_in_schema=False)

PAGE = 50
LARGEST = 10
"""Undecided blocks that are listed."""

QUESTIONS = {
    BEST_WITHIN: "Strategies and their settings are tried; the answer is the strict proof with the highest bound whose "
    "check spends no more operations than the budget.",
    COUNTEREXAMPLES: "For each query and maximum, the inputs are sought for which a wrong answer leads the most; those "
    "that are wrong beyond any rounding error are listed.",
    RECHECK: "Whether a stored proof's certificate still proves its claim. The answer is on the page of that proof.",
}


@dataclass(frozen=True)
class ProofsPage(Page):
    template = "proofs/index.html"
    listing: listing.Listing
    proofs: ListPage[ProofRecord]
    strategies: tuple[Strategy, ...]


@dataclass(frozen=True)
class Undecided:
    """Inputs with this query and this maximum that a proof leaves open."""

    query: int
    maximum: int
    inputs: int
    of: int


@dataclass(frozen=True)
class ProofPage(Page):
    template = "proofs/show.html"
    proof: ProofRecord
    model: ModelRecord
    strategy: Strategy | None
    chance: int
    """Sequences that the best constant answer gets right: what a bound must beat."""
    caveats: tuple[str, ...]
    question: str
    """What was asked, where it was not a strategy."""
    examples: tuple[Counterexample, ...]
    undecided: tuple[Undecided, ...]
    """The largest blocks of which the proof says nothing."""
    statement: str
    """What the certificate is about, by the name that it gives it."""
    bundle_bytes: int
    """Of all that somebody needs to check it."""
    checks: Checks
    rivals: tuple[Rival, ...]
    """What it cannot be true beside."""


def _read(request: Request, path: str) -> listing.Listing:
    return listing.read(path, request.query_params, proofs.FIELDS, sort=SORT, limit=PAGE)


@router.get("", name="proofs")
def index(request: Request, site: SiteDep) -> Response:
    return site.kept.answer(request, site.database, partial(_index, request))


def _index(request: Request, session: "Session") -> Response:
    shown = _read(request, "/proofs")
    shell = Shell.of(request, session, *shown.notice())
    found = proofs.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
    return render(request, shell, ProofsPage(shown, found, CATALOGUE))


@router.get(".json", name="proofs.json")
def index_json(request: Request, site: SiteDep) -> schemas.PageOut[schemas.ProofOut]:
    shown = listing.strict(_read(request, "/proofs"))
    with site.database.reading() as session:
        return schemas.proofs(
            proofs.page(session, filters=shown.filters, sort=shown.sort, next=shown.next, limit=shown.limit)
        )


@router.get(".csv", name="proofs.csv")
def index_csv(request: Request, site: SiteDep) -> StreamingResponse:
    shown = listing.strict(_read(request, "/proofs"))

    def page(following: str | None) -> ListPage[ProofRecord]:
        with site.database.reading() as session:
            return proofs.page(session, filters=shown.filters, sort=shown.sort, next=following, limit=rows.PAGE)

    first = page(None)  # what is wrong with the request shows before the answer begins
    every = rows.every(lambda following: first if following is None else page(following))
    return exports.csv_response(map(rows.proof, every), rows.PROOF_COLUMNS, "proofboard-proofs")


@router.get("/{proof_id}", name="proof")
def show(request: Request, site: SiteDep, proof_id: ProofId) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        proof = proofs.get(session, proof_id)
        model = models.get(session, proof.model_digest)
        checked, rivals = checks_of(session, proof), tuple(standing.rivals(session, proof))
    page = ProofPage(
        proof=proof,
        model=model,
        strategy=BY_NAME.get(proof.strategy),
        chance=MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx).constant_correct,
        caveats=tuple(_caveats(proof)),
        question=QUESTIONS.get(proof.strategy, ""),
        examples=_examples(site, proof),
        undecided=_undecided(site, proof, model),
        statement=certificates.statement(proof.variant),
        bundle_bytes=certificates.bundle_bytes(proof.certificate_bytes or 0, model.size_bytes),
        checks=checked,
        rivals=rivals,
    )
    return render(request, shell, page)


def _examples(site: Site, proof: ProofRecord) -> tuple[Counterexample, ...]:
    if proof.strategy != COUNTEREXAMPLES or proof.certificate is None:
        return ()
    return examples_of(site.blobs, proof.certificate)


def _undecided(site: Site, proof: ProofRecord, model: ModelRecord) -> tuple[Undecided, ...]:
    """Nothing where the certificate is lost or damaged: its own address says so, the page shows the rest."""
    if proof.certificate is None or proof.correct is None:
        return ()
    try:
        return _largest_open(site.blobs, proof.certificate, MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx))
    except (BlobNotFound, DamagedBlob):
        return ()


@lru_cache(maxsize=128)
def _largest_open(blobs: BlobStore, certificate: str, task: MaxOfK) -> tuple[Undecided, ...]:
    def blocks() -> Iterator[Undecided]:
        for row in certificates.blocks(blobs.get(certificate), task):
            wrong = row.wrong or (0,) * task.d_vocab
            for maximum in range(row.query, task.d_vocab):
                of = task.block_size(row.query, maximum)
                yield Undecided(row.query, maximum, of - row.certified[maximum] - wrong[maximum], of)

    largest = heapq.nlargest(LARGEST, blocks(), key=lambda block: block.inputs)
    return tuple(block for block in largest if block.inputs)


def _caveats(proof: ProofRecord) -> list[str]:
    """What a reader must know before quoting the number."""
    said = []
    if proof.trust == "float":
        said.append(
            "Computed in floating point without error bounds, exactly as published: it reproduces the paper's figures "
            "and is not a theorem. The strict variant of the same strategy is."
        )
    if proof.trust == "float" and proof.strategy in BY_NAME:
        said.append(" ".join(["As published, the argument has gaps.", *BY_NAME[proof.strategy].caveats]))
    if proof.tightness_basis == "proved":
        said.append(
            "The true accuracy is not known exactly: tightness is measured against the proved upper end, so the real one "
            "is at least as high."
        )
    if proof.lengths and "reference-v1" not in proof.lengths:
        said.append("The published cost model does not define a length for this strategy.")
    return said


@router.get("/{proof_id}/blocks.json", name="blocks")
def blocks(site: SiteDep, proof_id: ProofId) -> Response:
    """The heat map of certified, undecided and wrong inputs by (query, maximum)."""
    with site.database.reading() as session:
        proof = proofs.get(session, proof_id)
        model = models.get(session, proof.model_digest)
    if proof.certificate is None:
        raise NotFound(f"Proof {proof_id} has no certificate: only a proof with a result has one.")
    task = MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx)
    figure = block_map(task, certificates.blocks(site.blobs.get(proof.certificate), task))
    return Response(orjson.dumps(figure), media_type="application/json")


@router.post("/{proof_id}/cancel", name="cancel")
def cancel(
    request: Request,
    site: SiteDep,
    proof_id: ProofId,
    back: Annotated[str, Form(pattern="^(model|queue|proof)$")] = "proof",
) -> Response:
    """`back` names one of our own pages; an address from the request is never followed."""
    with site.database.writing() as session:
        proof = proofs.cancel(session, proof_id)
    address = {
        "model": site.addresses("model", digest=proof.model_digest),
        "queue": site.addresses("queue"),
        "proof": site.addresses("proof", proof_id=proof.parameters.get("proof", proof_id)),  # what a re-check is about
    }[back]
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


@router.post("/{proof_id}/again", name="again")
def again(request: Request, site: SiteDep, proof_id: ProofId) -> Response:
    """Queues a proof that ended without a result once more."""
    with site.database.writing() as session:
        asking.again(session, site.queue, proof_id)
    return RedirectResponse(site.addresses("proof", proof_id=proof_id), HTTPStatus.SEE_OTHER)
