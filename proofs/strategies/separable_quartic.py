"""Separable, every wrong answer on its own: O(n v^4).

By separability (`spec/separable-proofs.md`, theorem 1) the model answers y = m on a sequence with query q iff for
every x != m

    sum_i f_x(i, t_i) < 0,    f_x(i, t) = e[q,i,t] (ov[i,t,x] - ov[i,t,m] + direct[q,x] - direct[q,m]).

Most (m, x) are settled by coarser tests first (`proofs.settling`). For each (q, m, x) that is left: if the largest
possible sum over the block (q, m) is negative, no sequence of the block answers x rather than m. Otherwise the
sequences with sum >= 0 are counted by dynamic programming over positions, rounded up (`proofs.counting`). A sequence
that is not answered correctly is counted for at least one x (union bound), so all but the sum of these counts are
correct. Counting all open x together, as `separable-joint` does, bounds the same number; each block takes the smaller
of the two. Rounded down, the count of the most frequent x is a lower bound on the wrong sequences, which makes the
proof two-sided.

Applies to every model and length. Cost: O(n v^4) for the terms, plus counting for the (q, m, x) that are not settled.
Loose only where one sequence reaches zero for several x, and by the rounding to bins.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from proofs.bound import Counts
from proofs.counting import MOST_RUNS, as_count_down, as_count_up, reaching_for_answers, require_countable
from proofs.devices import on_device
from proofs.model import Model
from proofs.settling import Settled
from proofs.strategies import Hints
from proofs.strategies.hints import bins_of
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

BINS_BY_LENGTH = 15_000


def search(model: Model, task: MaxOfK) -> Hints:
    """Fewer bins for longer sequences, whose programmes are wider and whose bounds are less sensitive to rounding."""
    return {"bins": max(750, BINS_BY_LENGTH // task.n_ctx)}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    bins = bins_of(hints)
    tables = Tables.of(model, tally)
    settled = Settled.of(tables, tally)
    ov = tables.ov(tally)
    for query in queries:
        weights = tables.weights(query, tally)
        direct = tables.direct.value[query]
        block = (ov, direct, weights.low, weights.high, settled.open_for(query, weights, tally), settled.margin, query)
        jointly, _, spent_jointly = on_device(reaching_for_answers)(*block, bins, 1)
        apart, at_least, spent_apart = on_device(reaching_for_answers)(*block, bins, MOST_RUNS)
        at_most = np.minimum(jointly, apart)
        tally.add(spent_jointly + spent_apart + at_most.size)
        sizes = [task.block_size(query, maximum) for maximum in range(task.d_vocab)]
        yield Counts(
            query,
            certified=tuple(size - as_count_up(w, size) for size, w in zip(sizes, at_most.tolist(), strict=True)),
            wrong=tuple(as_count_down(w, size) for size, w in zip(sizes, at_least.tolist(), strict=True)),
        )
