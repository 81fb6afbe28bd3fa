"""The 100 published sub-cubic proofs as strategies; their argument is in `proofs.subcubic`.

One module serves all of them: each function takes the short code of the strategy first. A check needs all queries at once,
because entries share averages over queries, so a shard costs as much as the whole.
"""

from collections.abc import Iterator, Sequence

from proofs.bound import Counts
from proofs.model import Model
from proofs.strategies import Hints
from proofs.subcubic import directions, hints
from proofs.subcubic.options import BY_CODE
from proofs.subcubic.pieces import PublishedPieces, SearchTables, StrictPieces, search_as_published
from proofs.tally import Tally
from proofs.task import MaxOfK


def search(code: str, model: Model, task: MaxOfK) -> Hints:
    options = BY_CODE[code]
    found = directions.find(model)
    return hints.write(options, StrictPieces.of(model, task, found, [options]).smallest_gaps(options), found)


def search_published_gaps(
    code: str, model: Model, task: MaxOfK, tables: SearchTables = SearchTables.UNCENTRED
) -> Hints:
    options = BY_CODE[code]
    found = directions.find(model)
    gaps = search_as_published(model, task, found, [options], tables)[options]
    return hints.write(options, gaps, found) | {"search": str(tables)}


def check(
    code: str, model: Model, task: MaxOfK, hints_: Hints, queries: Sequence[int], tally: Tally
) -> Iterator[Counts]:
    options = BY_CODE[code]
    gaps, found = hints.read(options, model, hints_)
    rows = StrictPieces.of(model, task, found, [options]).check(options, gaps, tally)
    yield from (rows[query] for query in queries)


def check_as_published(
    code: str, model: Model, task: MaxOfK, hints_: Hints, queries: Sequence[int], tally: Tally
) -> Iterator[Counts]:
    options = BY_CODE[code]
    gaps, found = hints.read(options, model, hints_)
    rows = PublishedPieces.of(model, task, found, [options]).check(options, gaps, tally)
    yield from (rows[query] for query in queries)
