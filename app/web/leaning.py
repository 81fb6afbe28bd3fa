"""Which proofs lean on which part of an explanation, and how tight those are beside the ones that do not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.published.rows import options_of
from app.storage.records import FrontPoint
from proofs.strategies import Variant
from proofs.subcubic.options import QUADRATIC_DIRECT, Attention, Error, Options


@dataclass(frozen=True)
class Leaning:
    """Two groups of proofs that differ in one thing: whether they take a statement for granted up to a bound."""

    explanation: str
    """Name in `proofs.faithfulness`."""
    leans: str
    instead: str
    does: Callable[[Options], bool]


LEANINGS: tuple[Leaning, ...] = (
    Leaning("direct", "bound the direct path for all queries at once (U1 to U3)", "bound it for each query and answer (U4, U5)",
            lambda options: options.direct in QUADRATIC_DIRECT),
    Leaning("query-blind", "average attention over queries (A1)", "take each query by itself (A2)",
            lambda options: options.attention is Attention.A1),
    Leaning("smaller-keys", "take attention for one number per key, up to an error (all E but E9)", "use the whole table (E9)",
            lambda options: options.error is not Error.E9),
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """The tightest strict proof that leans on a statement, and the tightest that does not."""

    leaning: Leaning
    with_it: FrontPoint | None
    without: FrontPoint | None


def cost(leaning: Leaning, points: Sequence[FrontPoint]) -> Cost:
    """Among the strict sub-cubic proofs of one model."""
    groups: dict[bool, list[FrontPoint]] = {True: [], False: []}
    for point in points:
        options = options_of(point.strategy)
        if options is not None and point.variant == Variant.STRICT:
            groups[leaning.does(options)].append(point)
    best = {side: max(group, key=lambda point: point.bound, default=None) for side, group in groups.items()}
    return Cost(leaning, best[True], best[False])
