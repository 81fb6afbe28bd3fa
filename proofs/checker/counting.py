"""Counts tuples of tokens by sums of integers, one term for each position.

An `Answer` is a base and terms[i][t] for free positions i and tokens t. A tuple *reaches* the threshold with an answer if
base + sum_i terms[i][t_i] >= threshold. With `needs_last` only tuples that hold the last token count.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from math import comb
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


def below_alike(base: int, row: Row, positions: int, threshold: int, needs_last: bool) -> int:
    """Tuples below the threshold, at least, where every position has the same terms: by the number c of tokens but the last.

    Exact for c <= 3. Beyond, tuples of which all terms are below an equal share of what is allowed, or all but one, and the
    others below an equal share of what that one leaves.
    """
    *others, last = row
    others.sort()
    found = 0
    for c in range(positions + 1 - needs_last):
        allowed = threshold - base - (positions - c) * last
        found += comb(positions, c) * _below(others, c, allowed)
    return found


def _below(terms: Row, c: int, allowed: int) -> int:
    """Ordered c-tuples of ascending terms that add up to less than `allowed`."""
    if c == 0:
        return int(allowed > 0)
    if c == 1:
        return bisect_left(terms, allowed)
    if c <= 3:
        return sum(_below(terms, c - 1, allowed - term) for term in terms)
    core = bisect_left(terms, -(-allowed // c))
    found: int = core**c
    for term in terms[core:]:
        found += c * min(core, bisect_left(terms, -((term - allowed) // (c - 1)))) ** (c - 1)
    return found


def reaching_in_bins(answer: Answer, threshold: int, needs_last: bool, *, bins: int, upwards: bool) -> int:
    """At least (`upwards`) or at most as many tuples as reach the threshold.

    A polynomial whose coefficient k counts the tuples with a sum of k bins is a single integer with `size` bits for each
    coefficient. All positions but the last round their terms; for the last, sum >= missing is decided on whole bins.
    """
    missing = threshold - answer.base
    if sum(map(max, answer.terms)) < missing:
        return 0
    *rows, last = _narrowed(answer.terms, missing)
    width = max(1, sum(max(row.values()) - min(row.values()) for row in (*rows, last)) // bins)
    tokens = len(answer.terms[0])
    size = (tokens ** len(answer.terms)).bit_length() + 1
    without, holding = (1, 0) if needs_last else (0, 1)
    for row in rows:
        least = min(row.values())
        missing -= least
        steps = {t: -((least - term) // width) if upwards else (term - least) // width for t, term in row.items()}
        others = Counter(step for t, step in steps.items() if t != tokens - 1)
        with_last = (without + holding) << steps[tokens - 1] * size if tokens - 1 in steps else 0
        holding = _times(holding, others, size) + with_last
        without = _times(without, others, size)
    found = 0
    for t, term in last.items():
        fewest = max(0, -((term - missing) // width))
        pool = without + holding if t == tokens - 1 else holding
        found += _coefficient_sum(pool >> fewest * size, size)
    return found


def _narrowed(terms: Matrix, missing: int) -> list[dict[int, int]]:
    """Terms by token, closer together, with the same tuples reaching `missing`: without those with which no tuple does, and
    with those lowered with which all do. Bins are spent on what lies between."""
    most = sum(map(max, terms))
    kept = [{t: term for t, term in enumerate(row) if term + most - max(row) >= missing} for row in terms]
    least = sum(min(row.values()) for row in kept)
    return [
        {t: min(term, max(missing - least + lowest, lowest)) for t, term in row.items()}
        for row, lowest in ((row, min(row.values())) for row in kept)
    ]


def _times(polynomial: int, steps: Counter[int], size: int) -> int:
    return sum((polynomial << step * size) * ways for step, ways in steps.items()) if polynomial else 0


def _coefficient_sum(polynomial: int, size: int) -> int:
    """Modulo 2^size - 1 every power of 2^size is 1, and the sum is smaller than that."""
    return polynomial % ((1 << size) - 1)
