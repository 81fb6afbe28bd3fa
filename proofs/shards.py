"""One check computed in several places: what a shard found, and how the shards become the claim that one check makes.

A shard checks some of the queries with the same hints. What it found is data from elsewhere: read strictly, and
believed no more than a strategy's own counts are (`proofs.bound`).

Every shard executes the set-up, such as the tables, and charges it. The check as a whole executes it once:

    length = sum over shards - (shards - 1) * set-up,

the set-up being what a check without queries tallies. So the claim, and with it the certificate's bytes, does not
depend on how the check was split.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from proofs import ENGINE_VERSION
from proofs.bound import Counts
from proofs.errors import CheckRefused
from proofs.model import Model
from proofs.prove import Claim, check, claim
from proofs.strategies import Hints, Strategy, Variant
from proofs.tally import Tally

COUNT = re.compile(r"0|[1-9][0-9]{0,999}")


@dataclass(frozen=True)
class Part:
    """What one shard found, set-up included in its operations."""

    hints: Hints
    rows: tuple[Counts, ...]
    operations: int


def check_part(
    model: Model,
    strategy: Strategy,
    variant: Variant,
    hints: Hints,
    queries: Sequence[int],
    *,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Part:
    """The check of these queries; `report(done, of)` is called after each. Raises what `proofs.prove.prove` raises."""
    tally = Tally()
    rows: list[Counts] = []
    for row in check(model, strategy, variant, hints, queries, tally):
        rows.append(row)
        report(len(rows), len(queries))
    return Part(hints, tuple(rows), tally.operations)


def assemble(model: Model, strategy: Strategy, variant: Variant, parts: Sequence[Part]) -> Claim:
    """The claim that one check of all queries makes. Raises `CheckRefused` unless the parts fit together, speak exactly
    once about every query and say nothing impossible."""
    hints = parts[0].hints
    if any(part.hints != hints for part in parts):
        raise CheckRefused("The shards of this proof were checked with different hints.")
    setup = Tally()
    list(check(model, strategy, variant, hints, (), setup))
    if any(part.operations < setup.operations for part in parts):
        raise CheckRefused(f"A shard says that it executed less than the set-up's {setup.operations:,} operations.")
    total = sum(part.operations for part in parts) - (len(parts) - 1) * setup.operations
    rows = [row for part in parts for row in part.rows]
    return claim(model, strategy, variant, hints, rows, Tally(total))


# --- as bytes -------------------------------------------------------------------------------------------------------


def written(part: Part) -> bytes:
    """JSON with exact counts as decimal texts. Only hints that are plain numbers and texts can be written."""
    rows = [
        {"query": row.query, "certified": _texts(row.certified), "wrong": None if row.wrong is None else _texts(row.wrong)}
        for row in part.rows
    ]  # fmt: skip
    content = {
        "engine_version": ENGINE_VERSION, "hints": dict(part.hints), "operations": str(part.operations), "rows": rows,
    }  # fmt: skip
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def read(data: bytes, queries: Sequence[int]) -> Part:
    """The part in bytes from elsewhere. Raises `CheckRefused` unless it is one about exactly these queries, in order."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CheckRefused(f"A shard's result is not JSON: {error}") from error
    found = _record(content, {"engine_version", "hints", "operations", "rows"})
    if found["engine_version"] != ENGINE_VERSION:
        raise CheckRefused(
            f"A shard was checked by engine {str(found['engine_version'])[:20]}, this is {ENGINE_VERSION}: prove it again."
        )
    if not isinstance(found["hints"], dict) or not isinstance(found["rows"], list):
        raise CheckRefused("A shard's result must have an object of hints and a list of rows.")
    rows = tuple(_row(row) for row in found["rows"])
    if [row.query for row in rows] != list(queries):
        raise CheckRefused("A shard did not speak exactly once about each of its queries.")
    return Part(cast("Hints", found["hints"]), rows, _count(found["operations"]))


def _texts(counts: Sequence[int]) -> list[str]:
    return [str(count) for count in counts]


def _row(value: Any) -> Counts:
    found = _record(value, {"query", "certified", "wrong"})
    if type(found["query"]) is not int:
        raise CheckRefused("A shard's query is not a whole number.")
    wrong = None if found["wrong"] is None else _counts(found["wrong"])
    return Counts(found["query"], _counts(found["certified"]), wrong)


def _record(value: Any, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != keys:
        raise CheckRefused(f"A shard's result must have exactly {', '.join(sorted(keys))}.")
    return value


def _counts(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise CheckRefused("A shard's counts are not a list.")
    return tuple(_count(entry) for entry in value)


def _count(value: Any) -> int:
    if not isinstance(value, str) or not COUNT.fullmatch(value):
        raise CheckRefused(f"A shard's count must be a decimal text, found {str(value)[:40]!r}.")
    return int(value)
