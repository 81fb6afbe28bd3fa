"""What `proofs.explain` found about each model: one row for each model and method, so that pages need not compute it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.storage.tables import ExplanationRow as Row
from app.storage.tables import ModelRow
from proofs.explain import Findings


@dataclass(frozen=True)
class StoredExplanation:
    model_digest: str
    method: str
    draws: int
    findings: Mapping[str, Any]
    computed_at: datetime


@dataclass(frozen=True)
class Explained:
    """A model's place in the comparison over models."""

    model_digest: str
    model_name: str
    n_ctx: int
    d_vocab: int
    seed: int | None
    draws: int
    story: float
    ratio: float | None


def put(
    session: Session,
    *,
    digest: str,
    method: str,
    draws: int,
    story: float,
    ratio: float | None,
    findings: Mapping[str, Any],
) -> None:
    """Stores the findings; fewer draws never replace more."""
    values = {
        "model_digest": digest, "method": method, "draws": draws, "story": story, "ratio": ratio,
        "findings": findings, "computed_at": datetime.now(UTC),
    }  # fmt: skip
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    adding = insert(Row).values(values)
    session.execute(
        adding.on_conflict_do_update(
            index_elements=[Row.model_digest, Row.method],
            set_={name: adding.excluded[name] for name in values if name not in ("model_digest", "method")},
            where=Row.draws <= adding.excluded.draws,
        )
    )


def keep(session: Session, findings: Findings) -> None:
    """Stores what was found about a model."""
    ratio, kept = findings.diagnostics.ratio, findings.explanations["story"].agreement
    put(
        session, digest=findings.model, method=findings.method, draws=findings.draws, story=(kept.low + kept.high) / 2,
        ratio=ratio if isfinite(ratio) else None, findings=findings.as_json(),
    )  # fmt: skip


def find(session: Session, digest: str, method: str) -> StoredExplanation | None:
    query = sa.select(Row.model_digest, Row.method, Row.draws, Row.findings, Row.computed_at)
    row = session.execute(query.where(Row.model_digest == digest, Row.method == method)).first()
    return None if row is None else StoredExplanation(*row)


def explained(session: Session, method: str) -> list[Explained]:
    """Every model that was explained by this method."""
    query = sa.select(
        ModelRow.digest, ModelRow.name, ModelRow.n_ctx, ModelRow.d_vocab, ModelRow.seed, Row.draws, Row.story, Row.ratio
    ).join(Row, Row.model_digest == ModelRow.digest)
    return [Explained(*row) for row in session.execute(query.where(Row.method == method).order_by(ModelRow.id))]


def missing(session: Session, method: str) -> list[str]:
    """Digests of the models that were not explained by this method, oldest first."""
    known = sa.select(Row.model_digest).where(Row.method == method)
    return list(session.scalars(sa.select(ModelRow.digest).where(ModelRow.digest.not_in(known)).order_by(ModelRow.id)))


def widths(session: Session) -> dict[str, int]:
    """d_model of every model."""
    return {row.digest: row.d_model for row in session.execute(sa.select(ModelRow.digest, ModelRow.d_model))}
