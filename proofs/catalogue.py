"""The whole published sub-cubic catalogue on one model, as one unit of work.

What several strategies need is computed once (`proofs.subcubic.pieces`), so that 100 claims cost little more than one. Each claim
is the same as `prove` would make alone: same hints, same counts, same length.
"""

from collections.abc import Callable, Iterator

from proofs.model import Model
from proofs.prove import Claim, claim, subject, task_of
from proofs.strategies import SUBCUBIC, Variant
from proofs.subcubic import directions, hints
from proofs.subcubic.options import ALL
from proofs.subcubic.pieces import PublishedPieces, SearchTables, StrictPieces, search_as_published
from proofs.tally import Tally


def prove_catalogue(
    model: Model,
    variant: Variant,
    *,
    tables: SearchTables = SearchTables.UNCENTRED,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Claim]:
    """A claim for each of the 100 strategies in `SUBCUBIC`, in that order; `report(done, of)` is called after each.

    `tables` matters only as published. Raises `NotApplicable` if the variant does not cover the model.
    """
    claims = _as_published(model, tables) if variant is Variant.AS_PUBLISHED else _proved(model, variant)
    for done, made in enumerate(claims, start=1):
        report(done, len(SUBCUBIC))
        yield made


def _proved(model: Model, variant: Variant) -> Iterator[Claim]:
    task = task_of(model)
    found = directions.find(model)
    pieces = StrictPieces.of(subject(model, variant), task, found, ALL)
    for strategy, options in zip(SUBCUBIC, ALL, strict=True):
        gaps = pieces.smallest_gaps(options)
        tally = Tally()
        counts = pieces.check(options, gaps, tally)
        yield claim(model, strategy, variant, hints.write(options, gaps, found), counts, tally)


def _as_published(model: Model, tables: SearchTables) -> Iterator[Claim]:
    task = task_of(model)
    found = directions.find(model)
    table_of = search_as_published(model, task, found, ALL, tables)
    pieces = PublishedPieces.of(model, task, found, ALL)
    for strategy, options in zip(SUBCUBIC, ALL, strict=True):
        tally = Tally()
        counts = pieces.check(options, table_of[options], tally)
        certificate = hints.write(options, table_of[options], found) | {"search": str(tables)}
        yield claim(model, strategy, Variant.AS_PUBLISHED, certificate, counts, tally)
