"""Column types that keep what they are given: integers of any size, moments in UTC, small JSON values."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from proofs.strategies import named

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Prose(TypeDecorator[str]):
    """Text that people write. What a database cannot store in text (NUL, lone surrogates) becomes U+FFFD."""

    impl = sa.Text
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        return str

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value


class StrategyName(TypeDecorator[str]):
    """A strategy's name. Whatever it is compared with may be a short code: `U4-A1-E9` stands for the long name."""

    impl = sa.String
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        return str

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        known = None if value is None else named(value)
        return value if known is None else known.name

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value


class Exact(TypeDecorator[int]):
    """An integer of any size as decimal text. SQLite's numbers lose digits past 2**63; sort by a float beside it."""

    impl = sa.Text
    cache_ok = True

    @property
    def python_type(self) -> type[int]:
        return int

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(int(value))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else int(value)


class Moment(TypeDecorator[datetime]):
    """An instant. SQLite forgets the time zone, so it is always UTC there."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("A moment needs a time zone.")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Canonical(TypeDecorator[Any]):
    """A small JSON value as canonical text, so that equal values are equal text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        return canonical(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else json.loads(value)


def storable(text: str) -> str:
    """The text as both databases can hold it."""
    return UNSTORABLE.sub("\ufffd", text)


def canonical(value: Any) -> str:
    """JSON with sorted keys and without spaces: one text for each value."""
    return storable(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False))
