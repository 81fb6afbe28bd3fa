"""Re-checks of stored proofs: ask for one, read what came of all."""

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict

from app.storage import checks, proofs, rechecks
from app.web import schemas
from app.web.api.proofs import ProofId
from app.web.site import SiteDep
from proofs.questions import ENGINE, INDEPENDENT

router = APIRouter(tags=["proofs"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=rechecks.MOST_KEY_LENGTH)]


class Checker(StrEnum):
    ENGINE = ENGINE
    INDEPENDENT = INDEPENDENT


class CheckRequest(BaseModel):
    """Which program checks: the engine takes about as long as the proof did, the independent checker seconds to minutes."""

    model_config = ConfigDict(extra="forbid")

    checker: Checker = Checker.ENGINE


@router.post("/proofs/{proof_id}/checks", summary="Check a proof again", status_code=HTTPStatus.ACCEPTED)
def ask(
    response: Response, site: SiteDep, proof_id: ProofId, asked: CheckRequest, key: Key = None
) -> schemas.CheckJobOut:
    """A worker does it. While one is under way, asking again is the same; so is asking with the same `Idempotency-Key`, even
    when it has ended. 409 where there is nothing that this program can check."""
    with site.database.writing() as session:
        job = rechecks.ask(session, site.queue, proof_id, program=asked.checker, key=key)
    found = schemas.check_job(job)
    response.headers["location"] = found.url
    return found


@router.get("/proofs/{proof_id}/checks", summary="Re-checks of a proof")
def of_proof(site: SiteDep, proof_id: ProofId) -> schemas.ChecksOut:
    with site.database.reading() as session:
        proof = proofs.get(session, proof_id)
        return schemas.ChecksOut(
            items=[schemas.check(one) for one in checks.of(session, proof_id)],
            under_way=[schemas.check_job(job) for job in rechecks.under_way(session, proof)],
        )
