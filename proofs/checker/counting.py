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


def some_reach(answer: Answer, threshold: int, needs_last: bool) -> bool:
    """Whether any tuple reaches the threshold."""
    most = [max(row) for row in answer.terms]
    total = answer.base + sum(most)
    if needs_last:
        total -= min((best - row[-1] for best, row in zip(most, answer.terms, strict=True)), default=0)
    return total >= threshold


def reaching(answers: Sequence[Answer], threshold: int, needs_last: bool) -> int:
    """Tuples that reach the threshold with at least one answer, exactly.

    A search that leaves a branch as soon as all of it reaches the threshold, or none of it does.
    """
    if not answers[0].terms:
        return int(not needs_last and any(answer.base >= threshold for answer in answers))
    return _under(0, not needs_last, [(_Sorted.of(answer.terms), threshold - answer.base) for answer in answers])


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
        most, least = ([*accumulate(map(end, reversed(terms)))][::-1] for end in (max, min))
        return cls(terms, most, least, [terms[-1][t] for t in order], suffixes[::-1])


def _under(position: int, held: bool, missing: list[tuple[_Sorted, int]]) -> int:
    """Tuples below a branch that give some answer what it is missing; `held`: the branch holds the last token."""
    live = []
    for answer, least in missing:
        if answer.least[position] >= least:
            return completions(len(answer.last), len(answer.terms) - position, held)
        if answer.most[position] >= least:
            live.append((answer, least, answer.terms[position]))
    if not live:
        return 0
    answer, least, row = live[0]
    following = len(answer.terms) - position - 1
    if following == 0:
        return _last(held, [(answer, least) for answer, least, _ in live])
    if following == 1 and held and len(live) == 1:
        return sum(len(row) - bisect_left(answer.last, least - term) for term in row)
    found = 0
    for t in range(len(row)):
        holds = held or t == len(row) - 1
        then = [(answer, least - row[t]) for answer, least, row in live]
        found += _last(holds, then) if following == 1 else _under(position + 1, holds, then)
    return found


def _last(held: bool, missing: list[tuple[_Sorted, int]]) -> int:
    """Tokens of the last position that give some answer what it is missing."""
    if not held:
        return int(any(answer.terms[-1][-1] >= least for answer, least in missing))
    tokens = 0
    for answer, least in missing:
        tokens |= answer.tokens_from[bisect_left(answer.last, least)]
    return tokens.bit_count()


def below_alike(answer: Answer, threshold: int, needs_last: bool) -> int:
    """Tuples below the threshold, at least, with each token at its worst position: by the number c of tokens but the last.

    Exact for c <= 3. Beyond, tuples of which all terms are below an equal share of what is allowed, or all but one, and the
    others below an equal share of what that one leaves.
    """
    positions = len(answer.terms)
    *others, last = map(max, zip(*answer.terms, strict=True))
    others.sort()
    return sum(
        comb(positions, c) * _below(others, c, threshold - answer.base - (positions - c) * last)
        for c in range(positions + 1 - needs_last)
    )


def _below(terms: Row, c: int, allowed: int) -> int:
    """Ordered c-tuples of ascending terms that add up to less than `allowed`."""
    if c <= 1:
        return bisect_left(terms, allowed) if c else int(allowed > 0)
    if c <= 3:
        return sum(_below(terms, c - 1, allowed - term) for term in terms)
    core = bisect_left(terms, -(-allowed // c))
    others = (min(core, bisect_left(terms, -((term - allowed) // (c - 1)))) for term in terms[core:])
    found: int = core**c + sum(c * fewer ** (c - 1) for fewer in others)
    return found


def reaching_in_bins(answer: Answer, threshold: int, needs_last: bool, *, bins: int, upwards: bool) -> int:
    """At least (`upwards`) or at most as many tuples as reach the threshold.

    A polynomial whose coefficient k counts the tuples with a sum of k bins is a single integer with `size` bits for each
    coefficient. All positions but the last round their terms; for the last, sum >= missing is decided on whole bins.
    """
    missing = threshold - answer.base
    if not some_reach(answer, threshold, needs_last):
        return 0
    *rows, last = _narrowed(answer.terms, missing)
    width = max(1, sum(max(row.values()) - min(row.values()) for row in (*rows, last)) // bins)
    top = len(answer.terms[0]) - 1
    size = ((top + 1) ** len(answer.terms)).bit_length() + 1
    without, holding = (1, 0) if needs_last else (0, 1)  # tuples without the last token, and the others
    for row in rows:
        least = min(row.values())
        missing -= least
        steps = {t: -((least - term) // width) if upwards else (term - least) // width for t, term in row.items()}
        ways = Counter((t == top, step) for t, step in steps.items())
        pools = holding, holding + without
        holding = sum((pools[is_top] << step * size) * count for (is_top, step), count in ways.items())
        without = sum((without << step * size) * count for (is_top, step), count in ways.items() if not is_top)
    found = 0
    for t, term in last.items():
        fewest = max(0, -((term - missing) // width))
        # Modulo 2^size - 1 every power of 2^size is 1, so what remains is the sum of the coefficients, which is smaller.
        found += (holding + without * (t == top) >> fewest * size) % ((1 << size) - 1)
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
