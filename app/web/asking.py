"""Forms of a model's page that ask for more than single strategies, and what that page says about the answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from app.errors import DamagedBlob, InvalidParameter
from app.storage import asking, proofs
from app.storage.blobs import BlobStore
from app.storage.prospects import Prospect, prospects
from app.storage.records import ModelRecord, ProofRecord, State
from app.web.api.proofs import ProofId
from app.web.schemas import Digest
from app.web.site import Site, SiteDep
from proofs.questions import COUNTEREXAMPLES, MOST_BUDGET
from proofs.strategies import SUBCUBIC

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(include_in_schema=False)

EXAMPLES = 20
"""Counterexamples that a page asks for."""

CODES = {strategy.name: strategy.code for strategy in SUBCUBIC}


@dataclass(frozen=True)
class Run:
    """One way to run the 100 sub-cubic strategies on a model, and how far it is."""

    variant: str
    search: str
    done: int
    under_way: tuple[ProofRecord, ...]

    @property
    def value(self) -> str:
        return f"{self.variant}:{self.search}"

    @property
    def is_open(self) -> bool:
        return self.done + len(self.under_way) < len(SUBCUBIC)


@dataclass(frozen=True)
class Counterexample:
    tokens: tuple[int, ...]
    right: int
    answered: int
    logit_right: float
    logit_answered: float
    by: float


@dataclass(frozen=True)
class Asking:
    """What a model's page shows beside its proofs."""

    runs: tuple[Run, ...]
    of: int
    search: ProofRecord | None
    """The newest search for counterexamples."""
    examples: tuple[Counterexample, ...]
    prospects: tuple[Prospect, ...]


def asking_of(session: "Session", blobs: BlobStore, model: ModelRecord, known: Sequence[ProofRecord]) -> Asking:
    """`known` are the model's proofs."""
    searches = [proof for proof in known if proof.strategy == COUNTEREXAMPLES]
    newest = max(searches, key=lambda proof: proof.requested_at, default=None)
    tried = {proof.strategy for proof in known if proof.variant == "strict" and proof.correct is not None}
    return Asking(
        runs=tuple(_runs(known)),
        of=len(SUBCUBIC),
        search=newest,
        examples=examples_of(blobs, newest.certificate) if newest and newest.certificate else (),
        prospects=tuple(prospects(session, model, tried)),
    )


def _runs(known: Sequence[ProofRecord]) -> list[Run]:
    ways = [("strict", ""), ("as-executed", ""), *(("as-published", search) for search in asking.SEARCHES)]
    runs = []
    for variant, search in ways:
        mine = [
            proof
            for proof in known
            if proof.strategy in CODES and proof.variant == variant and proof.parameters.get("search", "") == search
        ]
        under_way = tuple(proof for proof in mine if proof.state is not State.DONE)
        done = sum(proof.state is State.DONE and proof.verdict not in proofs.WITHOUT_RESULT for proof in mine)
        runs.append(Run(variant, search, done, under_way))
    return runs


@lru_cache(maxsize=64)
def examples_of(blobs: BlobStore, certificate: str) -> tuple[Counterexample, ...]:
    """The inputs in the answer to a search for counterexamples. Raises `DamagedBlob`."""
    try:
        inputs: list[dict[str, Any]] = json.loads(blobs.get(certificate))["inputs"]
        return tuple(Counterexample(**{**one, "tokens": tuple(one["tokens"])}) for one in inputs)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedBlob("The list of inputs cannot be read. Ask for it again.") from error


@router.post("/models/{digest}/catalogue", name="ask_catalogue")
def run_catalogue(site: SiteDep, digest: Digest, way: Annotated[str, Form()] = "strict:") -> Response:
    variant, _, search = way.partition(":")
    with site.database.writing() as session:
        asking.catalogue(session, site.queue, model_digest=digest, variant=variant, search=search or None)
    return _back(site, digest, "#catalogue")


@router.post("/models/{digest}/best", name="ask_best")
def find_best(site: SiteDep, digest: Digest, budget: Annotated[str, Form()]) -> Response:
    with site.database.writing() as session:
        found = asking.best_within(session, site.queue, model_digest=digest, budget=_operations(budget))
    return RedirectResponse(site.addresses("proof", proof_id=found.id), HTTPStatus.SEE_OTHER)


@router.post("/models/{digest}/counterexamples", name="ask_counterexamples")
def find_counterexamples(site: SiteDep, digest: Digest) -> Response:
    with site.database.writing() as session:
        asking.counterexamples(session, site.queue, model_digest=digest, most=EXAMPLES)
    return _back(site, digest, "#wrong")


@router.post("/proofs/{proof_id}/cancel-together", name="cancel_all")
def cancel_together(site: SiteDep, proof_id: ProofId) -> Response:
    with site.database.writing() as session:
        asking.cancel_together(session, proof_id)
        digest = proofs.get(session, proof_id).model_digest
    return _back(site, digest, "#catalogue")


def _operations(text: str) -> int:
    """5000000, 5_000_000, 5,000,000, 5e6 and "5 M" are the same."""
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    unit = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}.get(plain[-1:].lower(), 1)
    try:
        value = float(plain if unit == 1 else plain[:-1]) * unit
        if not 1 <= value <= MOST_BUDGET:
            raise ValueError
    except ValueError:
        raise InvalidParameter(f"{text[:40]!r} is not a number of operations: write 5000000, 5e6 or 5 M.") from None
    return round(value)


def _back(site: Site, digest: str, fragment: str) -> RedirectResponse:
    return RedirectResponse(f"{site.addresses('model', digest=digest)}{fragment}", HTTPStatus.SEE_OTHER)
