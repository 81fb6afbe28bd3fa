"""What can be asked of a model beyond single strategies: the published catalogue, a budget, counterexamples."""

from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.storage import asking, proofs
from app.web import schemas
from app.web.api.proofs import ProofId
from app.web.schemas import Digest
from app.web.site import SiteDep
from proofs.questions import MOST_BUDGET, MOST_COUNTEREXAMPLES
from proofs.strategies import Variant

router = APIRouter(tags=["proofs"])


class CatalogueRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    variant: Variant = Variant.STRICT
    search: Literal["uncentred", "mean-folded"] | None = Field(
        default=None, description="Which tables the published search of gaps sees; only as-published."
    )


class BudgetRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    budget: Annotated[int, Field(ge=1, le=MOST_BUDGET, examples=[5_000_000], description="Operations, measured-v1.")]


class CounterexamplesRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    most: Annotated[int, Field(ge=1, le=MOST_COUNTEREXAMPLES)] = 20


@router.post("/models/{digest}/catalogue", summary="Run the published catalogue", status_code=HTTPStatus.ACCEPTED)
def run_catalogue(site: SiteDep, digest: Digest, asked: CatalogueRequest) -> list[schemas.ProofOut]:
    """102 proofs: brute force, cubic, and the 100 sub-cubic strategies as one piece of work. What is under way or has its
    result stays as it is."""
    with site.database.writing() as session:
        found = asking.catalogue(session, site.queue, model_digest=digest, variant=asked.variant, search=asked.search)
        return [schemas.proof(one) for one in found]


@router.post("/models/{digest}/best", summary="Find the best proof within a budget", status_code=HTTPStatus.ACCEPTED)
def find_best(site: SiteDep, digest: Digest, asked: BudgetRequest) -> schemas.ProofOut:
    """The proof is queued as `best-within-budget`; when it is done it names the strategy and the parameters chosen."""
    with site.database.writing() as session:
        return schemas.proof(asking.best_within(session, site.queue, model_digest=digest, budget=asked.budget))


@router.post(
    "/models/{digest}/counterexamples", summary="Find inputs that are answered wrongly", status_code=HTTPStatus.ACCEPTED
)
def find_counterexamples(site: SiteDep, digest: Digest, asked: CounterexamplesRequest) -> schemas.ProofOut:
    """Queued like a proof; its certificate lists the inputs, worst first, with their logits."""
    with site.database.writing() as session:
        return schemas.proof(asking.counterexamples(session, site.queue, model_digest=digest, most=asked.most))


@router.post("/proofs/{proof_id}/cancel-together", summary="Cancel a proof and those computed with it")
def cancel_together(site: SiteDep, proof_id: ProofId) -> schemas.ProofOut:
    """Stops the whole piece of work. 409 if all of it has ended."""
    with site.database.writing() as session:
        asking.cancel_together(session, proof_id)
        return schemas.proof(proofs.get(session, proof_id))
