"""Counts tuples of tokens by sums of integers, one term for each position.

An `Answer` is a base and terms[i][t] for free positions i and tokens t. A tuple *reaches* the threshold with an answer if
base + sum_i terms[i][t_i] >= threshold. With `needs_last` only tuples that hold the last token count.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, product
from typing import NamedTuple

from proofs.checker.arithmetic import Matrix, Row


class Answer(NamedTuple):
    base: int
    terms: Matrix


def completions(tokens: int, positions: int, holds_last: bool) -> int:
    """Ways to fill the positions that are left, so that the last token is held in the end."""
    every: int = tokens**positions
    return every if holds_last else every - (tokens - 1) ** positions


def largest_sum(answer: Answer, needs_last: bool) -> int | None:
    """The largest base + sum over tuples; None if there is no tuple."""
    most = [max(row) for row in answer.terms]
    if not needs_last:
        return answer.base + sum(most)
    if not most:
        return None
    return answer.base + sum(most) - min(best - row[-1] for best, row in zip(most, answer.terms, strict=True))


def reaching(answers: Sequence[Answer], threshold: int, needs_last: bool) -> int:
    """Tuples that reach the threshold with at least one answer, exactly."""
    if not answers:
        return 0
    if not answers[0].terms:
        return int(not needs_last and any(answer.base >= threshold for answer in answers))
    return _Branches([_Sorted.of(answer.terms) for answer in answers], threshold).under(
        0, not needs_last, [(k, answer.base) for k, answer in enumerate(answers)]
    )


def reaching_by_halves(answer: Answer, threshold: int, needs_last: bool) -> int:
    """As `reaching`, for one answer and at least two positions: sums of one half of them looked up among those of the other."""
    half = len(answer.terms) // 2
    tokens = len(answer.terms[0])

    def with_tokens_below(bound: int) -> int:
        rows = [row[:bound] for row in answer.terms]
        sums = sorted(map(sum, product(*rows[:half])))
        missing = threshold - answer.base
        return sum(len(sums) - bisect_left(sums, missing - sum(others)) for others in product(*rows[half:]))

    return with_tokens_below(tokens) - (with_tokens_below(tokens - 1) if needs_last else 0)


class _Sorted(NamedTuple):
    """The terms of one answer, prepared."""

    terms: Matrix
    most: Row
    """most[j]: what positions j, j + 1, ... add at most"""
    least: Row
    last: Row
    """The terms of the last position, ascending."""
    tokens_from: Row
    """tokens_from[k]: the tokens of last[k:], as bits"""

    @classmethod
    def of(cls, terms: Matrix) -> "_Sorted":
        order = sorted(range(len(terms[-1])), key=terms[-1].__getitem__)
        suffixes = [0, *accumulate((1 << t for t in reversed(order)), int.__or__)]
        return cls(
            terms,
            most=[*accumulate(max(row) for row in reversed(terms))][::-1],
            least=[*accumulate(min(row) for row in reversed(terms))][::-1],
            last=[terms[-1][t] for t in order],
            tokens_from=suffixes[::-1],
        )


class _Branches:
    """A search over tuples that leaves a branch as soon as all of it reaches the threshold, or none of it does."""

    def __init__(self, answers: list[_Sorted], threshold: int) -> None:
        self.answers = answers
        self.threshold = threshold
        self.positions = len(answers[0].terms)
        self.tokens = len(answers[0].terms[0])

    def under(self, position: int, held: bool, sums: list[tuple[int, int]]) -> int:
        """Tuples below the branch whose tokens before `position` give the answers these sums."""
        live = []
        for k, partial in sums:
            missing = self.threshold - partial
            if self.answers[k].least[position] >= missing:
                return completions(self.tokens, self.positions - position, held)
            if self.answers[k].most[position] >= missing:
                live.append((k, partial))
        if not live:
            return 0
        if position == self.positions - 1:
            return self._last(held, [(self.answers[k], self.threshold - partial) for k, partial in live])
        rows = [(k, partial, self.answers[k].terms[position]) for k, partial in live]
        if held and len(live) == 1 and position == self.positions - 2:
            (k, partial, row), last = rows[0], self.answers[live[0][0]].last
            return sum(self.tokens - bisect_left(last, self.threshold - partial - term) for term in row)
        found = 0
        for t in range(self.tokens):
            holds = held or t == self.tokens - 1
            if position == self.positions - 2:  # spares a call for each of most tuples
                found += self._last(
                    holds, [(self.answers[k], self.threshold - partial - row[t]) for k, partial, row in rows]
                )
            else:
                found += self.under(position + 1, holds, [(k, partial + row[t]) for k, partial, row in rows])
        return found

    def _last(self, held: bool, missing: list[tuple[_Sorted, int]]) -> int:
        """Tokens of the last position that give some answer what it is missing."""
        if not held:
            return int(any(answer.terms[-1][-1] >= least for answer, least in missing))
        tokens = 0
        for answer, least in missing:
            tokens |= answer.tokens_from[bisect_left(answer.last, least)]
        return tokens.bit_count()


def reaching_in_bins(answer: Answer, threshold: int, needs_last: bool, *, bins: int, upwards: bool) -> int:
    """At least (`upwards`) or at most as many tuples as reach the threshold.

    A polynomial whose coefficient k counts the tuples with a sum of k bins is a single integer with `size` bits for each
    coefficient. All positions but the last round their terms; for the last, sum >= threshold is decided on whole bins.
    """
    *rows, last = answer.terms
    width = max(1, sum(max(row) - min(row) for row in answer.terms) // bins)
    size = (len(last) ** len(answer.terms)).bit_length() + 1
    without, holding = (1, 0) if needs_last else (0, 1)
    for row in rows:
        least = min(row)
        steps = [-((least - term) // width) if upwards else (term - least) // width for term in row]
        others = Counter(steps[:-1])
        holding = _times(holding, others, size) + ((without + holding) << steps[-1] * size)
        without = _times(without, others, size)
    missing = threshold - answer.base - sum(map(min, rows))
    found = 0
    for t, term in enumerate(last):
        fewest = max(0, -((term - missing) // width))
        pool = without + holding if t == len(last) - 1 else holding
        found += _coefficient_sum(pool >> fewest * size, size)
    return found


def _times(polynomial: int, steps: Counter[int], size: int) -> int:
    return sum((polynomial << step * size) * ways for step, ways in steps.items()) if polynomial else 0


def _coefficient_sum(polynomial: int, size: int) -> int:
    """Modulo 2^size - 1 every power of 2^size is 1, and the sum is smaller than that."""
    return polynomial % ((1 << size) - 1)
