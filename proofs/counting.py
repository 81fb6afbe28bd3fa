"""Counts sequences whose separable sum reaches zero, by a dynamic programme over positions.

Given terms f(j, t) for free positions j and tokens t <= m, and a base, how many tuples (t_0, t_1, ...) have base
+ sum_j f(j, t_j) >= 0? The state is (partial sum in whole bins, does the tuple hold m yet). A term is rounded to
whole bins, up for an upper bound on the count (`reaching_at_most`) and down for a lower bound
(`reaching_at_least`). A state that can no longer reach zero, or no longer miss it, leaves at once, so that only
the band in between needs bins; the last position is one look-up per state.

Counts are float64: exact below 2**53, and beyond that `as_count_up` and `as_count_down` grant what the additions
may have lost. Operations are counted as executed (`proofs.tally`).

All kernels that call each other live in this file: numba's cache notices a change in the file of the function
that it compiled, not in the files of the functions called.
"""

from math import ceil, floor

import numba
import numpy as np
from jaxtyping import Bool, Float64, Int64

from proofs.errors import NotApplicable
from proofs.task import MaxOfK

Array = np.ndarray

MOST_BINS = 2**20
MOST_RUNS = 2**20
"""As many runs as there are answers: each on its own."""
COUNT_SLACK = 1e-8
"""More than the relative error of a sum of non-negative floats with up to 10**7 additions in a chain."""


def require_countable(task: MaxOfK) -> None:
    """Raises `NotApplicable` where counts would not fit a float64."""
    if task.total > 2**1000:
        raise NotApplicable(
            f"There are {task.d_vocab}^{task.n_ctx} inputs; this strategy counts up to 2^1000. "
            "Use cubic, which counts in whole numbers."
        )


def as_count_up(count: float, size: int) -> int:
    """A whole number at least the true count, and at most the block's size."""
    if size < 2**53:
        return min(size, ceil(count))
    return min(size, ceil(count * (1 + COUNT_SLACK)))


def as_count_down(count: float, size: int) -> int:
    """A whole number at most the true count."""
    if size < 2**53:
        return min(size, floor(count))
    return min(size, floor(count * (1 - COUNT_SLACK)))


@numba.njit(cache=True)
def reaching_with_lead(
    lead: Float64[Array, "n_ctx token maximum"],
    gain: Float64[Array, " maximum"],
    low: Float64[Array, "n_ctx token"],
    high: Float64[Array, "n_ctx token"],
    query: int,
    bins: int,
) -> tuple[Float64[Array, " maximum"], int]:
    """For each maximum m, at least as many sequences of the block (query, m) as have sum_i f(i, t_i) >= 0, where
    f(i, t) = e[i, t] (lead[i, t, m] + gain[m]) with low <= e <= high; and the operations spent."""
    n_ctx, d_vocab, _ = lead.shape
    found = np.zeros(d_vocab)
    operations = 0
    for m in range(query, d_vocab):
        terms = np.empty((n_ctx - 1, m + 1))
        for i in range(n_ctx - 1):
            for t in range(m + 1):
                terms[i, t] = _weighted(lead[i, t, m] + gain[m], low[i, t], high[i, t])
        base = _weighted(lead[n_ctx - 1, query, m] + gain[m], low[n_ctx - 1, query], high[n_ctx - 1, query])
        operations += 3 * (n_ctx - 1) * (m + 1) + 3 + (n_ctx - 1) * (m + 3) + 3
        if largest_sum(terms, base, query != m) < 0:
            continue
        found[m], spent = reaching_at_most(terms, base, query != m, bins)
        operations += spent
    return found, operations


