"""What each strategy's theorem certifies, one block (query, maximum) at a time.

A theorem takes the tables to a function of the query, that to a function of the maximum m (and a number of bins), which
says how many inputs of the block are right and how many are wrong for certain. The separable family rests on

    the model answers m iff sum_i e[i][t_i] (ov[i][t_i][x] - ov[i][t_i][m] + direct[x] - direct[m]) < 0 for every x != m

and the published proofs, which add relaxations, are in `published`. Sums are computed within `radius` of the truth. So an
input whose sum is below -radius is right, as far as x is concerned, and one whose sum is at least +radius is wrong (a tie
is wrong).
"""

from collections.abc import Callable
from functools import partial
from operator import sub

from proofs.checker.arithmetic import Matrix, Row
from proofs.checker.counting import Answer, below_alike, largest_sum, reaching, reaching_in_bins
from proofs.checker.tables import Tables, leads

EXACT_POSITIONS = 3
"""Up to this many free positions tuples are counted one by one, or in whole branches; beyond, in bins."""
NO_BINS = 0
"""In place of a number of bins: one by one, however many positions there are."""

Found = tuple[int, int]
"""Inputs that are right, and that are wrong, for certain."""
Block = Callable[[int, int], Found]
Theorem = Callable[[Tables], Callable[[int], Block]]


def block_size(tables: Tables, query: int, maximum: int) -> int:
    free = tables.n_ctx - 1
    size: int = (maximum + 1) ** free
    return size if query == maximum else size - maximum**free


def exact(tables: Tables) -> Callable[[int], Block]:
    """Every input is decided: brute-force, separable-exact."""

    def count(wrong: list[Answer], radius: int, needs: bool, bins: int) -> Found:
        return reaching(wrong, -radius, needs), reaching(wrong, radius, needs)

    return partial(_at, tables, count)


def by_answer(tables: Tables) -> Callable[[int], Block]:
    """Each wrong answer apart and added up, or all jointly; the most frequent one alone is wrong: separable-quartic."""

    def count(wrong: list[Answer], radius: int, needs: bool, bins: int) -> Found:
        apart = [_reaching(answer, -radius, needs, bins, upwards=True) for answer in wrong]
        certain = 0
        for most, answer in sorted(zip(apart, wrong, strict=True), reverse=True):
            if most <= certain:
                break  # whoever reaches the threshold for certain also may reach it
            certain = max(certain, _reaching(answer, radius, needs, bins, upwards=False))
        return min(sum(apart), _reaching(_jointly(wrong), -radius, needs, bins, upwards=True)), certain

    return partial(_at, tables, count)


def by_open_answers(tables: Tables) -> Callable[[int], Block]:
    """Each token pushes whichever of the possible wrong answers it pushes most: separable-joint."""

    def count(wrong: list[Answer], radius: int, needs: bool, bins: int) -> Found:
        return _reaching(_jointly(wrong), -radius, needs, bins, upwards=True), 0

    return partial(_at, tables, count)


def _at(tables: Tables, count: Callable[[list[Answer], int, bool, int], Found], query: int) -> Block:
    """`count` says how many inputs may be answered wrongly and how many are for certain, given the answers that some input of
    the block may get; if there is none, every input is right."""
    answers, radius = _answers(tables, query)

    def block(maximum: int, bins: int) -> Found:
        wrong = answers(maximum)
        doubtful, certain = count(wrong, radius, query != maximum, bins) if wrong else (0, 0)
        return block_size(tables, query, maximum) - doubtful, certain

    return block


def _jointly(answers: list[Answer]) -> Answer:
    rows = zip(*(answer.terms for answer in answers), strict=True)
    return Answer(max(answer.base for answer in answers), [list(map(max, *row, row[0])) for row in rows])


