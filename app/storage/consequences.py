"""What finished proofs of one model mean together: its accuracy, their tightness, and which of them are in doubt.

Only `proved` (strict) results speak about the accuracy: each says "at least correct" and "at most total - wrong". Two that
cannot both be true contradict each other, and nobody can tell from the numbers which is wrong: both are in doubt, until a
checker refuses one and confirms the other. What is in doubt counts for nothing here, and is never hidden.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from app.storage.records import Doubt
from proofs.bound import floor_ratio


@dataclass(frozen=True)
class Result:
    """The numbers of one finished proof, and what checkers said of its certificate."""

    id: int
    proved: bool
    correct: int
    wrong: int
    refused: bool = False
    """The last word of some checker is no."""
    confirmed: bool = False
    """The last word of some checker is yes, and of none no."""


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
    """What the others, and the checkers, make of one result."""

    tightness: float | None
    basis: str | None
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Standing:
    """All of it together."""

    truth: Interval
    best_bound: float | None
    """The highest bound that is proved and not in doubt; None while there is none."""
    judged: Mapping[int, Judged]
    """By the result's number."""


def standing(total: int, results: Collection[Result]) -> Standing:
    contradicted = _contradicted(total, [result for result in results if result.proved])
    sound = [one for one in results if one.proved and not one.refused and one.id not in contradicted]
    right, wrong = _reach(sound)
    truth = Interval(right, total - wrong, total)
    best = floor_ratio(right, total) if sound else None
    return Standing(truth, best, {one.id: _judge(one, truth, contradicted) for one in results})


def _contradicted(total: int, proved: Collection[Result]) -> set[int]:
    """Those that cannot be true beside another. One that is confirmed need not bear the word of one that is refused."""
    unrefused = [one for one in proved if not one.refused]
    of_all, of_unrefused = _reach(proved), _reach(unrefused)
    found = set()
    for one in unrefused:
        right, wrong = of_unrefused if one.confirmed else of_all
        if one.correct + wrong > total or one.wrong + right > total:
            found.add(one.id)
    return found


def excess(one: Result, other: Result, total: int) -> int:
    """By how many inputs the two claim more than there are; at most 0 if both can be true."""
    return max(one.correct + other.wrong, one.wrong + other.correct) - total


def _reach(results: Iterable[Result]) -> tuple[int, int]:
    """The most correct and the most wrong inputs that any of them claims."""
    right = wrong = 0
    for one in results:
        right, wrong = max(right, one.correct), max(wrong, one.wrong)
    return right, wrong


def _judge(result: Result, truth: Interval, contradicted: Collection[int]) -> Judged:
    """What is in doubt has no tightness: it would lead every list."""
    if result.refused:
        return Judged(None, None, Doubt.REFUSED)
    if result.id in contradicted:
        return Judged(None, None, Doubt.CONTRADICTED)
    if result.correct > truth.upper:
        return Judged(None, None, Doubt.ABOVE_TRUTH)
    if truth.upper == 0 or (truth.upper == truth.total and not truth.is_exact):
        return Judged(None, None)  # nothing is known from above
    return Judged(floor_ratio(result.correct, truth.upper), "exact" if truth.is_exact else "proved")
