"""What the theorems of the separable family certify, one block (query, maximum) at a time.

    the model answers m iff sum_i e[i][t_i] (ov[i][t_i][x] - ov[i][t_i][m] + direct[x] - direct[m]) < 0 for every x != m

A *form* says which sums a theorem looks at: one for each wrong answer x, or fewer that are at least as large. A *count* says
how many inputs of the block are right, and how many are wrong for certain. Sums are computed within a radius of the truth. So
an input whose sum is below -radius is right, as far as x is concerned, and one whose sum is at least +radius is wrong (a tie
is wrong).
"""

from collections.abc import Callable, Iterator
from functools import partial
from operator import sub
from typing import NamedTuple

from proofs.checker.counting import Answer, below_alike, completions, reaching, reaching_in_bins, some_reach
from proofs.checker.tables import AtQuery, Tables, weighted

EXACT_POSITIONS = 3
"""Up to this many free positions tuples are counted one by one, or in whole branches; beyond, in bins."""
NO_BINS = 0
"""In place of a number of bins: one by one, however many positions there are."""

Found = tuple[int, int]
"""Inputs that are right, and that are wrong, for certain."""
Block = Callable[[int, int], Found]
"""Of a maximum and a number of bins."""


class Open(NamedTuple):
    """What is left to decide of a block: the answers that some input may get."""

    most: list[Answer]
    """What executions make of the sums, at most; in real arithmetic the sums themselves"""
    least: list[Answer]
    radius: int
    needs_last: bool
    bins: int
    size: int


Form = Callable[[AtQuery, int], Iterator[Answer]]
"""Of a query's attention and a maximum."""


def separable(form: Form, count: Callable[[Open], Found], tables: Tables) -> Callable[[int], Block]:
    def at(query: int) -> Block:
        view = AtQuery.of(tables, query)

        def block(maximum: int, bins: int) -> Found:
            needs_last = query != maximum
            size = completions(maximum + 1, len(view.weights) - 1, not needs_last)
            loose = view.radius + view.stray * sum(max(row[: maximum + 1]) for row in view.weights)
            may_reach = [answer for answer in form(view, maximum) if some_reach(answer, -loose, needs_last)]
            both = [(view.executed(answer, 1), view.executed(answer, -1)) for answer in may_reach]
            both = [pair for pair in both if some_reach(pair[0], -view.radius, needs_last)]
            if not both:
                return size, 0
            most, least = map(list, zip(*both, strict=True))
            return count(Open(most, least, view.radius, needs_last, bins, size))

        return block

    return at


def each_answer(view: AtQuery, maximum: int) -> Iterator[Answer]:
    """The sums as they are."""
    query, right = view.query, [row[: maximum + 1] for row in view.sums[maximum]]
    for x, rows in enumerate(view.sums):
        if x != maximum:
            terms = [list(map(sub, row, ours)) for row, ours in zip(rows[:-1], right[:-1], strict=True)]
            yield Answer(rows[-1][query] - right[-1][query], terms)


def worst_answer(view: AtQuery, maximum: int) -> Iterator[Answer]:
    """One sum, with the wrong answer at its worst for each token and position."""
    gain = view.tables.gain[view.query][maximum]
    ahead = ([row[maximum] for row in rows[: maximum + 1]] for rows in view.tables.lead)
    *terms, last = (weighted(row, rise, gain) for row, rise in zip(view.weights, ahead, strict=True))
    yield Answer(last[view.query], terms)


def all_decided(block: Open) -> Found:
    """Every input is decided."""
    _, _, radius, needs_last, _, size = block
    return size - reaching(block.most, -radius, needs_last), reaching(block.least, radius, needs_last)


def apart(block: Open) -> Found:
    """Each wrong answer apart and added up, or all jointly; the most frequent one alone is wrong."""
    counts = [_reaching(answer, block, upwards=True) for answer in block.most]
    certain = 0
    for count, answer in sorted(zip(counts, block.least, strict=True), reverse=True):
        if count <= certain:
            break  # whoever reaches the threshold for certain also may reach it
        certain = max(certain, _reaching(answer, block, upwards=False))
    return max(block.size - sum(counts), jointly(block)[0]), certain


def jointly(block: Open) -> Found:
    """Each token pushes whichever of the possible wrong answers it pushes most."""
    rows = zip(*(answer.terms for answer in block.most), strict=True)
    merged = Answer(max(answer.base for answer in block.most), [list(map(max, *row, row[0])) for row in rows])
    return block.size - _reaching(merged, block, upwards=True), 0


def in_shells(block: Open) -> Found:
    """Each token is at its worst position, so that only the multiset of tokens matters."""
    (answer,) = block.most
    return below_alike(answer, -block.radius, block.needs_last), 0


def _reaching(answer: Answer, block: Open, *, upwards: bool) -> int:
    threshold = -block.radius if upwards else block.radius
    if len(answer.terms) <= EXACT_POSITIONS or block.bins == NO_BINS:
        return reaching([answer], threshold, block.needs_last)
    return reaching_in_bins(answer, threshold, block.needs_last, bins=block.bins, upwards=upwards)


EXACT = partial(separable, each_answer, all_decided)
IN_SHELLS = partial(separable, worst_answer, in_shells)
SEPARABLE = {
    "brute-force": EXACT,
    "separable-exact": EXACT,
    "separable-paired": EXACT,  # which is at least as strong; so it is covered only where inputs can be decided
    "separable-quartic": partial(separable, each_answer, apart),
    "separable-joint": partial(separable, each_answer, jointly),
    "separable-cubic": partial(separable, worst_answer, jointly),
    "separable-sorted": IN_SHELLS,
    # Terms that no longer depend on the maximum are at least as large, so these two count no more:
    "separable-quadratic": IN_SHELLS,
    "separable-best-of": IN_SHELLS,
}
