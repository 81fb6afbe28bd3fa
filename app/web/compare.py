"""Two to fifty proofs, or models, beside each other: `/compare?proof=3&proof=7`, `/compare?model=…&model=…`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.errors import InvalidParameter
from app.storage import models, proofs
from app.storage.records import FrontPoint, ModelRecord, ProofRecord
from app.web import fronts
from app.web.api.proofs import ProofId
from app.web.pages import Page, Shell, render
from app.web.schemas import Digest
from app.web.site import SiteDep

router = APIRouter(include_in_schema=False)

FEWEST = 2
MOST = 50


@dataclass(frozen=True)
class Column:
    """A model with the best that is proved of it at any length."""

    model: ModelRecord
    best: FrontPoint | None
    shortest: FrontPoint | None
    """The shortest strict proof that claims anything."""


@dataclass(frozen=True)
class ComparePage(Page):
    template = "compare.html"
    proofs: tuple[ProofRecord, ...]
    """Best bound first; what is in doubt last."""
    shortest: int | None
    """Operations of the shortest of them, measured-v1."""
    models: tuple[Column, ...]
    front: fronts.FrontView


@router.get("/compare", name="compare")
def compare(
    request: Request,
    site: SiteDep,
    proof: Annotated[list[ProofId] | None, Query()] = None,
    model: Annotated[list[Digest] | None, Query()] = None,
) -> Response:
    """Raises `InvalidParameter` unless there are from two to fifty of one sort, `ProofNotFound` or `ModelNotFound`."""
    ids, digests = _chosen(proof or [], model or [])
    with site.database.reading() as session:
        shell = Shell.of(request, session, *fronts.unknown(request.query_params, also=("proof", "model")))
        chosen = [proofs.get(session, one) for one in ids]
        among = [models.get(session, one) for one in digests]
        by_model = {one: proofs.front(session, model_digest=one) for one in digests}
        points = proofs.points(session, ids) if ids else [point for some in by_model.values() for point in some]
        kept_off = Counter(one.doubt for one in chosen if one.doubt)
        for one in digests:
            kept_off.update(proofs.kept_off(session, model_digest=one))
    lengths = [one.lengths["measured-v1"] for one in chosen if "measured-v1" in one.lengths and one.doubt is None]
    besides = [("proof", str(one)) for one in ids] + [("model", one) for one in digests]
    page = ComparePage(
        proofs=tuple(sorted(chosen, key=lambda one: (one.doubt is not None, -(one.bound or 0.0), one.id))),
        shortest=min(lengths, default=None),
        models=tuple(_column(one, by_model[one.digest]) for one in among),
        front=fronts.view(
            fronts.Few(points), request.query_params, request.url.path, kept_off=kept_off, besides=besides, listed=None
        ),
    )
    return render(request, shell, page)


def _chosen(ids: Sequence[int], digests: Sequence[str]) -> tuple[list[int], list[str]]:
    """Each once, in the order of the address."""
    if ids and digests:
        raise InvalidParameter("Compare proofs or models, not both at once.")
    once = list(dict.fromkeys(ids)), list(dict.fromkeys(digests))
    if not FEWEST <= len(once[0]) + len(once[1]) <= MOST:
        raise InvalidParameter(f"Choose from {FEWEST} to {MOST} to compare: tick them in a list of proofs or models.")
    return once


def _column(model: ModelRecord, points: Sequence[FrontPoint]) -> Column:
    strict = [point for point in points if point.variant == "strict" and "measured-v1" in point.lengths]
    claims = [point for point in strict if point.correct]
    return Column(
        model,
        best=max(strict, key=lambda point: (point.bound, -point.lengths["measured-v1"]), default=None),
        shortest=min(claims, key=lambda point: (point.lengths["measured-v1"], -point.bound), default=None),
    )
