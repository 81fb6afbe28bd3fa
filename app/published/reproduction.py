"""Ours beside theirs, row by row: the same families of proofs on our models and on the published ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.published import facts
from app.published.facts import D_VOCAB, Generation, Summary
from app.published.overlay import lengths_of
from app.published.rows import MEMBERS, Row, row_of
from app.storage.records import FrontPoint
from app.storage.reference_results import StoredResult
from proofs.strategies import Variant
from proofs.task import MaxOfK


@dataclass(frozen=True)
class Pair:
    """Best bounds over models or seeds: as they are, and over the model's accuracy."""

    bound: Summary | None
    normalised: Summary | None


@dataclass(frozen=True)
class Line:
    """One row of the published table."""

    row: Row
    strategies: int
    published: Pair
    ours: Mapping[str, Pair]
    """By variant: `as-published`, which reproduces theirs, and `strict`, which is sound."""
    imported: Mapping[str, Pair]
    """By the name under which somebody imported results."""
    published_lengths: tuple[int, int] | None
    """Shortest and longest strategy, as published."""
    our_lengths: tuple[int, int]
    """The same under our `reference-v1`."""

    @property
    def distance(self) -> float | None:
        """Our mean, as published, from theirs, in their standard deviations."""
        ours, theirs = self.ours[Variant.AS_PUBLISHED].bound, self.published.bound
        return None if ours is None or theirs is None or theirs.sd == 0 else (ours.mean - theirs.mean) / theirs.sd

    @property
    def same_lengths(self) -> bool | None:
        return None if self.published_lengths is None else self.published_lengths == self.our_lengths


def compare(
    points: Sequence[FrontPoint],
    imported: Sequence[StoredResult],
    *,
    n_ctx: int,
    d_vocab: int,
    generation: Generation = Generation.POST,
) -> tuple[Line, ...]:
    """`points` are proofs about models of this task and of the published width."""
    task = MaxOfK(d_vocab=d_vocab, n_ctx=n_ctx)
    return tuple(_line(row, task, points, imported, generation) for row in Row)


def _line(
    row: Row, task: MaxOfK, points: Sequence[FrontPoint], imported: Sequence[StoredResult], generation: Generation
) -> Line:
    n_ctx, d_vocab = task.n_ctx, task.d_vocab
    return Line(
        row=row,
        strategies=len(MEMBERS.get(row, ("one",))),
        published=Pair(
            facts.bounds(n_ctx, d_vocab, row, generation), facts.normalised(n_ctx, d_vocab, row, generation)
        ),
        ours={variant: _ours(row, points, variant) for variant in Variant},
        imported={name: _imported(row, imported, name) for name in dict.fromkeys(one.origin for one in imported)},
        published_lengths=_published_lengths(row, task),
        our_lengths=lengths_of(task, row),
    )


def _ours(row: Row, points: Iterable[FrontPoint], variant: Variant) -> Pair:
    """Of each model the best proof of the row. Brute force is the same in both variants."""
    wanted = Variant.STRICT if row is Row.BRUTE_FORCE else variant
    best: dict[str, FrontPoint] = {}
    for point in points:
        if point.variant == wanted and row_of(point.strategy) is row:
            known = best.get(point.model_digest)
            if known is None or point.bound > known.bound:
                best[point.model_digest] = point
    ratios = [point.tightness for point in best.values() if point.tightness is not None]
    return Pair(_summary(point.bound for point in best.values()), _summary(ratios))


def _imported(row: Row, results: Iterable[StoredResult], origin: str) -> Pair:
    best: dict[int, StoredResult] = {}
    for one in results:
        if one.origin == origin and row_of(one.strategy) is row:
            known = best.get(one.seed)
            if known is None or one.bound > known.bound:
                best[one.seed] = one
    ratios = (one.normalised for one in best.values() if one.normalised is not None)
    return Pair(_summary(one.bound for one in best.values()), _summary(ratios))


def _summary(values: Iterable[float]) -> Summary | None:
    known = list(values)
    return facts.summarise(known) if known else None


def _published_lengths(row: Row, task: MaxOfK) -> tuple[int, int] | None:
    if task.d_vocab != D_VOCAB:
        return None
    single = {Row.BRUTE_FORCE: facts.BRUTE_FORCE_LENGTH, Row.CUBIC: facts.CUBIC_LENGTH}.get(row)
    if single is not None:
        length = single.get(task.n_ctx)
        return None if length is None else (length, length)
    known = facts.lengths(task.n_ctx)
    lengths = [known[options.code] for options in MEMBERS[row] if options.code in known]
    return (min(lengths), max(lengths)) if lengths else None
