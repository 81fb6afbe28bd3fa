"""The catalogue of strategies."""

from fastapi import APIRouter

from app.web import schemas
from proofs.strategies import CATALOGUE

router = APIRouter(tags=["strategies"])


@router.get("/strategies", summary="Every strategy")
def list_strategies() -> schemas.PageOut[schemas.StrategyOut]:
    items = [schemas.strategy(one) for one in CATALOGUE]
    return schemas.PageOut[schemas.StrategyOut](items=items, next=None, total=len(items))
