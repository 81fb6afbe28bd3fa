"""Separable, exact terms for each answer, sorted: O(v^2 (d + n v log v)) and short in practice.

As `separable-cubic`: a sequence with query q and maximum m is answered correctly if the sum over its positions of
e[q,i,t_i] (lead[i,t_i,m] + gain[q,m]) is negative, with lead[i,t,m] = max_{x != m} (ov[i,t,x] - ov[i,t,m]) and
gain[q,m] = max_{x != m} (direct[q,x] - direct[q,m]). Instead of a dynamic programme over positions, the free
positions are treated alike: a token gets max_i lead, and the largest weight of a free position where the bracket
is positive, the smallest elsewhere. Then only the multiset of tokens matters. For each (q, m) and each number c
of tokens below m, the terms are sorted and the c-tuples below the threshold that the query and the n - 1 - c
copies of m leave are counted: exactly for c <= 3 (a binary search, two pointers, two pointers for each first
token), in shells beyond (see `separable-quadratic`).

Applies to every model and length; made for n <= 4. Loose where positions differ and as `separable-cubic` is.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from proofs.bound import Counts
from proofs.counting import as_count_down, require_countable
from proofs.leads import leads
from proofs.model import Model
from proofs.order_statistics import certified_by_sorting
from proofs.strategies import Hints
from proofs.strategies.hints import whole
from proofs.tables import Tables, weighted
from proofs.tally import Tally
from proofs.task import MaxOfK

SHELLS = 8


def search(model: Model, task: MaxOfK) -> Hints:
    return {"shells": SHELLS}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    shells = whole(hints, "shells", 0, 1024)
    tables = Tables.of(model, tally)
    margin = tables.margin()
    lead = leads(tables.ov(tally), tally)
    gain = leads(tables.direct.value, tally) + margin
    free = task.n_ctx - 1
    worst = lead[:free].max(axis=0, initial=-np.inf)  # [token, maximum]
    tally.add(gain.size + lead[:free].size)
    for query in queries:
        weights = tables.weights(query, tally)
        low, high = weights.low[:free].min(axis=0, initial=np.inf), weights.high[:free].max(axis=0, initial=0.0)
        at_query = weighted(lead[free, query] + gain[query], weights.low[free, query], weights.high[free, query])
        certified, operations = certified_by_sorting(worst, gain[query], low, high, at_query, free, query, shells)
        tally.add(2 * free * task.d_vocab + 3 * task.d_vocab + operations)
        yield Counts(query, tuple(as_count_down(count, task.block_size(query, m)) for m, count in enumerate(certified)))
