"""Counts sequences whose separable sum reaches zero, by a dynamic programme over positions.

Given terms f(j, t) for free positions j and tokens t <= m, and a base, how many tuples (t_0, t_1, ...) have base
+ sum_j f(j, t_j) >= 0? The state is (partial sum in whole bins, does the tuple hold m yet). A term is rounded to
whole bins, up for an upper bound on the count (`reaching_at_most`) and down for a lower bound
(`reaching_at_least`). Tokens with which no tuple reaches zero are dropped first, and a state that can no longer reach
zero, or no longer miss it, leaves at once, so that only the band in between needs bins; the last position is one
look-up per state.

Counts do not depend on the order of additions, nor on the device. They are float64 that hold whole multiples of a
power of two, the unit, which grows with the positions done (`units_after`): all tuples together are less than 2**52
units, so that every sum is exact. When the unit grows, each state's count is rounded to a whole number of new units,
up for an upper bound and down for a lower one. Below 2**52 tuples the unit is 1 and nothing is rounded; beyond, a
state loses less than v 2**-52 of all tuples of the programme at each position. Operations are counted as executed
(`proofs.tally`).

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
DROPPED = -(2**60)
"""In place of a step: no tuple with this token reaches zero."""
PARTS = 16
"""Of a bin: how finely the start of the bins is chosen,"""
FEW = 3
"""but not for so few positions, where bins are plenty."""


def require_countable(task: MaxOfK) -> None:
    """Raises `NotApplicable` where counts would not fit a float64."""
    if task.total > 2**1000:
        raise NotApplicable(
            f"There are {task.d_vocab}^{task.n_ctx} inputs; this strategy counts up to 2^1000. "
            "Use cubic, which counts in whole numbers."
        )


def as_count_up(count: float, size: int) -> int:
    """A whole number at least the true count, and at most the block's size."""
    return min(size, ceil(count))


def as_count_down(count: float, size: int) -> int:
    """A whole number at most the true count."""
    return min(size, floor(count))


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
        terms, base = terms_with_lead(lead, gain, low, high, query, m)
        operations += 3 * (n_ctx - 1) * (m + 1) + 3 + (n_ctx - 1) * (m + 3) + 3
        if largest_sum(terms, base, query != m) < 0:
            continue
        found[m], spent = reaching_at_most(terms, base, query != m, bins)
        operations += spent
    return found, operations


