"""The state of a list, as its address says it: filters, sort, page. Parsed, never evaluated.

    ?bound__gte=0.9&strategy=cubic&sort=-bound&next=…

A bare field means `eq`. The API refuses what it does not know; a page says so in a notice and goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from app.errors import InvalidParameter
from app.storage.records import Filter, Op

OPS = {op.value: op for op in Op}


@dataclass(frozen=True)
class Listing:
    path: str
    filters: tuple[Filter, ...] = ()
    sort: str = ""
    next: str | None = None
    limit: int = 100
    standard_sort: str = ""
    unknown: tuple[str, ...] = ()
    """Parameters that mean nothing here."""

    @property
    def query(self) -> str:
        """Without `next`: what identifies the whole list."""
        pairs = [(one.field if one.op is Op.EQ else f"{one.field}__{one.op}", one.value) for one in self.filters]
        if self.sort != self.standard_sort:
            pairs.append(("sort", self.sort))
        return urlencode(pairs)

    def url(self, suffix: str = "", *, next: str | None = None) -> str:
        query = "&".join(part for part in (self.query, urlencode({"next": next}) if next else "") if part)
        return f"{self.path}{suffix}" + (f"?{query}" if query else "")

    def sort_url(self, name: str) -> str:
        """Sorts by a column, best first; the other way round if it is sorted so already."""
        return replace(self, sort=name if self.sort == f"-{name}" else f"-{name}").url()

    def direction(self, name: str) -> str | None:
        """The value of `aria-sort`."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.sort)

    def value(self, field: str, op: str = "eq") -> str:
        """What a filter is set to, for the form that sets it."""
        return next((one.value for one in self.filters if one.field == field and one.op == op), "")

    def without(self, gone: Filter) -> str:
        return replace(self, filters=tuple(one for one in self.filters if one is not gone)).url()

    def notice(self) -> tuple[str, ...]:
        if not self.unknown:
            return ()
        return (f"Not understood and left out: {', '.join(name[:60] for name in self.unknown)}.",)


def read(
    path: str, query: QueryParams, fields: Iterable[str], *, sort: str, limit: int = 100, also: Iterable[str] = ()
) -> Listing:
    """Raises `InvalidParameter` for a limit that is no number; `also` are parameters that the caller reads itself."""
    known = set(fields)
    filters, unknown = [], []
    for key, value in query.multi_items():
        if key in ("sort", "next", "limit", *also) or not value:
            continue
        field, _, op = key.partition("__")
        if field in known and (op or "eq") in OPS:
            filters.append(Filter(field, OPS[op or "eq"], value))
        else:
            unknown.append(key)
    return Listing(
        path=path,
        filters=tuple(filters),
        sort=query.get("sort") or sort,
        next=query.get("next") or None,
        limit=_limit(query.get("limit"), limit),
        standard_sort=sort,
        unknown=tuple(unknown),
    )


def strict(listing: Listing) -> Listing:
    """For programs: raises `InvalidParameter` if anything was not understood."""
    if listing.unknown:
        raise InvalidParameter(f"Unknown parameters: {', '.join(name[:60] for name in listing.unknown)}.")
    return listing


def _limit(text: str | None, standard: int) -> int:
    if not text:
        return standard
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidParameter(f"limit is {text[:20]!r}; it must be a whole number from 1 to 1000.")
    return int(text)