def _answers(tables: Tables, query: int) -> tuple[Callable[[int], list[Answer]], int]:
    """The wrong answers that some input of a block may get, and the radius of their sums."""
    view = tables.at(query)
    sums = tables.answer_sums(query, view.weights)
    bases = [rows[-1][query] for rows in sums]
    free = [rows[:-1] for rows in sums]

    def answers(maximum: int) -> list[Answer]:
        right = [row[: maximum + 1] for row in free[maximum]]
        found = []
        for x in range(tables.d_vocab):
            if x != maximum:
                terms = [list(map(sub, row, ours)) for row, ours in zip(free[x], right, strict=True)]
                answer = Answer(bases[x] - bases[maximum], terms)
                most = largest_sum(answer, query != maximum)
                if most is not None and most >= -view.radius:
                    found.append(answer)
        return found

    return answers, view.radius


def _reaching(answer: Answer, threshold: int, needs_last: bool, bins: int, *, upwards: bool) -> int:
    if len(answer.terms) <= EXACT_POSITIONS or bins == NO_BINS:
        return reaching([answer], threshold, needs_last)
    return reaching_in_bins(answer, threshold, needs_last, bins=bins, upwards=upwards)


def by_token(tables: Tables) -> Callable[[int], Block]:
    """The wrong answer at its worst for each token and position: separable-cubic."""
    lead = [leads(matrix) for matrix in tables.ov()]
    gains = leads(tables.direct)

    def at(query: int) -> Block:
        view = tables.at(query)

        def block(maximum: int, bins: int) -> Found:
            gain, needs = gains[query][maximum], query != maximum
            rows = [
                [e * (lead[i][t][maximum] + gain) for t, e in enumerate(row[: maximum + 1])]
                for i, row in enumerate(view.weights[:-1])
            ]
            answer = Answer(view.weights[-1][query] * (lead[-1][query][maximum] + gain), rows)
            size = block_size(tables, query, maximum)
            most = largest_sum(answer, needs)
            if most is None or most < -view.radius:
                return size, 0
            return size - _reaching(answer, -view.radius, needs, bins, upwards=True), 0

        return block

    return at


def by_sorting(tables: Tables) -> Callable[[int], Block]:
    """As by_token, with all free positions alike: separable-sorted."""
    return _alike(tables, lambda *_: None)


def by_envelope(tables: Tables) -> Callable[[int], Block]:
    """As by_sorting, and tokens below the maximum get terms that no longer depend on it: separable-quadratic."""

    def terms(worst: Matrix, gains: Row, low: Row, high: Row) -> Row:
        most = max(gains)
        # The last token is below no maximum.
        return [_at_worst(max(row[t + 1 :], default=0) + most, low[t], high[t]) for t, row in enumerate(worst)]

    return _alike(tables, terms)


def _alike(tables: Tables, shared: Callable[[Matrix, Row, Row, Row], Row | None]) -> Callable[[int], Block]:
    """`shared` gives the terms of tokens below the maximum where they do not depend on it."""
    lead = [leads(matrix) for matrix in tables.ov()]
    worst = [[max(entries) for entries in zip(*rows, strict=True)] for rows in zip(*lead[:-1], strict=True)]
    gains = leads(tables.direct)
    free = tables.n_ctx - 1

    def at(query: int) -> Block:
        view = tables.at(query)
        columns = list(zip(*view.weights[:-1], strict=True))
        low, high = [min(column) for column in columns], [max(column) for column in columns]
        below = shared(worst, gains[query][query:], low, high)

        def block(maximum: int, bins: int) -> Found:
            gain, needs = gains[query][maximum], query != maximum
            base = view.weights[-1][query] * (lead[-1][query][maximum] + gain)
            if not worst:
                return int(base < -view.radius and not needs), 0
            row = [_at_worst(worst[t][maximum] + gain, low[t], high[t]) for t in range(maximum + 1)]
            if below is not None:
                row = [*below[:maximum], row[-1]]
            return below_alike(base, row, free, -view.radius, needs), 0

        return block

    return at


def _at_worst(rise: int, low: int, high: int) -> int:
    return rise * (high if rise > 0 else low)