@numba.njit(cache=True)
def terms_with_lead(lead: Array, gain: Array, low: Array, high: Array, query: int, m: int) -> tuple[Array, float]:
    positions = lead.shape[0] - 1
    terms = np.empty((positions, m + 1))
    for i in range(positions):
        for t in range(m + 1):
            terms[i, t] = _weighted(lead[i, t, m] + gain[m], low[i, t], high[i, t])
    return terms, _weighted(lead[positions, query, m] + gain[m], low[positions, query], high[positions, query])


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
        every = 2.0 ** (53 + units_after(m + 1, n_ctx - 1)[n_ctx - 1])
        runs = min(groups, answers.shape[0])
        for run in range(runs):
            group = answers[answers.shape[0] * run // runs : answers.shape[0] * (run + 1) // runs]
            terms, base, spent = terms_for_answers(ov, direct, low, high, margin, query, m, group)
            operations += spent + (n_ctx - 1) * (m + 3) + 3
            if largest_sum(terms, base, query != m) < 0:
                continue
            reaching, spent = reaching_at_most(terms, base, query != m, bins)
            operations += spent + 2
            at_most[m] = min(at_most[m] + reaching, every)
            if group.shape[0] > 1 or reaching <= at_least[m]:
                continue
            terms, base, spent = terms_for_answers(ov, direct, high, low, -margin, query, m, group)
            surely, spent_surely = reaching_at_least(terms, base, query != m, bins)
            operations += spent + spent_surely + 1
            at_least[m] = max(at_least[m], surely)
    return at_most, at_least, operations


@numba.njit(cache=True)
def terms_for_answers(
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
    steps, found, operations = in_steps(terms, base, needs_last, bins, upwards)
    if steps.shape[0] == 0:
        return found, operations
    positions, tokens = steps.shape
    most, bare_most, least, spent = ranges(steps)
    units = units_after(tokens, positions)
    ways_held, ways_bare = completions(steps)
    found = 0.0
    # Partial sum s in [-most, -least) is stored at s + most: [holds the last token, partial sum]. `places` lists what is not zero.
    width = most[0] - least[0]
    now = np.zeros((2, width))
    places = np.empty((2, width), np.int64)
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
        values, ways, spent = distinct(steps[j])
        operations += spent + 4
        shrink = 2.0 ** (units[j] - units[j + 1])
        reached = np.zeros(2)
        last = steps[j, tokens - 1]
        for held in range(2):
            lowest = 0 if held == 1 else most[j + 1] - bare_most[j + 1]
            for place in range(filled[held]):
                index = places[held, place]
                count = now[held, index] * shrink
                count = np.ceil(count) if upwards else np.floor(count)
                partial = index - most[j] + most[j + 1]
                if count == 0.0:
                    continue
                k = values.shape[0] - 1
                while k >= 0 and partial + values[k] >= width:
                    reached[held] += count * ways[k]
                    k -= 1
                while k >= 0 and partial + values[k] >= lowest:
                    at = partial + values[k]
                    if after[held, at] == 0.0:
                        places_after[held, filled_after[held]] = at
                        filled_after[held] += 1
                    after[held, at] += count * ways[k]
                    k -= 1
                at = partial + last
                if last != DROPPED and at >= 0:
                    if at >= width:
                        reached[1] += count
                    else:
                        if after[1, at] == 0.0:
                            places_after[1, filled_after[1]] = at
                            filled_after[1] += 1
                        after[1, at] += count
                operations += 6 * (values.shape[0] - k) + 5
        rest = units[positions] - units[j + 1]
        found += _in_units(reached[1], ways_held[j + 1], rest, upwards)
        found += _in_units(reached[0], ways_bare[j + 1], rest, upwards)
        now, places, filled = after, places_after, filled_after
    shrink = 2.0 ** (units[positions - 1] - units[positions])
    found_last, spent = _last(now, places, filled, steps[positions - 1], most[positions - 1], shrink, upwards)
    return (found + found_last) * 2.0 ** float(units[positions]), operations + spent


@numba.njit(cache=True)
def in_steps(
    terms: Float64[Array, "positions tokens"], base: float, needs_last: bool, bins: int, upwards: bool
) -> tuple[Int64[Array, "positions tokens"], float, int]:
    """The terms in whole bins; no position if nothing is left to count, as the count that follows is known; operations."""
    undecided = np.empty((0, 0), np.int64)
    positions, tokens = terms.shape
    if positions == 0:
        return undecided, (1.0 if base >= 0 and not needs_last else 0.0), 1
    kept, enough, operations = _narrowed(terms, base, needs_last)
    if kept.shape[0] == 0:
        return undecided, 0.0, operations
    steps, spent = _in_bins(kept, enough, base, bins, upwards)
    most, bare_most, least, spent_on_ranges = ranges(steps)
    operations += spent + spent_on_ranges
    if (bare_most[0] if needs_last else most[0]) < 0:
        return undecided, 0.0, operations
    if least[0] >= 0:
        units = units_after(tokens, positions)
        ways_held, ways_bare = completions(steps)
        whole = ways_bare[0] if needs_last else ways_held[0]
        found = _in_units(1.0, whole, int(units[positions]), upwards) * 2.0 ** float(units[positions])
        return undecided, found, operations + 1
    return steps, 0.0, operations


@numba.njit(cache=True)
def _narrowed(terms: Array, base: float, needs_last: bool) -> tuple[Array, Array, int]:
    """Terms (DROPPED where no tuple with the token reaches zero), and how much of each position's term is enough for all
    tuples to reach zero. Bins are spent on what lies between. Empty if no tuple reaches zero.

    A token is dropped when float addition of `base`, its term and the best others stays below zero, as in `largest_sum`.
    """
    positions, tokens = terms.shape
    highest = np.empty(positions)
    loss = np.empty(positions)
    for j in range(positions):
        highest[j] = terms[j].max()
        loss[j] = (highest[j] - terms[j, tokens - 1]) * (1.0 - (positions + 8) * 2.0**-52)
    operations = positions * (tokens + 3)
    kept = np.full((positions, tokens), -np.inf)
    lowest = np.full(positions, np.inf)
    for j in range(positions):
        before = base
        beyond = 0.0
        least_loss = np.inf
        for k in range(positions):
            if k < j:
                before += highest[k]
            if k > j:
                beyond += highest[k]
            if k != j:
                least_loss = min(least_loss, loss[k])
        for t in range(tokens):
            total = before + terms[j, t] + beyond
            if needs_last and t < tokens - 1:
                total -= least_loss
            if total >= 0:
                kept[j, t] = terms[j, t]
                lowest[j] = min(lowest[j], terms[j, t])
        operations += 4 * tokens + 2 * positions
        if lowest[j] == np.inf:
            return np.empty((0, 0)), lowest, operations
    least = base
    size = abs(base)
    for j in range(positions):
        least += lowest[j]
        size += abs(lowest[j])
    # With what is granted to rounding here, the smallest sum with such a term is not below zero.
    enough = np.maximum(lowest, lowest - least + size * (positions + 4) * 2.0**-50)
    return kept, enough, operations + 6 * positions


@numba.njit(cache=True)
def _in_bins(
    kept: Array, enough: Array, base: float, bins: int, upwards: bool
) -> tuple[Int64[Array, "positions tokens"], int]:
    """Terms in whole bins, rounded to the side that `upwards` names.

    Each position counts its bins from where rounding costs least. What is left over goes with `base` to the last position,
    which is rounded down either way: for a whole number s of bins, s + f reaches zero iff s + floor(f) does.
    """
    positions, tokens = kept.shape
    lowest = np.full(positions, np.inf)
    spread = 0.0
    largest = abs(base)
    for j in range(positions):
        highest = -np.inf
        for t in range(tokens):
            if kept[j, t] != -np.inf:
                lowest[j] = min(lowest[j], kept[j, t])
                highest = max(highest, kept[j, t])
        highest = min(highest, enough[j])
        spread += highest - lowest[j]
        largest = max(largest, abs(highest), abs(lowest[j]))
    # A bin is never so narrow that float64 could not resolve a thousandth of one in the sum of all terms.
    width = max(spread / bins, largest * (positions + 1) ** 2 * 2.0**-42, 1e-280)
    steps = np.full((positions, tokens), DROPPED)
    constant = base
    for j in range(positions):
        # Rounded down, terms that are enough must stay enough.
        limit = enough[j] if upwards else enough[j] + (positions + 1) * width
        if j == positions - 1:
            for t in range(tokens):
                if kept[j, t] != -np.inf:
                    quotient = (min(kept[j, t], limit) + constant) / width
                    steps[j, t] = int(np.floor(quotient + 2.0**-10 if upwards else quotient - 2.0**-10))
            break
        start = 2.0**-9 if upwards else -(2.0**-9)
        if positions > FEW:
            start += _cheapest_start(kept[j], lowest[j], width, upwards)
        constant += lowest[j] + start * width
        for t in range(tokens):
            if kept[j, t] != -np.inf:
                # The float quotient is within 2**-10 of the true one, with room to spare.
                quotient = (min(kept[j, t], limit) - lowest[j]) / width - start
                steps[j, t] = int(np.ceil(quotient + 2.0**-10) if upwards else np.floor(quotient - 2.0**-10))
    operations = positions * tokens * 9 + 8 * positions + 5
    if positions > FEW:
        operations += (positions - 1) * (6 * tokens + 3 * PARTS)
    return steps, operations


@numba.njit(cache=True)
def _cheapest_start(row: Array, lowest: float, width: float, upwards: bool) -> float:
    """Where in a bin, above `lowest`, bins are to begin, so that the terms of a row lose little by rounding."""
    parts = np.zeros(PARTS)
    total = 0.0
    exact = 0.0
    for t in range(row.shape[0]):
        if row[t] != -np.inf:
            quotient = (row[t] - lowest) / width
            if quotient < 2.0**-9:
                exact += 1.0
            else:
                parts[int((quotient - np.floor(quotient)) * PARTS)] += 1.0
                total += 1.0
    cost = 0.0
    for k in range(PARTS):
        cost += parts[k] * (PARTS - 1 - k if upwards else k)
    best = 0
    least_cost = cost
    for g in range(1, PARTS):
        # One part further: rounded up, what lies in the part before g gains a bin; rounded down, it loses one.
        cost += total - PARTS * parts[g - 1] if upwards else PARTS * parts[g - 1] - total
        with_exact = cost + exact * (g if upwards else PARTS - g)
        if with_exact < least_cost:
            least_cost = with_exact
            best = g
    return best / PARTS


@numba.njit(cache=True)
def ranges(steps: Array) -> tuple[Array, Array, Array, int]:
    """What the positions from j on add at most, at most if they hold the last token, and at least, in bins."""
    positions, tokens = steps.shape
    most = np.zeros(positions + 1, np.int64)
    bare_most = np.full(positions + 1, DROPPED)
    least = np.zeros(positions + 1, np.int64)
    for j in range(positions - 1, -1, -1):
        high = steps[j].max()
        low = high
        for t in range(tokens):
            if steps[j, t] != DROPPED:
                low = min(low, steps[j, t])
        if bare_most[j + 1] != DROPPED:
            bare_most[j] = bare_most[j + 1] + high
        if steps[j, tokens - 1] != DROPPED:
            bare_most[j] = max(bare_most[j], most[j + 1] + steps[j, tokens - 1])
        most[j] = most[j + 1] + high
        least[j] = least[j + 1] + low
    return most, bare_most, least, positions * (2 * tokens + 6)


@numba.njit(cache=True)
def distinct(steps: Array) -> tuple[Array, Array, int]:
    """The distinct steps of all tokens but the last, ascending, with their multiplicities."""
    others = steps[:-1][steps[:-1] != DROPPED]
    spent = steps.shape[0]
    if others.shape[0] == 0:
        return np.empty(0, np.int64), np.empty(0), spent
    low, high = others.min(), others.max()
    spent += 2 * others.shape[0]
    if high - low < 4 * others.shape[0]:
        table = np.zeros(high - low + 1)
        for step in others:
            table[step - low] += 1.0
        values = np.flatnonzero(table)
        return values + low, table[values], spent + 2 * others.shape[0] + table.shape[0]
    others = np.sort(others)
    values = np.empty(others.shape[0], np.int64)
    ways = np.empty(others.shape[0])
    size = 0
    for step in others:
        if size > 0 and values[size - 1] == step:
            ways[size - 1] += 1.0
        else:
            values[size] = step
            ways[size] = 1.0
            size += 1
    spent += others.shape[0] * (2 + int(np.ceil(np.log2(others.shape[0] + 1.0))))
    return values[:size], ways[:size], spent


@numba.njit(cache=True)
def _last(
    now: Array, places: Array, filled: Array, steps: Array, offset: int, shrink: float, upwards: bool
) -> tuple[float, int]:
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
    for held in range(2):
        for place in range(filled[held]):
            index = places[held, place]
            count = now[held, index] * shrink
            count = np.ceil(count) if upwards else np.floor(count)
            if held == 1:
                found += count * reaching[index]
            elif index + steps[tokens - 1] >= offset:
                found += count
    return found, 4 * tokens + width + 4 * filled[1] + 5 * filled[0]


@numba.njit(cache=True)
def units_after(tokens: int, positions: int) -> Int64[Array, " positions_done"]:
    """After j positions counts are multiples of 2**units[j], so that all of them together are below 2**52 such units.

    The added 2**-20 makes the result independent of how the logarithm is rounded.
    """
    bits = np.log2(float(tokens)) + 2.0**-20
    units = np.zeros(positions + 1, np.int64)
    for j in range(positions + 1):
        units[j] = max(0, int(np.ceil(j * bits)) - 52)
    return units


@numba.njit(cache=True)
def _in_units(count: float, ways: float, shrink: int, upwards: bool) -> float:
    """count * ways / 2**shrink, rounded to a whole number on the named side; exact where the product is below 2**53."""
    product = count * ways
    if product >= 2.0**53:
        product *= 1.0 + 2.0**-40 if upwards else 1.0 - 2.0**-40  # `ways` has up to 2,000 roundings
    product *= 2.0**-shrink
    return float(np.ceil(product) if upwards else np.floor(product))


@numba.njit(cache=True)
def completions(steps: Array) -> tuple[Array, Array]:
    """Ways to fill the positions from j on with tokens that are not dropped; and those that hold the last token."""
    positions, tokens = steps.shape
    held = np.ones(positions + 1)
    bare = np.zeros(positions + 1)
    for j in range(positions - 1, -1, -1):
        last = 1.0 if steps[j, tokens - 1] != DROPPED else 0.0
        others = 0.0
        for t in range(tokens - 1):
            others += 1.0 if steps[j, t] != DROPPED else 0.0
        # A sum of products, not a difference of powers: below 2**53 it is exact, where the powers may be beyond.
        bare[j] = others * bare[j + 1] + last * held[j + 1]
        held[j] = (others + last) * held[j + 1]
    return held, bare
