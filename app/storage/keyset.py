"""Pages of a long list that cost the same however deep: continue after a row instead of counting rows.

A sort is a column name, with `-` in front for descending; rows without a value come last, ties are ordered by
id. A page's `next` holds the sort, the last row's value and its id.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.errors import InvalidParameter

MAX_LIMIT = 1000

Columns = Mapping[str, InstrumentedAttribute[Any]]


@dataclass(frozen=True)
class Sort:
    name: str
    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[int]
    descending: bool

    def order(self) -> tuple[Any, ...]:
        return (self.column.desc(), self.id.desc()) if self.descending else (self.column.asc(), self.id.asc())

    def after(self, value: Any, row_id: int) -> sa.ColumnElement[bool]:
        here = sa.tuple_(self.column, self.id)
        there = sa.tuple_(sa.literal(value, self.column.type), sa.literal(row_id, self.id.type))
        return here < there if self.descending else here > there

    def id_after(self, row_id: int) -> sa.ColumnElement[bool]:
        return self.id < row_id if self.descending else self.id > row_id


def sort_of(columns: Columns, row_id: InstrumentedAttribute[int], text: str) -> Sort:
    """Raises `InvalidParameter` for a sort that is not offered."""
    name = text.removeprefix("-")
    if name not in columns:
        raise InvalidParameter(
            f"Cannot sort by {text[:60]!r}. Choose one of {', '.join(columns)}, with - in front for descending."
        )
    return Sort(text, columns[name], row_id, descending=text.startswith("-"))


def rows(
    session: Session, query: sa.Select[Any], sort: Sort, *, next: str | None, limit: int
) -> tuple[Sequence[Any], str | None]:
    """One page of entities and the token of the following page.

    Rows with a value and rows without one are two queries: each is one range of one index.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidParameter(f"limit is {limit}; it must be from 1 to {MAX_LIMIT}.")
    value, row_id = _read(sort, next) if next is not None else (None, None)
    found: list[Any] = []
    if row_id is None or value is not None:
        valued = query.where(sort.column.is_not(None)).order_by(*sort.order()).limit(limit + 1)
        found += session.scalars(valued if row_id is None else valued.where(sort.after(value, row_id)))
        row_id = None
    if len(found) <= limit and sort.column.nullable:
        without = query.where(sort.column.is_(None)).order_by(sort.order()[1]).limit(limit + 1 - len(found))
        found += session.scalars(without if row_id is None else without.where(sort.id_after(row_id)))
    page = found[:limit]
    return page, _token(sort, page[-1]) if len(found) > limit else None


def _token(sort: Sort, row: Any) -> str:
    value = getattr(row, sort.column.key)
    text = json.dumps([sort.name, value.isoformat() if isinstance(value, datetime) else value, row.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(sort: Sort, token: str) -> tuple[Any, int]:
    try:
        name, value, row_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if isinstance(value, str) and sort.column.type.python_type is datetime:
            value = _moment(value)
        right = name == sort.name and type(row_id) is int and 0 <= row_id < 2**63
        if value is not None:
            kind = sort.column.type.python_type
            kinds = (int, float) if kind is float else (kind,)
            right = right and type(value) in kinds and value == value  # a bool is no number, NaN no place
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise InvalidParameter("next is not a page of this list: start again without it.") from error
    if not right or (value is None and not sort.column.nullable):
        raise InvalidParameter("next belongs to another list or sort: start again without it.")
    return value, row_id


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(UTC)
