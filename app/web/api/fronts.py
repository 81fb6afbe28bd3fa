"""The front: the proofs that no other beats in both length and bound."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from app.figures.fronts import Height, front_of
from app.storage import models, proofs
from app.web import schemas
from app.web.schemas import Digest
from app.web.site import SiteDep

router = APIRouter(tags=["front"])

CostModel = Literal["measured-v1", "reference-v1"]


class FrontOut(schemas.Out):
    """Unbeaten proofs, shortest first. Strict and as-published proofs never share a front."""

    variant: str
    cost_model: str = Field(examples=["measured-v1"])
    height: str = Field(examples=["bound"])
    steps: list[schemas.FrontPointOut]
    considered: int = Field(description="Proofs that were compared.")
    left_out: int = Field(description="Finished proofs without a length in this cost model, or without a tightness.")
    alarms: int = Field(description="Proofs under a soundness alarm: on no front.")


@router.get("/front", summary="The front over all models, or of one")
def front(
    site: SiteDep,
    model: Annotated[Digest | None, Query()] = None,
    variant: Annotated[Literal["strict", "as-published"], Query()] = "strict",
    cost_model: CostModel = "measured-v1",
    y: Height = Height.BOUND,
) -> FrontOut:
    with site.database.reading() as session:
        if model is not None:
            models.get(session, model)
        points = proofs.front(session, model_digest=model, variant=variant)
    found = front_of(points, cost_model=cost_model, height=y)
    return FrontOut(
        variant=variant,
        cost_model=cost_model,
        height=y,
        steps=[schemas.front_point(point) for point in found.steps.get(variant, [])],
        considered=len(found.points),
        left_out=found.left_out,
        alarms=found.alarms,
    )
