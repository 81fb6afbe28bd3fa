"""Which workers are alive, by the database's clock: each writes heartbeats, and one that is silent for long is dead."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from app.storage.tables import WorkerRow

SILENCE_S = 8.0
"""A worker that was silent for longer is dead: its jobs are taken over."""


@dataclass(frozen=True)
class WorkerRecord:
    executor: str
    slots: int
    silent_s: float
    """Seconds since its last heartbeat."""

    @property
    def is_alive(self) -> bool:
        return self.silent_s <= SILENCE_S


class _Now(FunctionElement[float]):
    """Seconds since 1970, by the database's clock: machines may disagree about the time."""

    type = sa.Double()
    inherit_cache = True


@compiles(_Now, "sqlite")
def _sqlite(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_Now, "postgresql")
def _postgres(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


def beat(session: Session, executor: str, slots: int) -> None:
    changed = session.scalar(
        sa.update(WorkerRow)
        .where(WorkerRow.executor == executor)
        .values(beat=_Now(), slots=slots)
        .returning(WorkerRow.executor)
    )
    if changed is None:  # only one process has this name (worker.executor), so nobody else inserts it meanwhile
        session.execute(sa.insert(WorkerRow).values(executor=executor, slots=slots, beat=_Now()))


def known(session: Session) -> list[WorkerRecord]:
    """Every worker that has not been forgotten, the dead included, by name."""
    silence = (_Now() - WorkerRow.beat).label("silence")
    query = sa.select(WorkerRow.executor, WorkerRow.slots, silence).order_by(WorkerRow.executor)
    return [WorkerRecord(executor, slots, max(0.0, silent)) for executor, slots, silent in session.execute(query)]


def forget(session: Session, executor: str) -> None:
    session.execute(sa.delete(WorkerRow).where(WorkerRow.executor == executor))
