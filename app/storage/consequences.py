"""What finished proofs of one model mean together: its accuracy, their tightness, and the alarms.

Only `proved` (strict) results speak about the accuracy: each says "at least correct" and "at most total - wrong". A
bound, of any trust, above the least such upper end is impossible: it is an alarm, counts for nothing, and is never
hidden.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from proofs.bound import floor_ratio


@dataclass(frozen=True)
class Result:
    """The numbers of one finished proof."""

    id: int
    proved: bool
    correct: int
    wrong: int


@dataclass(frozen=True)
class Interval:
    """The true accuracy lies in [lower, upper] / total."""

    lower: int
    upper: int
    total: int

    @property
    def is_exact(self) -> bool:
        return self.lower == self.upper


@dataclass(frozen=True)
class Judged:
    """What the others make of one result."""

    tightness: float | None
    basis: str | None
    alarm: bool


def accuracy(total: int, results: Iterable[Result]) -> Interval:
    proved = [result for result in results if result.proved]
    upper = total - max((result.wrong for result in proved), default=0)
    lower = max((result.correct for result in proved if result.correct <= upper), default=0)
    return Interval(lower, upper, total)


def judge(result: Result, truth: Interval) -> Judged:
    alarm = result.correct > truth.upper
    if truth.upper == 0 or (truth.upper == truth.total and not truth.is_exact):
        return Judged(None, None, alarm)  # nothing is known from above
    return Judged(floor_ratio(result.correct, truth.upper), "exact" if truth.is_exact else "proved", alarm)


def best_bound(results: Iterable[Result], truth: Interval) -> float | None:
    """The best bound that is proved and possible; None while there is none."""
    found = [result.correct for result in results if result.proved and result.correct <= truth.upper]
    return floor_ratio(max(found), truth.total) if found else None
