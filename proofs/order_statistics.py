"""Counts tuples of tokens whose terms add up to less than a threshold, from sorted terms.

Every token may stand at every free position with the same term, so that positions only enter through binomials.
Used by the strategies that spend few operations on each (query, maximum). Counts are float64, here of the *certified*
sequences: exact below 2**53, and lowered beyond by more than the additions may have gained (`LOWERED`).

A threshold is lowered by `GUARD` of the parts that it is made of, which covers its own rounding; the terms carry
`Tables.margin`.
"""

import numba
import numpy as np
from jaxtyping import Bool, Float64, Int64

Array = np.ndarray

GUARD = 2.0**-44
LOWERED = 1.0 - 1e-8
"""Gives back more than the relative error of a few million roundings."""


@numba.njit(cache=True)
def certified_by_envelope(
    terms: Float64[Array, " token"],
    copies: Float64[Array, " maximum"],
    at_query: Float64[Array, " maximum"],
    free: int,
    query: int,
    shells: int,
) -> tuple[Float64[Array, " maximum"], int]:
    """For each maximum m, sequences of the block (query, m) that are certain to stay below zero.

    A token t < m at any of the `free` positions adds at most terms[t], a copy of m at most copies[m], the query at
    most at_query[m]. The terms are sorted once and grow with m.
    """
    d_vocab = terms.shape[0]
    certified = np.zeros(d_vocab)
    below = np.empty(d_vocab)
    below[:query] = np.sort(terms[:query])
    operations = _sort_cost(query)
    for m in range(query, d_vocab):
        found, spent = _block(below[:m], copies[m], at_query[m], free, query == m, shells, False)
        certified[m] = found
        operations += spent + _insert(below, m, terms[m])
    return certified, operations


@numba.njit(cache=True)
def certified_by_sorting(
    rise: Float64[Array, "token maximum"],
    gain: Float64[Array, " maximum"],
    low: Float64[Array, " token"],
    high: Float64[Array, " token"],
    at_query: Float64[Array, " maximum"],
    free: int,
    query: int,
    shells: int,
    wanted: Bool[Array, " maximum"],
) -> tuple[Float64[Array, " maximum"], Int64[Array, " maximum"]]:
    """As `certified_by_envelope`, with terms e (rise[t, m] + gain[m]), low[t] <= e <= high[t], sorted for every wanted m; 0
    and no operations for the others. Up to three tokens other than m are counted exactly, more of them in shells.
    """
    d_vocab = low.shape[0]
    certified = np.zeros(d_vocab)
    operations = np.zeros(d_vocab, np.int64)
    for m in range(query, d_vocab):
        if not wanted[m]:
            continue
        terms = np.empty(m + 1)
        for t in range(m + 1):
            lift = rise[t, m] + gain[m]
            terms[t] = lift * (high[t] if lift > 0 else low[t])
        below = np.sort(terms[:m])
        found, spent = _block(below, terms[m], at_query[m], free, query == m, shells, True)
        certified[m] = found
        operations[m] = spent + 3 * (m + 1) + _sort_cost(m)
    return certified, operations


@numba.njit(cache=True)
def _block(
    below: Array, copy: float, at_query: float, free: int, query_is_maximum: bool, shells: int, exact: bool
) -> tuple[float, int]:
    """Certified sequences of one block: c tokens from `below` at c of the free positions, copies of m at the others."""
    found = 0.0
    operations = 0
    ways = 1.0
    for c in range(free + 1 if query_is_maximum else free):
        others = (free - c) * copy if c < free else 0.0
        threshold = -(at_query + others) - GUARD * (abs(at_query) + abs(others))
        operations += 9
        if c == 0:
            found += 1.0 if threshold > 0 else 0.0
        else:
            ways = ways * (free - c + 1) / c
            tuples, spent = _tuples(below, c, threshold, shells, exact)
            found += ways * tuples
            operations += spent + 2
    return (found if found < 2.0**53 else found * LOWERED), operations


@numba.njit(cache=True)
def _tuples(below: Array, c: int, threshold: float, shells: int, exact: bool) -> tuple[float, int]:
    """Ordered c-tuples of sorted terms whose sum is below the threshold, at least."""
    size = below.shape[0]
    if size == 0 or np.isnan(threshold):  # a search would place what is no number above all terms
        return 0.0, 0
    if c * below[size - 1] < threshold - GUARD * abs(threshold):
        return float(size) ** c, 5
    if c == 1:
        return float(np.searchsorted(below, threshold)), 5 + _search_cost(size)
    if exact and c == 2:
        found, spent = _pairs(below, threshold)
    elif exact and c == 3:
        found, spent = _triples(below, threshold)
    else:
        found, spent = _in_shells(below, c, threshold, shells)
    return found, 5 + spent


@numba.njit(cache=True)
def _pairs(below: Array, threshold: float) -> tuple[float, int]:
    found = 0
    partner = below.shape[0] - 1
    steps = 0
    operations = 0
    for first in range(below.shape[0]):
        while partner >= 0 and below[first] + below[partner] >= threshold:
            partner -= 1
            steps += 1
        operations += 6
        if partner < 0:
            break
        found += partner + 1
    return float(found), operations + 4 * steps


@numba.njit(cache=True)
def _triples(below: Array, threshold: float) -> tuple[float, int]:
    found = 0.0
    operations = 0
    for first in range(below.shape[0]):
        pairs, spent = _pairs(below, threshold - below[first])
        found += pairs
        operations += spent + 2
    return found, operations


@numba.njit(cache=True)
def _in_shells(below: Array, c: int, threshold: float, shells: int) -> tuple[float, int]:
    """All tokens below threshold / c; or one of them in a shell above it and the others low enough to make up for it."""
    size = below.shape[0]
    core = np.searchsorted(below, threshold / c)
    found = float(core) ** c
    operations = 1 + c + _search_cost(size)
    inner = core
    for shell in range(1, shells + 1):
        outer = core + (size - core) * shell // shells
        operations += 5
        if outer == inner:
            continue
        rest = threshold - below[outer - 1]
        others = min(core, np.searchsorted(below, (rest - GUARD * abs(below[outer - 1])) / (c - 1)))
        found += c * float(outer - inner) * float(others) ** (c - 1)
        operations += 10 + c + _search_cost(size)
        inner = outer
        if others == 0:
            break
    return found, operations


@numba.njit(cache=True)
def _insert(below: Array, size: int, term: float) -> int:
    """Keeps below[:size + 1] sorted with one more term; the operations spent."""
    place = np.searchsorted(below[:size], term)
    for index in range(size, place, -1):
        below[index] = below[index - 1]
    below[place] = term
    return _search_cost(size)


@numba.njit(cache=True)
def _search_cost(size: int) -> int:
    return int(np.ceil(np.log2(size + 1.0)))


@numba.njit(cache=True)
def _sort_cost(size: int) -> int:
    return size * _search_cost(size)
