"""What a check may say, and the only place where it becomes a claim.

A check speaks query by query: for each maximum, how many inputs of the block (query, maximum) are certified
correct and, where it can tell, how many are wrong for certain. `Bound.of` compares every number with the exact
size of its block, so that a strategy with a bug in its counting is refused instead of believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from proofs.errors import CheckRefused
from proofs.task import MaxOfK


@dataclass(frozen=True)
class Counts:
    """What a check found for one query; entry m of each tuple is about the block (query, m)."""

    query: int
    certified: tuple[int, ...]
    wrong: tuple[int, ...] | None = None
    """Inputs that the model answers wrongly for certain; None where a strategy cannot tell."""


@dataclass(frozen=True)
class Bound:
    """At least `correct` and at most `total - wrong` of the `total` inputs are answered correctly."""

    total: int
    correct: int
    wrong: int
    blocks: tuple[Counts, ...]

    @classmethod
    def of(cls, task: MaxOfK, counts: Iterable[Counts]) -> "Bound":
        """Sums validated counts. Raises `CheckRefused` for anything that cannot be true."""
        blocks = tuple(sorted(counts, key=lambda row: row.query))
        if [row.query for row in blocks] != list(range(task.d_vocab)):
            raise CheckRefused("The check did not speak exactly once about every query.")
        for row in blocks:
            _validate(task, row)
        return cls(
            total=task.total,
            correct=sum(sum(row.certified) for row in blocks),
            wrong=sum(sum(row.wrong) for row in blocks if row.wrong is not None),
            blocks=blocks,
        )

    @property
    def accuracy(self) -> float:
        """The lower bound as a float, rounded down."""
        return floor_ratio(self.correct, self.total)

    @property
    def is_exact(self) -> bool:
        return self.correct + self.wrong == self.total


def _validate(task: MaxOfK, row: Counts) -> None:
    wrong = row.wrong if row.wrong is not None else (0,) * task.d_vocab
    if len(row.certified) != task.d_vocab or len(wrong) != task.d_vocab:
        raise CheckRefused(f"Query {row.query}: expected one count for each of {task.d_vocab} maxima.")
    for maximum, (certain, refuted) in enumerate(zip(row.certified, wrong, strict=True)):
        if type(certain) is not int or type(refuted) is not int:
            raise CheckRefused(f"Block ({row.query}, {maximum}): a count is not a Python integer.")
        size = task.block_size(row.query, maximum)
        if certain < 0 or refuted < 0 or certain + refuted > size:
            raise CheckRefused(
                f"Block ({row.query}, {maximum}) has {size} inputs, but the check certified {certain} and refuted {refuted}."
            )


def floor_ratio(numerator: int, denominator: int) -> float:
    """The largest multiple of 2**-52 that is at most the ratio (0 <= ratio <= 1): exact, never rounded up."""
    return (numerator * 2**52 // denominator) / 2**52
