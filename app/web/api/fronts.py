"""The front: the proofs that no other beats in both length and bound."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from app.figures.fronts import Front, Height, front_among, front_of
from app.storage import models, proofs
from app.storage.records import Doubt
from app.web import schemas
from app.web.schemas import Digest
from app.web.site import SiteDep
from proofs.strategies import Variant

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(tags=["front"])

CostModel = Literal["measured-v1", "reference-v1"]


class FrontOut(schemas.Out):
    """Unbeaten proofs, shortest first. Different tasks and different variants never share a front."""

    variant: str = Field(examples=["strict"])
    n_ctx: int = Field(examples=[4])
    d_vocab: int = Field(examples=[64])
    steps: list[schemas.FrontPointOut]


class FrontsOut(schemas.Out):
    items: list[FrontOut]
    cost_model: str = Field(examples=["measured-v1"])
    y: str = Field(examples=["bound"])
    considered: int = Field(description="Proofs that were compared.")
    left_out: int = Field(description="Finished proofs without a length in this cost model, or without a tightness.")
    alarms: int = Field(description="Proofs under a soundness alarm: on no front.")
    above_truth: int = Field(description="As-published bounds above what is proved possible: on no front.")


@router.get("/front", summary="The fronts over all models, or of one", response_model=FrontsOut)
def front(
    request: Request,
    site: SiteDep,
    model: Annotated[Digest | None, Query()] = None,
    variant: Annotated[Variant | None, Query()] = None,
    cost_model: CostModel = "measured-v1",
    y: Height = Height.BOUND,
) -> Response:
    def make(session: "Session") -> Response:
        if model is not None:
            models.get(session, model)
            points = proofs.front(session, model_digest=model, variant=variant)
            found = front_of(points, cost_model=cost_model, height=y)
        else:
            every = site.clouds.now(session)
            among = every if variant is None else every.where(every.is_of(lambda kind: kind.variant == variant))
            found = front_among(among, partial(proofs.points, session), cost_model=cost_model, height=y)
        shown = _fronts(found, proofs.kept_off(session, model_digest=model, variant=variant))
        return Response(shown.model_dump_json(), media_type="application/json")

    return site.kept.answer(request, site.database, make)


def _fronts(found: Front, kept_off: Mapping[Doubt, int]) -> FrontsOut:
    items = [
        FrontOut(
            variant=kind.variant,
            n_ctx=kind.n_ctx,
            d_vocab=kind.d_vocab,
            steps=[schemas.front_point(point) for point in steps],
        )
        for kind, steps in found.steps.items()
    ]
    return FrontsOut(
        items=items,
        cost_model=found.cost_model,
        y=found.height,
        considered=found.drawn,
        left_out=found.left_out,
        alarms=sum(count for doubt, count in kept_off.items() if doubt.is_alarm),
        above_truth=kept_off.get(Doubt.ABOVE_TRUTH, 0),
    )
