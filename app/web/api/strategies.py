"""The catalogue of strategies."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.web import schemas
from proofs.strategies import CATALOGUE, SUBCUBIC

router = APIRouter(tags=["strategies"])


@router.get("/strategies", summary="Every strategy")
def list_strategies(
    published: Annotated[bool, Query(description="The 100 published sub-cubic strategies as well.")] = False,
) -> schemas.PageOut[schemas.StrategyOut]:
    items = [schemas.strategy(one) for one in (CATALOGUE + SUBCUBIC if published else CATALOGUE)]
    return schemas.PageOut[schemas.StrategyOut](items=items, next=None, total=len(items))
