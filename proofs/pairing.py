"""Counts the sequences of a block that may be answered wrongly, answers together or apart, for long sequences.

By separability a sequence of the block (query q, maximum m) can be answered x rather than m only if base[x] + sum_i f_x(i,
t_i) >= 0, over its free positions i. Counting these for all open x together (`proofs.counting`) charges every token with
the x that it pushes most, as if each could push its own. Three things make that far tighter, and cheaper.

*Infeasible tokens.* f_x(i, t) matters only if some tuple with t at i reaches zero for this x. So the joint term is the
largest over the x for which it does.

*Pairing.* Let D[x] <= 0 be how far x is behind the best x once m is in place: base[x] + f_x(m) minus the largest of these,
f_x(m) at its best over the positions that the first copy of m may have. For the x that is answered,

    sum = (base[x] + f_x(first m) - D[x]) + (f_x(one more token) + D[x]) + the rest,

so that each bracket can be taken at its worst x. The first token, in order of positions, that alone makes up SHARE of what
is missing takes the second bracket: it must push the very answer that m leaves close. Without such a token D[x] <= 0 is
simply left out. The smaller the set of positions for the first m, the closer D is to the truth: it is split into runs, and
the counts add up.

*Quiet tokens.* Tokens below m whose weights are all tiny form one group with its largest rise and weight.

Effort follows mass: answers that add up to less than `spare` of all inputs keep their coarse count, states that hold next
to nothing count as reaching zero, and hopeless blocks of next to no inputs are given up whole.

Counts are whole multiples of a unit and exact in any order, bins are those of `proofs.counting`, and kernels that call each
other live in one file, as there. Terms carry `Tables.margin`; a bin is so wide that a thousandth of it covers the roundings
of sums of terms and deficits.
"""

import numba
import numpy as np
from jaxtyping import Bool, Float64, Int64

Array = np.ndarray

DROPPED = -(2**60)
"""In place of a step: no tuple with this token reaches zero."""
NEVER = 2**60
PARTS = 16
"""Of a bin: how finely the start of the bins is chosen."""
SHARE = 0.4
"""Of what is missing: a token that pushes so much is paired with the first m."""
QUIET = 1e-4
"""Of the smallest weight of m."""
SPARE = 2.0**-20
"""Of all inputs, for each block."""
FAINT = 1e-9
"""Of all tuples so far: states that hold less count as reaching zero."""
HOPELESS = 2.0**-13
"""Blocks with a smaller share of all inputs are given up if m alone leaves some answer ahead."""
STATES = 33
"""A position has at most so many states for each bin."""
COARSER = 15


