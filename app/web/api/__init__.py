"""The REST API: the pages' records as JSON, and everything a page can do.

Reads are GET. Repeating a request is safe: the same upload is the same model, the same request for a proof is the same proof
(its natural key is model, strategy, variant, parameters, engine version), cancelling twice is once. So `Idempotency-Key` is
accepted and needs no memory of its own.
"""

from typing import Any

from fastapi import APIRouter

from app.web import schemas
from app.web.api import asking, checkpoints, checks, fronts, models, proofs, strategies

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": schemas.Problem,
        "description": "What was wrong with the request, and what to do",
        "content": {"application/problem+json": {}},
    },
    "5XX": {
        "model": schemas.Problem,
        "description": "What is wrong with the server, and when to try again",
        "content": {"application/problem+json": {}},
    },
}

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
for part in (models, asking, checkpoints, proofs, checks, fronts, strategies):
    router.include_router(part.router)
