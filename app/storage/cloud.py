"""Every result as columns of numbers. What is drawn by the ten thousand is never a row, a record or an exact integer.

A process reads all results once; afterwards it reads what was written since. Lengths are floats here: enough to draw by, and
to tell which few proofs may lead (`Cloud.leading`); whoever says which do reads those (`proofs.points`) and compares exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.storage import proof_rows, proofs
from app.storage.tables import ModelRow, ProofRow

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXACT_BELOW = 2.0**50
"""Whole numbers below this are told apart by floats, however they were rounded on the way."""

ENUMERATES = "brute-force"


class Kind(NamedTuple):
    """Results that may be compared."""

    variant: str
    n_ctx: int
    d_vocab: int


@dataclass(frozen=True)
class Cloud:
    """The results that are in no doubt, by id."""

    revision: int
    """Of the last write that is in here."""
    kinds: tuple[Kind, ...]
    ids: Integers
    kind: Integers
    """Index into `kinds`."""
    enumerates: Bools
    bound: Floats
    tightness: Floats
    """NaN where there is none; lengths likewise."""
    lengths: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, chosen: Bools | Integers) -> "Cloud":
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        return replace(self, **columns, lengths={name: one[chosen] for name, one in self.lengths.items()})

    def is_of(self, wanted: Callable[[Kind], bool]) -> Bools:
        """Which results are of the kinds that are wanted."""
        chosen: Bools = np.array([*map(wanted, self.kinds), False])[self.kind]
        return chosen

    def is_of_task(self, n_ctx: int, d_vocab: int) -> Bools:
        return self.is_of(lambda kind: kind[1:] == (n_ctx, d_vocab))

    @property
    def tasks(self) -> list[tuple[int, int]]:
        """As (n_ctx, d_vocab), of those results that are here."""
        return sorted({self.kinds[place][1:] for place in np.unique(self.kind)})


COLUMNS = ("ids", "kind", "enumerates", "bound", "tightness")
WIDTH = 9
"""Columns of `_query`."""
PIECE = 5000
"""Rows that are in memory at a time."""


def leading(cloud: Cloud, lengths: Floats, heights: Floats) -> Integers:
    """Ids of all proofs that may be on the front of their kind: no other is clearly shorter and as high.

    Of several that are equally long for certain the highest one is there, the first of those that are equally high.
    """
    found = []
    for place in np.unique(cloud.kind):
        mine = cloud.kind == place
        length, height, ids = lengths[mine], heights[mine], cloud.ids[mine]
        order = np.lexsort((ids, -height, length))
        length, height, ids = length[order], height[order], ids[order]
        best = np.concatenate(([-np.inf], np.maximum.accumulate(height)))
        shorter = np.searchsorted(length, length * (1 - 1 / EXACT_BELOW), side="left")
        repeated = np.concatenate(([False], (length[1:] == length[:-1]) & (length[1:] < EXACT_BELOW)))
        found.append(ids[(height > best[shorter]) & ~repeated])
    return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)


class Clouds:
    """The columns as they were last read, for all requests of a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: Cloud | None = None

    def now(self, session: Session) -> Cloud:
        """As this session sees them. The first call reads everything, the others what was written since."""
        revision = proofs.revision(session)
        with self._lock:
            if self._last is None or self._last.revision > revision:  # the latter: a backup was restored
                self._last = _together(_read(session, _query(), (), revision))
            elif self._last.revision < revision:
                self._last = _brought_up_to(revision, self._last, session)
            return self._last


def _query() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            ProofRow.id,
            ProofRow.variant,
            ModelRow.n_ctx,
            ModelRow.d_vocab,
            ProofRow.strategy == ENUMERATES,
            ProofRow.bound,
            ProofRow.tightness,
            ProofRow.length,
            sa.cast(ProofRow.length_reference, sa.Double),
        )
        .join(ProofRow.model)
        .where(ProofRow.bound.is_not(None), proof_rows.NOT_IN_DOUBT)
    )


def _read(session: Session, query: sa.Select[*tuple[Any, ...]], known: tuple[Kind, ...], revision: int) -> list[Cloud]:
    """In pieces, and as the driver gives them: a hundred thousand times a little is much."""
    cursor = session.connection().execute(query).cursor
    pieces = [_columns([], known, revision)]
    while cursor is not None and (rows := cursor.fetchmany(PIECE)):
        pieces.append(_columns(rows, pieces[-1].kinds, revision))
    return pieces


def _columns(rows: Sequence[tuple[Any, ...]], known: Sequence[Kind], revision: int) -> Cloud:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * WIDTH
    ids, variants, n_ctxs, d_vocabs, enumerates, *numbers = columns
    places: dict[tuple[Any, ...], int] = {kind: place for place, kind in enumerate(known)}
    kind = [places.setdefault(one, len(places)) for one in zip(variants, n_ctxs, d_vocabs, strict=True)]
    bound, tightness, measured, reference = (np.array(column, np.float64) for column in numbers)
    return Cloud(
        revision=revision,
        kinds=tuple(Kind(*one) for one in places),
        ids=np.array(ids, np.int64),
        kind=np.array(kind, np.int64),
        enumerates=np.array(enumerates, np.bool_),
        bound=bound,
        tightness=tightness,
        lengths={"measured-v1": measured, "reference-v1": reference},
    )


def _brought_up_to(revision: int, last: Cloud, session: Session) -> Cloud:
    written = ProofRow.revision > last.revision
    changed = np.array(session.scalars(sa.select(ProofRow.id).where(written)).all(), np.int64)
    stayed = last.where(~np.isin(last.ids, changed))
    return _together([stayed, *_read(session, _query().where(written), last.kinds, revision)])


def _together(pieces: Sequence[Cloud]) -> Cloud:
    """By id; the last piece knows all kinds."""
    last = pieces[-1]
    columns: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in pieces]) for name in COLUMNS}
    lengths = {name: np.concatenate([one.lengths[name] for one in pieces]) for name in last.lengths}
    together = replace(last, **columns, lengths=lengths)
    return together.where(np.argsort(together.ids, kind="stable"))
