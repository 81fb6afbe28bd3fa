"""Who checked which stored proof again, with which version, and what came of it. Rows are added, never changed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.storage import proof_rows, standing
from app.storage.tables import CheckRow as Row
from app.storage.tables import ProofRow

LOCAL = "local"
"""Who asks where nobody has to say who they are."""


@dataclass(frozen=True)
class NewCheck:
    proof_id: int
    certificate: str
    """SHA-256 of what was checked."""
    checker: str
    """Program and version: `engine 1`."""
    accepted: bool | None
    """None: it ended without an answer."""
    message: str
    """Expected and found, where it was refused; why there is no answer."""
    seconds: float
    asked_by: str = LOCAL

    @property
    def verdict(self) -> str:
        return {True: "confirmed", False: "refused", None: "no answer"}[self.accepted]


@dataclass(frozen=True)
class CheckRecord(NewCheck):
    id: int = 0
    checked_at: datetime = datetime.min


def add(session: Session, new: NewCheck) -> None:
    """Keeps it, and what it means for the proof and for those that contradict it."""
    revision = proof_rows.next_revision(session)
    session.add(Row(**vars(new), checked_at=datetime.now(UTC)))
    session.flush()
    digest = session.scalars(
        sa.update(ProofRow)
        .where(ProofRow.id == new.proof_id)
        .values(revision=revision)
        .returning(ProofRow.model_digest)
    ).one()
    standing.settle(session, digest, revision)


def of(session: Session, proof_id: int) -> Sequence[CheckRecord]:
    """All checks of a proof, the last first."""
    rows = session.scalars(sa.select(Row).where(Row.proof_id == proof_id).order_by(Row.id.desc()))
    return [
        CheckRecord(
            proof_id=row.proof_id, certificate=row.certificate, checker=row.checker, accepted=row.accepted,
            message=row.message, seconds=row.seconds, asked_by=row.asked_by, id=row.id, checked_at=row.checked_at,
        )
        for row in rows
    ]  # fmt: skip


def missing(
    session: Session, checker: str, *, variants: Collection[str] | None = None, since: datetime | None = None
) -> Sequence[int]:
    """Proofs with a certificate of a claim, of these variants, ended at or after `since`, of whose certificate this checker has
    not yet said yes or no."""
    decided = sa.exists().where(
        Row.proof_id == ProofRow.id,
        Row.certificate == ProofRow.certificate,
        Row.checker == checker,
        Row.accepted.is_not(None),
    )
    wanted = sa.select(ProofRow.id).where(ProofRow.certificate.is_not(None), ProofRow.correct.is_not(None), ~decided)
    if variants is not None:
        wanted = wanted.where(ProofRow.variant.in_(variants))
    if since is not None:
        wanted = wanted.where(ProofRow.finished_at >= since)
    return list(session.scalars(wanted.order_by(ProofRow.id)))
