"""Decides every sequence of a block, by branch and bound over positions.

For each wrong answer x that is still open, terms f_x(i, t) add up to a sum that must stay below zero. Tokens are
chosen position by position. An x leaves a branch once it can no longer reach zero; a branch in which no x is left
is certified as a whole, and one in which some x can no longer miss zero is refuted as a whole. What lies within
rounding of a tie is neither.

All kernels that call each other live in this file (see `proofs.counting`).
"""

import numba
import numpy as np
from jaxtyping import Bool, Float64

Array = np.ndarray


@numba.njit(cache=True)
def decide_blocks(
    ov: Float64[Array, "n_ctx token logit"],
    direct: Float64[Array, " logit"],
    low: Float64[Array, "n_ctx token"],
    high: Float64[Array, "n_ctx token"],
    open_answers: Bool[Array, "maximum logit"],
    margin: float,
    query: int,
) -> tuple[Float64[Array, " maximum"], Float64[Array, " maximum"], int]:
    """For each maximum: sequences that are not certified, sequences that are wrong for certain, operations spent."""
    d_vocab = direct.shape[0]
    doubtful = np.zeros(d_vocab)
    wrong = np.zeros(d_vocab)
    operations = 0
    for m in range(query, d_vocab):
        answers = np.flatnonzero(open_answers[m])
        if answers.shape[0] == 0:
            continue
        raised, spent = _terms(ov, direct, low, high, margin, query, m, answers)
        lowered, spent_lowered = _terms(ov, direct, high, low, -margin, query, m, answers)
        doubtful[m], wrong[m], spent_deciding = _decide(raised, lowered, query != m)
        operations += spent + spent_lowered + spent_deciding
    return doubtful, wrong, operations


@numba.njit(cache=True)
def _terms(
    ov: Array,
    direct: Array,
    when_negative: Array,
    when_positive: Array,
    margin: float,
    query: int,
    m: int,
    answers: Array,
) -> tuple[Float64[Array, "answer n_ctx token"], int]:
    """terms[k, i, t]; the row of the last position holds the query's term in its first entry."""
    n_ctx = ov.shape[0]
    terms = np.zeros((answers.shape[0], n_ctx, m + 1))
    for k in range(answers.shape[0]):
        x = answers[k]
        gain = direct[x] - direct[m] + margin
        for i in range(n_ctx - 1):
            for t in range(m + 1):
                rise = ov[i, t, x] - ov[i, t, m] + gain
                terms[k, i, t] = rise * (when_positive[i, t] if rise > 0 else when_negative[i, t])
        rise = ov[n_ctx - 1, query, x] - ov[n_ctx - 1, query, m] + gain
        terms[k, n_ctx - 1, 0] = rise * (
            when_positive[n_ctx - 1, query] if rise > 0 else when_negative[n_ctx - 1, query]
        )
    return terms, answers.shape[0] * (2 + 4 * ((n_ctx - 1) * (m + 1) + 1))


@numba.njit(cache=True)
def _decide(raised: Array, lowered: Array, needs_last: bool) -> tuple[float, float, int]:
    answers, n_ctx, tokens = raised.shape
    free = n_ctx - 1
    # What the positions from j on can still add, per answer.
    most = np.zeros((answers, n_ctx))
    least = np.zeros((answers, n_ctx))
    for k in range(answers):
        for j in range(free - 1, -1, -1):
            most[k, j] = most[k, j + 1] + raised[k, j].max()
            least[k, j] = least[k, j + 1] + lowered[k, j].min()
    operations = 2 * answers * free * (tokens + 1)

    sums = np.zeros((n_ctx, answers))
    floor = np.zeros((n_ctx, answers))
    active = np.zeros((n_ctx, answers), np.int64)
    count = np.zeros(n_ctx, np.int64)
    held = np.zeros(n_ctx, np.bool_)
    token = np.full(n_ctx, -1, np.int64)
    held[0] = not needs_last
    doubtful = 0.0
    wrong = 0.0
    for k in range(answers):
        sums[0, k] = raised[k, free, 0]
        floor[0, k] = lowered[k, free, 0]
        active[0, k] = k
    count[0] = answers
    verdict, spent = _settle(sums[0], floor[0], active[0], count[0:1], most[:, 0], least[:, 0])
    operations += spent
    if verdict != 0 or free == 0:
        every = _completions(tokens, free, held[0])
        if verdict == 1:
            return 0.0, 0.0, operations
        return every, (every if verdict == 2 else 0.0), operations
    depth = 0
    while depth >= 0:
        token[depth] += 1
        if token[depth] == tokens:
            token[depth] = -1
            depth -= 1
            continue
        t = token[depth]
        below = depth + 1
        held[below] = held[depth] or t == tokens - 1
        for place in range(count[depth]):
            k = active[depth, place]
            sums[below, k] = sums[depth, k] + raised[k, depth, t]
            floor[below, k] = floor[depth, k] + lowered[k, depth, t]
            active[below, place] = k
        count[below] = count[depth]
        verdict, spent = _settle(
            sums[below], floor[below], active[below], count[below : below + 1], most[:, below], least[:, below]
        )
        operations += spent + 2 * count[depth]
        if verdict == 1:
            continue
        if verdict == 2 or below == free:
            every = _completions(tokens, free - below, held[below])
            doubtful += every
            if verdict == 2:
                wrong += every
            continue
        depth = below
    return doubtful, wrong, operations


@numba.njit(cache=True)
def _settle(sums: Array, floor: Array, active: Array, count: Array, most: Array, least: Array) -> tuple[int, int]:
    """Drops answers that can no longer reach zero. 1: none is left (certified); 2: one can no longer miss zero; 0: open."""
    kept = 0
    looked_at = count[0]
    for place in range(looked_at):
        k = active[place]
        if floor[k] + least[k] >= 0:
            return 2, 4 * (place + 1)
        if sums[k] + most[k] >= 0:
            active[kept] = k
            kept += 1
    count[0] = kept
    return (1 if kept == 0 else 0), 4 * looked_at


@numba.njit(cache=True)
def _completions(tokens: int, positions: int, held: bool) -> float:
    every = float(tokens) ** positions
    return every if held else every - float(tokens - 1) ** positions
