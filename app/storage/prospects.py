"""What an untried strategy may be expected to gain, from models of the same size. An estimate: no claim rests on it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.storage import proof_rows
from app.storage.records import ModelRecord
from app.storage.tables import ModelRow, ProofRow
from proofs.strategies import BY_NAME, Variant

SHOWN = 5
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Prospect:
    """What a strategy added, on average, to the best bound of those that are tried here."""

    strategy: str
    gain: float
    length: int
    """Mean operations, measured-v1."""
    models: int
    """On how many models of the same size this rests."""


def prospects(session: Session, model: ModelRecord, tried: Iterable[str]) -> list[Prospect]:
    """The strict strategies that were not tried on this model, highest expected gain first; those with none are left out.

    Each other model is compared with itself: its bound by the strategy, less its best by those that are tried here.
    """
    known = set(tried)
    bounds: dict[str, dict[str, float]] = defaultdict(dict)
    lengths: dict[str, list[float]] = defaultdict(list)
    for digest, strategy, bound, length in session.execute(_elsewhere(model)):
        bounds[digest][strategy] = max(bound or 0.0, bounds[digest].get(strategy, 0.0))
        lengths[strategy].append(length or 0.0)
    found = [
        Prospect(strategy, fmean(gains), round(fmean(lengths[strategy])), len(gains))
        for strategy, gains in _gains(bounds, known).items()
        if fmean(gains) > 0
    ]
    return sorted(found, key=lambda one: (-one.gain, one.length))[:SHOWN]


def _gains(bounds: Mapping[str, Mapping[str, float]], known: set[str]) -> dict[str, list[float]]:
    gains: dict[str, list[float]] = defaultdict(list)
    for by_strategy in bounds.values():
        best = max((bound for strategy, bound in by_strategy.items() if strategy in known), default=0.0)
        if known and not best:
            continue  # what is tried here was not tried there: nothing to compare with
        for strategy, bound in by_strategy.items():
            if strategy not in known and strategy in BY_NAME:
                gains[strategy].append(max(0.0, bound - best))
    return gains


def _elsewhere(model: ModelRecord) -> sa.Select[str, str, float | None, float | None]:
    return (
        sa.select(ProofRow.model_digest, ProofRow.strategy, ProofRow.bound, ProofRow.length)
        .join(ProofRow.model)
        .where(
            ModelRow.n_ctx == model.n_ctx,
            ModelRow.d_vocab == model.d_vocab,
            ModelRow.d_model == model.d_model,
            ProofRow.model_digest != model.digest,
            ProofRow.variant == Variant.STRICT,
            ProofRow.bound.is_not(None),
            ProofRow.length.is_not(None),
            proof_rows.NOT_IN_DOUBT,
        )
        .order_by(ProofRow.id.desc())
        .limit(MOST_ROWS)
    )
