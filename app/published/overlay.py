"""What a front may show of the published results for one task: points, means, bands and the linear baseline."""

from dataclasses import dataclass, replace
from functools import cache

from app.published import facts
from app.published.facts import D_MODEL, D_VOCAB, Generation, Summary
from app.published.rows import MEMBERS, Row
from proofs.lengths import brute_force_length, cubic_length
from proofs.subcubic import reference
from proofs.subcubic.options import Attention, Direct, Error, Options
from proofs.task import MaxOfK


@dataclass(frozen=True)
class Point:
    """One published proof."""

    seed: int
    strategy: str
    row: Row
    bound: float
    normalised: float | None
    length: int
    dimension: int


@dataclass(frozen=True)
class Band:
    """A row's best bounds over the seeds, and between which lengths its strategies lie (`reference-v1`)."""

    row: Row
    bound: Summary | None
    normalised: Summary | None
    shortest: int
    longest: int


@dataclass(frozen=True)
class Baseline:
    """Checking only a part of the inputs buys that part of brute force's bound for that part of its length."""

    length: int
    """Brute force's, corrected (`reference-v1`)."""
    published_length: int | None
    """As published, with the broadcasting slip."""
    accuracy: Summary
    estimated: bool


@dataclass(frozen=True)
class Overlay:
    n_ctx: int
    d_vocab: int
    generation: Generation
    points: tuple[Point, ...]
    bands: tuple[Band, ...]
    baseline: Baseline | None
    source: str = facts.SOURCE

    @property
    def label(self) -> str:
        """Names the generation wherever these numbers are shown."""
        return "published" if self.generation is Generation.POST else "published before the fix"


@cache
def overlay(n_ctx: int, d_vocab: int, generation: Generation = Generation.POST) -> Overlay | None:
    """None for a task of which nothing was published."""
    if (n_ctx, d_vocab) not in facts.tasks():
        return None
    task = MaxOfK(d_vocab=d_vocab, n_ctx=n_ctx)
    bands = tuple(band for row in Row if (band := _band(task, row, generation)) is not None)
    return Overlay(n_ctx, d_vocab, generation, _points(task, generation), bands, _baseline(task))


def _points(task: MaxOfK, generation: Generation) -> tuple[Point, ...]:
    """Brute force is drawn as the baseline's end: its published place is a slip."""
    if task.d_vocab != D_VOCAB or generation is not Generation.POST:
        return ()
    known = facts.results(task.n_ctx)
    truth = {one.seed: one.correct for one in known if one.row is Row.BRUTE_FORCE}
    return tuple(
        Point(
            one.seed, one.strategy, one.row, one.bound,
            one.correct / truth[one.seed] if one.seed in truth else None, one.length, one.dimension,
        )
        for one in known
        if one.row is not Row.BRUTE_FORCE
    )  # fmt: skip


def _band(task: MaxOfK, row: Row, generation: Generation) -> Band | None:
    bound = facts.bounds(task.n_ctx, task.d_vocab, row, generation)
    ratio = facts.normalised(task.n_ctx, task.d_vocab, row, generation)
    if bound is None and ratio is None:
        return None
    shortest, longest = lengths_of(task, row)
    return Band(row, bound, ratio, shortest, longest)


def lengths_of(task: MaxOfK, row: Row) -> tuple[int, int]:
    """The shortest and the longest strategy of a row under `reference-v1` (d_model = 32, trivial gaps)."""
    if row is Row.BRUTE_FORCE:
        length = brute_force_length(task, D_MODEL)
        return length, length
    if row is Row.CUBIC:
        cubic = cubic_length(task, D_MODEL) or 0
        return cubic, cubic
    known = [length_of(options, task) for options in MEMBERS[row]]
    return min(known), max(known)


def length_of(options: Options, task: MaxOfK) -> int:
    """`proofs.subcubic.reference.length` at the published width and trivial gaps, a sum of one number for each option."""
    base, parts = _parts(task)
    return base + sum(parts[option.name] for option in (options.direct, options.attention, options.error))


@cache
def _parts(task: MaxOfK) -> tuple[int, dict[str, int]]:
    """One length, and by how much each option (U1, A1, E1 …) changes it: a few lengths tell all 100."""
    first = Options(Direct.U1, Attention.A1, Error.E1)
    base = reference.length(first, task, D_MODEL)
    others: list[tuple[Direct | Attention | Error, Options]] = [
        *((one, replace(first, direct=one)) for one in Direct),
        *((one, replace(first, attention=one)) for one in Attention),
        *((one, replace(first, error=one)) for one in Error),
    ]
    return base, {option.name: reference.length(options, task, D_MODEL) - base for option, options in others}


def _baseline(task: MaxOfK) -> Baseline | None:
    exact = facts.bounds(task.n_ctx, task.d_vocab, Row.BRUTE_FORCE, Generation.POST)
    accuracy = exact or facts.estimated_accuracy(task.n_ctx, task.d_vocab)
    if accuracy is None:
        return None
    published = facts.BRUTE_FORCE_LENGTH.get(task.n_ctx) if task.d_vocab == D_VOCAB else None
    return Baseline(brute_force_length(task, D_MODEL), published, accuracy, exact is None)
