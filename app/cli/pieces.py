"""The pieces of work that `proofboard prove` is made of."""

from collections.abc import Sequence

from app.cli.choosing import Search
from app.cli.proving import Piece
from proofs.questions import BEST_WITHIN
from proofs.strategies import BY_NAME, SUBCUBIC, Strategy, Variant


def one_by_one(strategies: Sequence[Strategy], variant: Variant, search: Search | None) -> list[Piece]:
    return [
        Piece(one.name, variant, (one.name,), _parameters(variant, search) if one.code else {}) for one in strategies
    ]


def published(variant: Variant, search: Search | None) -> list[Piece]:
    """Brute force (exact, hence never as published), cubic, and the 100 sub-cubic strategies as one."""
    exact = Variant.STRICT if variant is Variant.AS_PUBLISHED else variant
    together = tuple(strategy.name for strategy in SUBCUBIC)
    return [
        Piece("brute-force", exact, (BY_NAME["brute-force"].name,)),
        Piece("cubic", variant, (BY_NAME["cubic"].name,)),
        Piece(f"{len(together)} sub-cubic strategies", variant, together, _parameters(variant, search)),
    ]


def best_within(budget: int) -> list[Piece]:
    return [Piece(f"within {budget:,} operations", Variant.STRICT, (BEST_WITHIN,), {"budget": budget})]


def _parameters(variant: Variant, search: Search | None) -> dict[str, str]:
    """Which tables the search saw is part of a result as published; strict has no such choice."""
    return {"search": str(search or Search.UNCENTRED)} if variant is Variant.AS_PUBLISHED else {}
