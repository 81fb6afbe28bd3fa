"""Other people's results, imported from the reference project's files: kept apart from proofs, compared, never believed.

An import is one transaction: all rows or none. The same origin imported again replaces what it said before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import InvalidParameter, NotFound
from app.storage.columns import storable
from app.storage.tables import ReferenceResultRow as Row

MAX_ORIGIN_LENGTH = 200
BATCH = 500


class OriginNotFound(NotFound):
    """No results were imported under this name. The reproduction page lists the names."""

    code = "origin-not-found"


@dataclass(frozen=True)
class NewResult:
    """One row of a file, checked."""

    seed: int
    strategy: str
    correct: int
    total: int
    bound: float
    normalised: float | None
    length: int | None
    error_bound: float | None
    search_seconds: float | None
    seconds: float | None
    estimated: bool


@dataclass(frozen=True)
class StoredResult:
    origin: str
    n_ctx: int
    d_vocab: int
    seed: int
    strategy: str
    correct: int
    total: int
    bound: float
    normalised: float | None
    length: int | None
    estimated: bool
    """A sampled accuracy, not a proof."""


@dataclass(frozen=True)
class Origin:
    """One set of imported results."""

    name: str
    n_ctx: int
    d_vocab: int
    rows: int
    seeds: int
    imported_at: datetime


def put(session: Session, *, origin: str, n_ctx: int, d_vocab: int, results: Sequence[NewResult]) -> str:
    """Adds the rows, in place of what this origin said of the same seeds and strategies; returns the origin's name as stored."""
    name = _name(origin)
    now = datetime.now(UTC)
    key = (Row.origin == name) & (Row.n_ctx == n_ctx) & (Row.d_vocab == d_vocab)
    for start in range(0, len(results), BATCH):
        part = results[start : start + BATCH]
        same = sa.tuple_(Row.seed, Row.strategy).in_([(one.seed, one.strategy) for one in part])
        session.execute(sa.delete(Row).where(key, same))
        rows = [{**vars(one), "origin": name, "n_ctx": n_ctx, "d_vocab": d_vocab, "imported_at": now} for one in part]
        session.execute(sa.insert(Row), rows)
    return name


def of_task(session: Session, *, n_ctx: int, d_vocab: int) -> list[StoredResult]:
    """By origin, seed and strategy."""
    columns = [getattr(Row, name) for name in StoredResult.__dataclass_fields__]
    query = sa.select(*columns).where(Row.n_ctx == n_ctx, Row.d_vocab == d_vocab)
    return [StoredResult(*row) for row in session.execute(query.order_by(Row.origin, Row.seed, Row.strategy))]


def origins(session: Session) -> list[Origin]:
    grouped = sa.select(
        Row.origin, Row.n_ctx, Row.d_vocab, sa.func.count(), sa.func.count(sa.distinct(Row.seed)),
        sa.func.max(Row.imported_at, type_=Row.imported_at.type),
    ).group_by(Row.origin, Row.n_ctx, Row.d_vocab)  # fmt: skip
    return [Origin(*row) for row in session.execute(grouped.order_by(Row.origin, Row.n_ctx, Row.d_vocab))]


def remove(session: Session, *, origin: str, n_ctx: int, d_vocab: int) -> int:
    """Forgets what an origin said about one task; how many rows that were. Raises `OriginNotFound`."""
    gone = session.execute(
        sa.delete(Row).where(Row.origin == origin, Row.n_ctx == n_ctx, Row.d_vocab == d_vocab).returning(Row.id)
    )
    removed = len(gone.all())
    if not removed:
        raise OriginNotFound
    return removed


def _name(origin: str) -> str:
    name = " ".join(storable(origin).split())
    if not name or len(name) > MAX_ORIGIN_LENGTH:
        raise InvalidParameter(f"A name for the results needs 1 to {MAX_ORIGIN_LENGTH} characters.")
    return name
