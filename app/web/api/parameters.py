"""Query parameters of lists, described for OpenAPI; `listing.read` parses them, since filters are open-ended."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.storage.keyset import MAX_LIMIT
from app.storage.records import Op

SCHEMAS: Mapping[type, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    float: {"type": "number"},
    str: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
}
LISTS = {"tags"}
"""Fields that hold several words; they can only be asked for one of them."""


def of_list(fields: Mapping[str, Any], sorts: Iterable[str], standard: str) -> dict[str, Any]:
    """For `openapi_extra`: sort, next, limit and one parameter for each field that can be filtered."""
    orders = [order for name in sorts for order in (name, f"-{name}")]
    return {
        "parameters": [
            _parameter("sort", {"type": "string", "enum": orders, "default": standard}, "With - in front: descending."),
            _parameter("next", {"type": "string"}, "From the previous page's `next`."),
            _parameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}, "Rows a page."
            ),
            *(_filter(field, column.type.python_type) for field, column in fields.items()),
        ]
    }


def _filter(field: str, kind: type) -> dict[str, Any]:
    if field in LISTS:
        return _parameter(f"{field}__{Op.CONTAINS}", SCHEMAS[str], "Filter: has this one.")
    operators = ", ".join(f"`{op}`" for op in Op if op is not Op.CONTAINS or kind is str)
    return _parameter(field, SCHEMAS[kind], f"Filter: equal; or `{field}__OP` with OP one of {operators}.")


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
