"""Turns `field op value` into SQL. Values are compared as the column's type, never evaluated."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import InvalidParameter
from app.storage.columns import Canonical, canonical, storable
from app.storage.records import Filter, Op

Columns = Mapping[str, InstrumentedAttribute[Any]]

COMPARISONS: Mapping[Op, Callable[[Any, Any], Any]] = {
    Op.EQ: lambda column, value: column == value,
    Op.NE: lambda column, value: column != value,
    Op.LT: lambda column, value: column < value,
    Op.LTE: lambda column, value: column <= value,
    Op.GT: lambda column, value: column > value,
    Op.GTE: lambda column, value: column >= value,
}


def where(columns: Columns, filters: Iterable[Filter]) -> list[sa.ColumnElement[bool]]:
    """One condition for each filter. Raises `InvalidParameter` that names the filter and what is accepted."""
    return [_condition(columns, one) for one in filters]


def _condition(columns: Columns, one: Filter) -> sa.ColumnElement[bool]:
    column = columns.get(one.field)
    if column is None:
        raise InvalidParameter(f"Cannot filter by {one.field[:60]!r}. Choose one of {', '.join(columns)}.")
    match one.op:
        case Op.CONTAINS if isinstance(column.type, Canonical):  # a list of words: has this one
            return sa.type_coerce(column, sa.Text).icontains(canonical(storable(one.value)), autoescape=True)
        case Op.CONTAINS:
            if column.type.python_type is not str:
                raise InvalidParameter(f"{one.field} is not text, so {one.field}__contains makes no sense.")
            return column.icontains(storable(one.value), autoescape=True)
        case Op.IN:
            return column.in_([_value(one.field, column, part) for part in one.value.split(",")])
        case _:
            condition: sa.ColumnElement[bool] = COMPARISONS[one.op](column, _value(one.field, column, one.value))
            return condition


def _value(field: str, column: InstrumentedAttribute[Any], text: str) -> Any:
    if isinstance(column.type, Canonical):
        raise InvalidParameter(f"{field} is a list: use {field}__contains.")
    kind = column.type.python_type
    try:
        if kind is bool:
            return {"true": True, "false": False}[text]
        if kind is int and not -(2**63) <= int(text) < 2**63:
            raise ValueError
        if kind is float and not isfinite(float(text)):
            raise ValueError
        if kind is datetime:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return storable(text) if kind is str else kind(text)
    except (KeyError, ValueError, OverflowError) as error:
        expected = {bool: "true or false", int: "a whole number", float: "a number", datetime: "a date like 2026-01-31"}
        raise InvalidParameter(f"{field} is {text[:60]!r}; it must be {expected[kind]}.") from error
