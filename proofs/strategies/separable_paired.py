"""Separable, for long sequences: the answer that the maximum leaves close must be the one that other tokens push.

By separability (`spec/separable-proofs.md`, theorem 1) a sequence with query q and maximum m is answered x rather than m
only if base[x] + sum_i f_x(i, t_i) >= 0. With D[x] <= 0, how far x is behind the best wrong answer once m is in place, and a
first pushing token p, the sum for the x that is answered is at most

    max_x (base[x] + f_x(m) - D[x])  +  max_x (f_x(p) + D[x])  +  sum over the other tokens of max_x f_x,

where `separable-joint` has three maxima over x without D. Sequences that may reach zero are counted by dynamic programming
over positions, rounded up (`proofs.pairing`). From one maximum on, where overlaps are rare, each x is counted apart
instead, without any maximum over x, as in `separable-quartic`. Whatever maximum the hints name for that, and however many
runs the positions of m are split into, every number is an upper bound of the same set.

Applies to every model and length. Cost: O(n v^4) for the terms of the answers that bounds leave open, plus counting. Loose
where three or more tokens push different answers, and by the bins.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from proofs.bound import Counts
from proofs.counting import as_count_up, require_countable
from proofs.enclosure import Array
from proofs.model import Model
from proofs.pairing import wrong_at_most
from proofs.settling import Settled
from proofs.strategies import Hints
from proofs.strategies.hints import bins_of, whole
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

BINS = (64, 300)
"""At least and at most. In between as many as there are tokens: more are hardly tighter."""
SPLITS = 6
RARE = 0.07
"""Share of the sequences whose answers are counted jointly."""


def search(model: Model, task: MaxOfK) -> Hints:
    """Jointly where each position of the maximum is a run of its own. In longer sequences apart from the maximum on below which
    a small part of all sequences lies: there, overlaps matter more."""
    least, most = BINS
    free = max(1, task.n_ctx - 1)
    jointly = 1.0 if free <= SPLITS else RARE ** (1 / free)
    return {
        "bins": min(max(task.d_vocab, least), most),
        "splits": min(SPLITS, task.n_ctx),
        "apart_from": round(task.d_vocab * jointly),
    }


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    settings = (
        bins_of(hints),
        whole({"splits": 1, **hints}, "splits", 1, task.n_ctx),
        whole({"apart_from": 0, **hints}, "apart_from", 0, task.d_vocab),
    )
    tables = Tables.of(model, tally)
    settled = Settled.of(tables, tally)
    for query in queries:
        at_most = _undecided(tables, settled, query, settings, tally)
        sizes = [task.block_size(query, maximum) for maximum in range(task.d_vocab)]
        yield Counts(query, tuple(size - as_count_up(w, size) for size, w in zip(sizes, at_most.tolist(), strict=True)))


def _undecided(tables: Tables, settled: Settled, query: int, settings: tuple[int, int, int], tally: Tally) -> Array:
    weights = tables.weights(query, tally)
    at_most, operations = wrong_at_most(
        np.ascontiguousarray(tables.ov_token.value.T),
        tables.ov_position.value,
        tables.direct.value[query],
        weights.low,
        weights.high,
        settled.open_for(query, weights, tally),
        settled.margin,
        query,
        *settings,
    )
    tally.add(operations)
    return np.asarray(at_most)