@numba.njit(cache=True)
def reaching_for_answers(
    ov: Float64[Array, "n_ctx token logit"],
    direct: Float64[Array, " logit"],
    low: Float64[Array, "n_ctx token"],
    high: Float64[Array, "n_ctx token"],
    open_answers: Bool[Array, "maximum logit"],
    margin: float,
    query: int,
    bins: int,
    groups: int,
) -> tuple[Float64[Array, " maximum"], Float64[Array, " maximum"], int]:
    """For each maximum m: at least as many sequences as are answered otherwise than m; at most as many; operations.

    Only the x of open_answers[m] are looked at; the others are known never to be answered (`proofs.settling`). They
    are split into at most `groups` runs. A sequence that is answered x is counted with the run that x is in, every
    token pushing whichever answer of the run it pushes most. The lower end comes from the most frequent single x.
    """
    n_ctx, d_vocab, _ = ov.shape
    at_most = np.zeros(d_vocab)
    at_least = np.zeros(d_vocab)
    operations = 0
    for m in range(query, d_vocab):
        answers = np.flatnonzero(open_answers[m])
        runs = min(groups, answers.shape[0])
        for run in range(runs):
            group = answers[answers.shape[0] * run // runs : answers.shape[0] * (run + 1) // runs]
            terms, base, spent = _terms_for_answers(ov, direct, low, high, margin, query, m, group)
            operations += spent + (n_ctx - 1) * (m + 3) + 3
            if largest_sum(terms, base, query != m) < 0:
                continue
            reaching, spent = reaching_at_most(terms, base, query != m, bins)
            operations += spent + 1
            at_most[m] += reaching
            if group.shape[0] > 1 or reaching <= at_least[m]:
                continue
            terms, base, spent = _terms_for_answers(ov, direct, high, low, -margin, query, m, group)
            surely, spent_surely = reaching_at_least(terms, base, query != m, bins)
            operations += spent + spent_surely + 1
            at_least[m] = max(at_least[m], surely)
    return at_most, at_least, operations


@numba.njit(cache=True)
def _terms_for_answers(
    ov: Array,
    direct: Array,
    when_negative: Array,
    when_positive: Array,
    margin: float,
    query: int,
    m: int,
    answers: Array,
) -> tuple[Array, float, int]:
    """f(i, t) = e[i,t] max_x (ov[i,t,x] - ov[i,t,m] + direct[x] - direct[m] + margin), and the query's own term."""
    positions = ov.shape[0] - 1
    gains = direct[answers] - direct[m] + margin
    terms = np.empty((positions, m + 1))
    for i in range(positions):
        for t in range(m + 1):
            most = -np.inf
            for k in range(answers.shape[0]):
                most = max(most, ov[i, t, answers[k]] + gains[k])
            terms[i, t] = _weighted(most - ov[i, t, m], when_negative[i, t], when_positive[i, t])
    most = -np.inf
    for k in range(answers.shape[0]):
        most = max(most, ov[positions, query, answers[k]] + gains[k])
    base = _weighted(most - ov[positions, query, m], when_negative[positions, query], when_positive[positions, query])
    return terms, base, (positions * (m + 1) + 1) * (2 * answers.shape[0] + 3) + 2 * answers.shape[0]


@numba.njit(cache=True)
def _weighted(rise: float, when_negative: float, when_positive: float) -> float:
    weight = when_positive if rise > 0 else when_negative
    return rise * weight


@numba.njit(cache=True)
def reaching_at_most(
    terms: Float64[Array, "positions tokens"], base: float, needs_last: bool, bins: int
) -> tuple[float, int]:
    """At least as many tuples as reach zero, and the operations spent.

    `terms[j, t]` is an upper bound of the true term. With `needs_last`, only tuples that hold the last token count.
    """
    return _reaching(terms, base, needs_last, bins, True)


@numba.njit(cache=True)
def reaching_at_least(
    terms: Float64[Array, "positions tokens"], base: float, needs_last: bool, bins: int
) -> tuple[float, int]:
    """At most as many tuples as reach zero, and the operations spent; `terms` are lower bounds of the true terms."""
    return _reaching(terms, base, needs_last, bins, False)


@numba.njit(cache=True)
def largest_sum(terms: Float64[Array, "positions tokens"], base: float, needs_last: bool) -> float:
    """The largest base + sum of terms over all tuples (that hold the last token, with `needs_last`)."""
    positions, tokens = terms.shape
    total = base
    least_loss = np.inf
    for j in range(positions):
        best = terms[j, 0]
        for t in range(1, tokens):
            best = max(best, terms[j, t])
        total += best
        least_loss = min(least_loss, best - terms[j, tokens - 1])
    if not needs_last:
        return total
    if positions == 0:
        return -np.inf
    # What these additions and subtractions lose to rounding, in proportion to the loss, is given back.
    held: float = total - least_loss * (1.0 - (positions + 8) * 2.0**-52)
    return held


@numba.njit(cache=True)
def _reaching(
    terms: Float64[Array, "positions tokens"], base: float, needs_last: bool, bins: int, upwards: bool
) -> tuple[float, int]:
    positions, tokens = terms.shape
    if positions == 0:
        return (1.0 if base >= 0 and not needs_last else 0.0), 1
    steps, operations = _in_bins(terms, base, bins, upwards)
    most = np.zeros(positions + 1, np.int64)
    least = np.zeros(positions + 1, np.int64)
    for j in range(positions - 1, -1, -1):
        most[j] = most[j + 1] + steps[j].max()
        least[j] = least[j + 1] + steps[j].min()
    operations += 2 * positions * (tokens + 1)
    if most[0] < 0:
        return 0.0, operations
    if least[0] >= 0:
        return _completions(tokens, positions, not needs_last), operations

    found = 0.0
    # Partial sum s in [-most, -least) is stored at s + most: [holds the last token, partial sum]. `places` lists what is not zero.
    now = np.zeros((2, most[0] - least[0]))
    places = np.empty((2, most[0] - least[0]), np.int64)
    filled = np.zeros(2, np.int64)
    start = 0 if needs_last else 1
    now[start, most[0]] = 1.0
    places[start, 0] = most[0]
    filled[start] = 1
    for j in range(positions - 1):
        width = most[j + 1] - least[j + 1]
        after = np.zeros((2, width))
        places_after = np.empty((2, width), np.int64)
        filled_after = np.zeros(2, np.int64)
        whole_held = _completions(tokens, positions - j - 1, True)
        whole_bare = _completions(tokens, positions - j - 1, False)
        values, ways, spent = _distinct(steps[j])
        operations += spent + 1
        reached_here = 0.0
        for held in range(2):
            for place in range(filled[held]):
                index = places[held, place]
                count = now[held, index]
                partial = index - most[j] + most[j + 1]
                reached = 0.0  # summed apart, so that no chain of additions is longer than `COUNT_SLACK` allows
                # The last distinct entry is the last token, which makes the tuple hold it.
                for k in range(values.shape[0]):
                    to = 1 if k == values.shape[0] - 1 else held
                    at = partial + values[k]
                    if at < 0:
                        continue
                    if at >= width:
                        reached += count * ways[k] * (whole_held if to == 1 else whole_bare)
                        continue
                    if after[to, at] == 0.0:
                        places_after[to, filled_after[to]] = at
                        filled_after[to] += 1
                    after[to, at] += count * ways[k]
                reached_here += reached
                operations += 6 * values.shape[0] + 3
        found += reached_here
        now, places, filled = after, places_after, filled_after
    found_last, operations_last = _last(now, places, filled, steps[positions - 1], most[positions - 1])
    return found + found_last, operations + operations_last


@numba.njit(cache=True)
def _distinct(steps: Array) -> tuple[Array, Array, int]:
    """The distinct steps of all tokens but the last with their multiplicities, then the last token's own."""
    others = np.sort(steps[:-1])
    values = np.empty(steps.shape[0], np.int64)
    ways = np.empty(steps.shape[0])
    size = 0
    for step in others:
        if size > 0 and values[size - 1] == step:
            ways[size - 1] += 1.0
        else:
            values[size] = step
            ways[size] = 1.0
            size += 1
    values[size] = steps[-1]
    ways[size] = 1.0
    spent = others.shape[0] * (2 + int(np.ceil(np.log2(others.shape[0] + 1.0))))
    return values[: size + 1], ways[: size + 1], spent


@numba.njit(cache=True)
def _last(now: Array, places: Array, filled: Array, steps: Array, offset: int) -> tuple[float, int]:
    """The last position: for each state, the tokens whose step reaches zero."""
    width = now.shape[1]
    tokens = steps.shape[0]
    # reaching[i]: tokens with step >= offset - i, with which the partial sum i - offset reaches zero
    reaching = np.zeros(width)
    for t in range(tokens):
        at = max(offset - steps[t], 0)
        if at < width:
            reaching[at] += 1.0
    for index in range(1, width):
        reaching[index] += reaching[index - 1]
    found = 0.0
    for place in range(filled[1]):
        index = places[1, place]
        found += now[1, index] * reaching[index]
    for place in range(filled[0]):
        index = places[0, place]
        if index + steps[tokens - 1] >= offset:
            found += now[0, index]
    return found, 4 * tokens + width + 2 * filled[1] + 3 * filled[0]


@numba.njit(cache=True)
def _in_bins(terms: Array, base: float, bins: int, upwards: bool) -> tuple[Int64[Array, "positions tokens"], int]:
    """Terms in whole bins, the base added to the first position, rounded to the side that `upwards` names.

    The last position is rounded down either way: for a whole number s of bins, s + f reaches zero iff s + floor(f) does.
    """
    positions, tokens = terms.shape
    spread = 0.0
    largest = 0.0
    for j in range(positions):
        high = terms[j].max()
        low = terms[j].min()
        spread += high - low
        largest = max(largest, abs(high), abs(low))
    largest = max(largest, abs(base))
    # A bin is never so narrow that a term needs more than 2**40 of them: float64 then still resolves a fraction of one.
    width = max(spread / bins, largest * 2.0**-40, 1e-280)
    steps = np.empty((positions, tokens), np.int64)
    for j in range(positions):
        for t in range(tokens):
            term = terms[j, t] + base if j == 0 else terms[j, t]
            quotient = term / width
            # The float quotient is within 2**-10 of the true one, with room to spare.
            if j == positions - 1:
                steps[j, t] = int(np.floor(quotient + 2.0**-10 if upwards else quotient - 2.0**-10))
            elif upwards:
                steps[j, t] = int(np.ceil(quotient + 2.0**-10))
            else:
                steps[j, t] = int(np.floor(quotient - 2.0**-10))
    return steps, positions * tokens * 5 + tokens + 6 * positions + 5


@numba.njit(cache=True)
def _completions(tokens: int, positions: int, held: bool) -> float:
    """Ways to fill the positions that are left, so that the last token is held in the end."""
    if held:
        return float(tokens) ** positions
    # tokens^p - (tokens - 1)^p as a sum: below 2**53 it is exact, where the powers themselves may be beyond.
    holding = 0.0
    bare = 1.0
    for _ in range(positions):
        holding = holding * tokens + bare
        bare *= tokens - 1
    return holding
