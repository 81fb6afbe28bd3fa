"""Query parameters of lists, described for OpenAPI; `listing.read` parses them, since filters are open-ended."""

from collections.abc import Iterable
from typing import Any

from app.storage.records import Op
from app.storage.keyset import MAX_LIMIT


def of_list(fields: Iterable[str], sorts: Iterable[str], standard: str) -> dict[str, Any]:
    """For `openapi_extra`: sort, next, limit and one parameter for each field that can be filtered."""
    orders = [order for name in sorts for order in (name, f"-{name}")]
    operators = ", ".join(f"`{op}`" for op in Op)
    return {
        "parameters": [
            _parameter("sort", {"type": "string", "enum": orders, "default": standard}, "With - in front: descending."),
            _parameter("next", {"type": "string"}, "From the previous page's `next`."),
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}, "Rows a page."),
            *(
                _parameter(field, {"type": "string"}, f"Filter: equal; `{field}__OP` with one of {operators}.")
                for field in fields
            ),
        ]
    }


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
