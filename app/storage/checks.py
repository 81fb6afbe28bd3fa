"""Who checked which stored proof again, with which version, and what came of it. Rows are added, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.storage.tables import CheckRow as Row
from app.storage.tables import ProofRow


@dataclass(frozen=True)
class CheckRecord:
    proof_id: int
    certificate: str
    """SHA-256 of what was checked."""
    checker: str
    """Program and version: `engine 1`."""
    accepted: bool
    message: str
    """Expected and found, where it was refused."""
    seconds: float
    checked_at: datetime


def add(
    session: Session, *, proof_id: int, certificate: str, checker: str, accepted: bool, message: str, seconds: float
) -> None:
    session.add(
        Row(
            proof_id=proof_id, certificate=certificate, checker=checker, accepted=accepted, message=message,
            seconds=seconds, checked_at=datetime.now(UTC),
        )
    )  # fmt: skip


def of(session: Session, proof_id: int) -> Sequence[CheckRecord]:
    """All checks of a proof, the last first."""
    rows = session.scalars(sa.select(Row).where(Row.proof_id == proof_id).order_by(Row.id.desc()))
    return [
        CheckRecord(
            row.proof_id, row.certificate, row.checker, row.accepted, row.message, row.seconds, row.checked_at
        )
        for row in rows
    ]  # fmt: skip


def missing(session: Session, checker: str, *, since: datetime | None = None) -> Sequence[int]:
    """Proofs with a certificate of a claim, ended at or after `since`, whose certificate this checker has not yet checked."""
    checked = sa.exists().where(
        Row.proof_id == ProofRow.id, Row.certificate == ProofRow.certificate, Row.checker == checker
    )
    wanted = sa.select(ProofRow.id).where(ProofRow.certificate.is_not(None), ProofRow.correct.is_not(None), ~checked)
    if since is not None:
        wanted = wanted.where(ProofRow.finished_at >= since)
    return list(session.scalars(wanted.order_by(ProofRow.id)))


def refused(session: Session) -> Sequence[int]:
    """Proofs whose present certificate some checker refused."""
    wanted = (
        sa.select(Row.proof_id)
        .join(ProofRow, (ProofRow.id == Row.proof_id) & (ProofRow.certificate == Row.certificate))
        .where(~Row.accepted)
    )
    return list(session.scalars(wanted.distinct().order_by(Row.proof_id)))