@numba.njit(cache=True)
def wrong_at_most(
    token: Float64[Array, "logit token"],
    position: Float64[Array, "n_ctx logit"],
    direct: Float64[Array, " logit"],
    low: Float64[Array, "n_ctx token"],
    high: Float64[Array, "n_ctx token"],
    open_answers: Bool[Array, "maximum logit"],
    margin: float,
    query: int,
    bins: int,
    splits: int,
    apart_from: int,
) -> tuple[Float64[Array, " maximum"], int]:
    """For each maximum m, at least as many sequences of the block (query, m) as are answered otherwise; operations spent.

    Only the x of open_answers[m] are looked at; the others are known never to be answered (`proofs.settling`). From the
    maximum `apart_from` on they are counted apart, below it jointly, with the positions of m in `splits` runs.
    """
    n_ctx, d_vocab = low.shape
    free = n_ctx - 1
    at_most = np.zeros(d_vocab)
    low_below, high_below, loudest = _below(low, high)
    operations = 3 * free * d_vocab
    everything = _power(d_vocab, free)
    for m in range(query, d_vocab):
        answers = np.flatnonzero(open_answers[m])
        if answers.shape[0] == 0:
            continue
        if free == 0:
            at_most[m] = 1.0
            continue
        needs_last = query != m
        size = _power(m + 1, free) - (_power(m, free) if needs_last else 0.0)
        loud = min(m, np.searchsorted(loudest[: m + 1], QUIET * high[:free, m].min(), side="right") - 1)
        weights_low = _columns(low, low_below, loud, m, query)
        weights_high = _columns(high, high_below, loud, m, query)
        operations += free + 20 + m
        jointly = m < apart_from
        terms = np.empty((answers.shape[0] if jointly else 1, free, m - loud + 2))
        bases = np.empty(terms.shape[0])
        ways = np.ones(m - loud + 2)
        ways[0] = loud
        unit = 2.0 ** float(_units_after(m + 1, free)[free])
        counts = np.zeros(answers.shape[0])
        kept = 0
        hopeless = False
        for k in range(answers.shape[0]):
            place = kept if jointly else 0
            bases[place] = _terms(
                token, position, direct, weights_low, weights_high, margin, query, m, answers[k], terms[place]
            )
            operations += _for_terms(n_ctx, ways)
            if size < HOPELESS * everything and bases[place] + terms[place, :, -1].max() >= 0:
                hopeless = True
                break
            feasible, spent = _narrow(terms[place], bases[place], needs_last)
            operations += spent + free + 2
            if feasible and jointly:
                kept += 1
            elif feasible:
                counts[k], spent = _reaching(terms, bases, needs_last, max(1, bins // COARSER), 0, free, ways)
                operations += spent
        found = 0.0
        if hopeless:
            at_most[m] = 2.0 * everything
            continue
        if jointly and kept > 0:
            found, spent = _in_runs(terms[:kept], bases[:kept], needs_last, bins, splits, ways)
            operations += spent
        elif not jointly:
            operations += counts.shape[0] * (int(np.ceil(np.log2(counts.shape[0] + 1.0))) + 3)
            for k in np.argsort(counts):
                if counts[k] == 0.0:
                    continue
                more = counts[k]
                if (found + more) * unit > SPARE * everything:
                    bases[0] = _terms(
                        token, position, direct, weights_low, weights_high, margin, query, m, answers[k], terms[0]
                    )
                    _, spent_narrowing = _narrow(terms[0], bases[0], needs_last)
                    finer, spent = _reaching(terms, bases, needs_last, bins, 0, free, ways)
                    operations += spent + spent_narrowing + _for_terms(n_ctx, ways)
                    more = min(more, finer)
                found += more
        at_most[m] = found * unit
    return at_most, operations


@numba.njit(cache=True)
def _columns(weights: Array, below: Array, loud: int, m: int, query: int) -> Array:
    """[i, column]: the weights of the quiet tokens, in column 0, and of those from `loud` to m; at the end, of the query."""
    free = weights.shape[0] - 1
    out = np.empty((free + 1, m - loud + 2))
    out[:free, 0] = below[:, loud]
    out[:free, 1:] = weights[:free, loud : m + 1]
    out[free, 0] = weights[free, query]
    return out


@numba.njit(cache=True)
def _for_terms(n_ctx: int, ways: Array) -> int:
    """Operations of `_terms`."""
    columns, quiet = ways.shape[0], int(ways[0])
    return int(3 + n_ctx * (4 + 4 * columns) + 2 * quiet)


@numba.njit(cache=True)
def _in_runs(terms: Array, bases: Array, needs_last: bool, bins: int, splits: int, ways: Array) -> tuple[float, int]:
    """As `_reaching`, with the first copy of the last token in each run of positions apart."""
    free = terms.shape[1]
    runs = min(splits, free) if needs_last else 1
    found = 0.0
    operations = 0
    for run in range(runs):
        more, spent = _reaching(terms, bases, needs_last, bins, free * run // runs, free * (run + 1) // runs, ways)
        operations += spent + 1
        found += more
    return found, operations


@numba.njit(cache=True)
def _below(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """[i, T]: the smallest and largest weight of tokens below T at free position i; and the largest at any of them."""
    n_ctx, d_vocab = low.shape
    least = np.full((n_ctx - 1, d_vocab + 1), np.inf)
    most = np.zeros((n_ctx - 1, d_vocab + 1))
    loudest = np.zeros(d_vocab + 1)
    for t in range(d_vocab):
        loudest[t + 1] = loudest[t]
        for i in range(n_ctx - 1):
            least[i, t + 1] = min(least[i, t], low[i, t])
            most[i, t + 1] = max(most[i, t], high[i, t])
            loudest[t + 1] = max(loudest[t + 1], high[i, t])
    return least, most, loudest


@numba.njit(cache=True)
def _terms(
    token: Array,
    position: Array,
    direct: Array,
    low: Array,
    high: Array,
    margin: float,
    query: int,
    m: int,
    x: int,
    out: Array,
) -> float:
    """Writes f_x(i, column), where column 0 stands for the quiet tokens and the others for the tokens up to m; the base."""
    free, columns = out.shape
    loud = m + 2 - columns
    gain = direct[x] - direct[m] + margin
    rise = np.empty(columns)
    rise[0] = -np.inf
    for t in range(loud):
        rise[0] = max(rise[0], token[x, t] - token[m, t])
    for column in range(1, columns):
        rise[column] = token[x, loud + column - 1] - token[m, loud + column - 1]
    for i in range(free):
        here = position[i, x] - position[i, m] + gain
        for column in range(columns):
            lift = rise[column] + here
            out[i, column] = lift * (high[i, column] if lift > 0 else low[i, column])
        if loud == 0:
            out[i, 0] = -np.inf
    lift = token[x, query] - token[m, query] + (position[free, x] - position[free, m] + gain)
    return float(lift * (high[free, 0] if lift > 0 else low[free, 0]))


@numba.njit(cache=True)
def _narrow(terms: Array, base: float, needs_last: bool) -> tuple[bool, int]:
    """Puts -inf where no tuple with the token reaches zero (as in `proofs.counting`); False if no tuple does."""
    positions, tokens = terms.shape
    highest = np.empty(positions)
    loss = np.empty(positions)
    for j in range(positions):
        highest[j] = terms[j].max()
        loss[j] = (highest[j] - terms[j, tokens - 1]) * (1.0 - (positions + 8) * 2.0**-52)
    operations = positions * (tokens + 3)
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
        best = -np.inf
        for t in range(tokens):
            total = before + terms[j, t] + beyond
            if needs_last and t < tokens - 1:
                total -= least_loss
            if total < 0:
                terms[j, t] = -np.inf
            else:
                best = 0.0
        operations += 4 * tokens + 2 * positions
        if best < 0:
            return False, operations
    return True, operations


@numba.njit(cache=True)
def _reaching(
    terms: Float64[Array, "answer position column"],
    bases: Float64[Array, " answer"],
    needs_last: bool,
    bins: int,
    first: int,
    end: int,
    ways_of: Float64[Array, " column"],
) -> tuple[float, int]:
    """In units, at least as many tuples as reach zero with some answer; operations spent.

    With `needs_last` only tuples that hold the last token count, whose first copy is at a position from `first` to `end`.
    """
    answers, free, tokens = terms.shape
    deficit, top = _deficits(terms, bases, needs_last, first, end)
    if top == -np.inf:
        return 0.0, 0
    grid, want, operations = _worst_terms(terms, deficit, -top)
    event = np.full(free, -np.inf)
    if needs_last:
        for p in range(first, end):
            for k in range(answers):
                if deficit[k] != -np.inf:
                    event[p] = max(event[p], bases[k] + terms[k, p, tokens - 1] - deficit[k])
    largest = abs(top)
    for k in range(answers):
        if deficit[k] != -np.inf:
            largest = max(largest, -deficit[k])
    base = 0.0 if needs_last else top
    steps, at_event = _steps(grid, event, base, -top, largest, bins, ways_of)
    if steps.shape[0] == 0:
        return 0.0, operations
    operations += answers * (2 + 4 * (end - first)) + 15 * grid.size + free * (3 * PARTS + 12) + 8
    units = _units_after(int(ways_of.sum()), free)
    found, spent = _programme(steps, at_event, want, needs_last, end, ways_of, units)
    return found, operations + spent


@numba.njit(cache=True)
def _deficits(terms: Array, bases: Array, needs_last: bool, first: int, end: int) -> tuple[Array, float]:
    """D[x] for each answer x, and what the best of them has once the last token is in place."""
    deficit = np.zeros(bases.shape[0])
    for k in range(bases.shape[0]):
        deficit[k] = bases[k]
        if needs_last:
            best = -np.inf
            for p in range(first, end):
                best = max(best, terms[k, p, -1])
            deficit[k] += best
    top = deficit.max()
    return (deficit - top if top != -np.inf else deficit), top


@numba.njit(cache=True)
def _worst_terms(
    terms: Float64[Array, "answer position column"], deficit: Float64[Array, " answer"], need: float
) -> tuple[Float64[Array, "level position column"], Int64[Array, "position column"], int]:
    """Terms at their worst answer: alone and, if there are several answers, paired with what the last token leaves (level 1,
    for the columns that `want` it: those that make up SHARE of the `need`)."""
    answers, free, tokens = terms.shape
    levels = 1 if answers > 1 else 0
    grid = np.full((levels + 1, free, tokens), -np.inf)
    want = np.zeros((free, tokens), np.int64)
    operations = answers * free * tokens + levels * free * (tokens - 1)
    for p in range(free):
        for k in range(answers):
            for t in range(tokens):
                grid[0, p, t] = max(grid[0, p, t], terms[k, p, t])
        if levels == 0:
            continue
        for t in range(tokens - 1):
            if need > 0 and grid[0, p, t] >= SHARE * need:
                want[p, t] = 1
                for k in range(answers):
                    grid[1, p, t] = max(grid[1, p, t], terms[k, p, t] + deficit[k])
                operations += 2 * answers
    return grid, want, operations


@numba.njit(cache=True)
def _steps(
    grid: Float64[Array, "level position column"],
    event: Float64[Array, " position"],
    base: float,
    need: float,
    largest: float,
    bins: int,
    ways_of: Float64[Array, " column"],
) -> tuple[Int64[Array, "level position column"], Int64[Array, " position"]]:
    """Terms in whole bins, rounded up, so that a tuple reaches zero only if its steps do; empty if none can."""
    levels, free, tokens = grid.shape
    steps = np.full(grid.shape, DROPPED)
    at_event = np.full(free, DROPPED)
    lowest = np.full(free, np.inf)
    highest = event.copy()
    for p in range(free):
        for h in range(levels):
            for t in range(tokens):
                if grid[h, p, t] != -np.inf:
                    lowest[p] = min(lowest[p], grid[h, p, t])
                    highest[p] = max(highest[p], grid[h, p, t])
        if event[p] != -np.inf:
            lowest[p] = min(lowest[p], event[p])
        if lowest[p] == np.inf:
            return steps[:0], at_event
    least = base
    size = abs(base)
    for p in range(free):
        least += lowest[p]
        size += abs(lowest[p])
    enough = np.maximum(lowest, lowest - least + size * (free + 4) * 2.0**-50)
    spread = 0.0
    for p in range(free):
        highest[p] = min(highest[p], enough[p])
        spread += highest[p] - lowest[p]
        largest = max(largest, abs(highest[p]), abs(lowest[p]))
    width = max(
        need / bins if need > 0 else 0.0, spread / (STATES * bins), largest * (free + 1) ** 2 * 2.0**-40, 1e-280
    )
    constant = base
    for p in range(free):
        final = p == free - 1
        start = 0.0
        if not final:
            start = _cheapest_start(grid[0, p], lowest[p], width, ways_of)
            constant += lowest[p] + start * width
        for h in range(levels):
            for t in range(tokens):
                if grid[h, p, t] != -np.inf:
                    steps[h, p, t] = _step(min(grid[h, p, t], enough[p]), lowest[p], width, start, final, constant)
        if event[p] != -np.inf:
            at_event[p] = _step(min(event[p], enough[p]), lowest[p], width, start, final, constant)
    return steps, at_event


@numba.njit(cache=True)
def _step(term: float, lowest: float, width: float, start: float, final: bool, constant: float) -> int:
    if final:
        return int(np.floor((term + constant) / width + 2.0**-10))
    return int(np.ceil((term - lowest) / width - start + 2.0**-10))


@numba.njit(cache=True)
def _programme(
    steps: Int64[Array, "level position column"],
    event: Int64[Array, " position"],
    want: Int64[Array, "position column"],
    needs_last: bool,
    end: int,
    ways_of: Float64[Array, " column"],
    units: Int64[Array, " positions_done"],
) -> tuple[float, int]:
    """The dynamic programme over positions; a state is (holds the last token, may still pair, partial sum)."""
    levels, free, tokens = steps.shape
    levels -= 1
    last = tokens - 1
    most, least = _ranges(steps, event, want, end)
    held_ways, bare_ways = _ways_to_end(steps, event, end, ways_of)
    operations = 9 * free * tokens * (levels + 1) + 4 * free
    start = 0 if needs_last else 1
    if most[0, start, levels] < 0:
        return 0.0, operations
    if least[0, start, levels] >= 0:
        return _in_units(1.0, bare_ways[0] if needs_last else held_ways[0], int(units[free])), operations
    lo = 0
    now = np.zeros((2, levels + 1, 1))
    now[start, levels, 0] = 1.0
    found = 0.0
    tokens_all = ways_of.sum()
    total = 1.0
    for p in range(free - 1):
        lo_after, hi_after = _open_sums(most[p + 1], least[p + 1])
        after = np.zeros((2, levels + 1, hi_after - lo_after))
        shrink = 2.0 ** (units[p] - units[p + 1])
        rest = units[free] - units[p + 1]
        gone = _rescale(now, shrink, np.floor(total * shrink * FAINT))
        operations += 4 * now.size + 6
        found += _in_units(gone[1], held_ways[p], rest) + _in_units(gone[0], bare_ways[p], rest)
        reached = np.zeros(2)
        for r in range(levels + 1):
            for w in range(levels + 1):
                h = min(r, w)
                values, ways, spent = _distinct(steps[h, p], want[p], w, last, ways_of)
                operations += spent
                for held in range(2):
                    if (p >= end and held == 0) or most[p + 1, held, r - h] == DROPPED:
                        continue
                    upper, lower = -least[p + 1, held, r - h], -most[p + 1, held, r - h]
                    more, spent = _advance(now[held, r], lo, values, ways, upper, lower, after[held, r - h], lo_after)
                    reached[held] += more
                    operations += spent + now.shape[2]
            for held in range(2):
                step = steps[0, p, last] if held == 1 else event[p]
                if step == DROPPED or most[p + 1, 1, r] == DROPPED:
                    continue
                upper, lower = -least[p + 1, 1, r], -most[p + 1, 1, r]
                more, spent = _move(now[held, r], lo, step, upper, lower, after[1, r], lo_after)
                reached[1] += more
                operations += spent
        found += _in_units(reached[1], held_ways[p + 1], rest) + _in_units(reached[0], bare_ways[p + 1], rest)
        now = after
        lo = lo_after
        total *= tokens_all * shrink
    p = free - 1
    _rescale(now, 2.0 ** (units[p] - units[free]), 0.0)
    more, spent = _reaching_at_last(now, lo, steps[:, p], event[p], want[p], ways_of)
    return found + more, operations + spent


@numba.njit(cache=True)
def _ranges(steps: Array, event: Array, want: Array, end: int) -> tuple[Array, Array]:
    """[p, holds the last token, may still pair]: what positions p, p + 1, ... add at most, and at least."""
    levels, free, tokens = steps.shape
    last = tokens - 1
    most = np.full((free + 1, 2, levels), DROPPED)
    least = np.full((free + 1, 2, levels), NEVER)
    most[free, 1] = 0
    least[free, 1] = 0
    for p in range(free - 1, -1, -1):
        for r in range(levels):
            for t in range(tokens):
                h = min(r, want[p, t])
                step = steps[h, p, t]
                if step == DROPPED:
                    continue
                if most[p + 1, 1, r - h] != DROPPED:
                    most[p, 1, r] = max(most[p, 1, r], step + most[p + 1, 1, r - h])
                    least[p, 1, r] = min(least[p, 1, r], step + least[p + 1, 1, r - h])
                if t < last and p < end and most[p + 1, 0, r - h] != DROPPED:
                    most[p, 0, r] = max(most[p, 0, r], step + most[p + 1, 0, r - h])
                    least[p, 0, r] = min(least[p, 0, r], step + least[p + 1, 0, r - h])
            if event[p] != DROPPED and most[p + 1, 1, r] != DROPPED:
                most[p, 0, r] = max(most[p, 0, r], event[p] + most[p + 1, 1, r])
                least[p, 0, r] = min(least[p, 0, r], event[p] + least[p + 1, 1, r])
    return most, least


@numba.njit(cache=True)
def _ways_to_end(steps: Array, event: Array, end: int, ways_of: Array) -> tuple[Array, Array]:
    """[p]: ways to fill the positions p, p + 1, ... once the last token is held, and so that it is held in the end."""
    _, free, tokens = steps.shape
    held_ways = np.ones(free + 1)
    bare_ways = np.zeros(free + 1)
    for p in range(free - 1, -1, -1):
        others = 0.0
        for t in range(tokens - 1):
            others += ways_of[t] if steps[0, p, t] != DROPPED else 0.0
        copy = 1.0 if steps[0, p, tokens - 1] != DROPPED else 0.0
        if p < end:
            bare_ways[p] = others * bare_ways[p + 1] + (held_ways[p + 1] if event[p] != DROPPED else 0.0)
        held_ways[p] = (others + copy) * held_ways[p + 1]
    return held_ways, bare_ways


@numba.njit(cache=True)
def _open_sums(most: Array, least: Array) -> tuple[int, int]:
    """The sums from which the positions that are left neither reach zero for certain nor never do; the end is excluded."""
    lo = NEVER
    hi = DROPPED
    for held in range(2):
        for r in range(most.shape[1]):
            if most[held, r] != DROPPED:
                lo = min(lo, -most[held, r])
                hi = max(hi, -least[held, r])
    return lo, max(hi, lo + 1)


@numba.njit(cache=True)
def _rescale(now: Float64[Array, "held level sum"], shrink: float, faint: float) -> Float64[Array, " held"]:
    """Counts in larger units, rounded up; states with `faint` or less are emptied and returned together."""
    gone = np.zeros(2)
    for held in range(2):
        for r in range(now.shape[1]):
            for index in range(now.shape[2]):
                count = now[held, r, index]
                if count > 0.0:
                    count = np.ceil(count * shrink)
                    if count <= faint:
                        gone[held] += count
                        count = 0.0
                    now[held, r, index] = count
    return gone


@numba.njit(cache=True)
def _advance(
    states: Float64[Array, " sum"],
    lo: int,
    values: Int64[Array, " step"],
    ways: Float64[Array, " step"],
    upper: int,
    lower: int,
    target: Float64[Array, " sum_after"],
    lo_after: int,
) -> tuple[float, int]:
    """Adds every step to every state. Sums from `upper` on are counted and returned, those from `lower` on go on."""
    reached = 0.0
    operations = 0
    for index in range(states.shape[0]):
        if states[index] == 0.0:
            continue
        count = states[index]
        partial = index + lo
        k = values.shape[0] - 1
        while k >= 0 and partial + values[k] >= upper:
            reached += count * ways[k]
            k -= 1
        while k >= 0 and partial + values[k] >= lower:
            target[partial + values[k] - lo_after] += count * ways[k]
            k -= 1
        operations += 6 * (values.shape[0] - k) + 3
    return reached, operations


@numba.njit(cache=True)
def _move(
    states: Float64[Array, " sum"], lo: int, step: int, upper: int, lower: int, target: Array, lo_after: int
) -> tuple[float, int]:
    """As `_advance`, by one step that can be taken in one way."""
    reached = 0.0
    operations = 0
    for index in range(states.shape[0]):
        if states[index] == 0.0:
            continue
        at = index + lo + step
        if at >= upper:
            reached += states[index]
        elif at >= lower:
            target[at - lo_after] += states[index]
        operations += 5
    return reached, operations


@numba.njit(cache=True)
def _reaching_at_last(
    now: Float64[Array, "held level sum"],
    lo: int,
    steps: Int64[Array, "level column"],
    event: int,
    want: Int64[Array, " column"],
    ways_of: Float64[Array, " column"],
) -> tuple[float, int]:
    """Tuples that reach zero by the token at the last position."""
    _, levels, width = now.shape
    tokens = want.shape[0]
    found = 0.0
    for r in range(levels):
        reaching = np.zeros(width)
        for t in range(tokens):
            h = min(r, want[t])
            if steps[h, t] != DROPPED:
                at = max(-steps[h, t] - lo, 0)
                if at < width:
                    reaching[at] += ways_of[t]
        for index in range(width):
            if index > 0:
                reaching[index] += reaching[index - 1]
            found += now[1, r, index] * reaching[index]
            if event != DROPPED and index + lo + event >= 0:
                found += now[0, r, index]
    return found, 4 * levels * (tokens + width)


@numba.njit(cache=True)
def _distinct(steps: Array, want: Array, w: int, last: int, ways_of: Array) -> tuple[Array, Array, int]:
    low = NEVER
    high = DROPPED
    size = 0
    for t in range(last):
        if want[t] == w and steps[t] != DROPPED:
            low = min(low, steps[t])
            high = max(high, steps[t])
            size += 1
    if size == 0:
        return np.empty(0, np.int64), np.empty(0), last
    if high - low < 16 * size + 64:
        table = np.zeros(high - low + 1)
        for t in range(last):
            if want[t] == w and steps[t] != DROPPED:
                table[steps[t] - low] += ways_of[t]
        values = np.flatnonzero(table)
        return values + low, table[values], 4 * last + table.shape[0]
    columns = np.empty(size, np.int64)
    keys = np.empty(size, np.int64)
    size = 0
    for t in range(last):
        if want[t] == w and steps[t] != DROPPED:
            columns[size] = t
            keys[size] = steps[t]
            size += 1
    by_step = np.argsort(keys)
    values = np.empty(size, np.int64)
    ways = np.empty(size)
    n = 0
    for place in by_step:
        if n > 0 and values[n - 1] == keys[place]:
            ways[n - 1] += ways_of[columns[place]]
        else:
            values[n] = keys[place]
            ways[n] = ways_of[columns[place]]
            n += 1
    return values[:n], ways[:n], 4 * last + size * (2 + int(np.ceil(np.log2(size + 1.0))))


@numba.njit(cache=True)
def _cheapest_start(row: Array, lowest: float, width: float, ways_of: Array) -> float:
    parts = np.zeros(PARTS)
    total = 0.0
    exact = 0.0
    for t in range(row.shape[0]):
        if row[t] != -np.inf:
            quotient = (row[t] - lowest) / width
            if quotient < 2.0**-9:
                exact += ways_of[t]
            else:
                parts[int((quotient - np.floor(quotient)) * PARTS)] += ways_of[t]
                total += ways_of[t]
    cost = 0.0
    for k in range(PARTS):
        cost += parts[k] * (PARTS - 1 - k)
    best = 0
    least_cost = cost
    for g in range(1, PARTS):
        cost += total - PARTS * parts[g - 1]
        if cost + exact * g < least_cost:
            least_cost = cost + exact * g
            best = g
    return best / PARTS + 2.0**-9


@numba.njit(cache=True)
def _units_after(tokens: int, positions: int) -> Int64[Array, " positions_done"]:
    bits = np.log2(float(tokens)) + 2.0**-20
    units = np.zeros(positions + 1, np.int64)
    for j in range(positions + 1):
        units[j] = max(0, int(np.ceil(j * bits)) - 52)
    return units


@numba.njit(cache=True)
def _in_units(count: float, ways: float, shrink: int) -> float:
    product = count * ways
    if product >= 2.0**53:
        product *= 1.0 + 2.0**-40
    return float(np.ceil(product * 2.0**-shrink))


@numba.njit(cache=True)
def _power(base: int, exponent: int) -> float:
    power = 1.0
    for _ in range(exponent):
        power *= base
    return power
