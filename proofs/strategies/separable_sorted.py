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

from proofs.alike import Alike
from proofs.bound import Counts
from proofs.counting import as_count_down, require_countable
from proofs.model import Model
from proofs.strategies import Hints
from proofs.strategies.hints import whole
from proofs.tally import Tally
from proofs.task import MaxOfK

SHELLS = 8


def search(model: Model, task: MaxOfK) -> Hints:
    return {"shells": SHELLS}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    shells = whole(hints, "shells", 0, 1024)
    alike = Alike.of(model, tally)
    every = np.ones(task.d_vocab, dtype=bool)
    for query in queries:
        certified, operations = alike.by_sorting(alike.at(query, tally), every, shells)
        tally.add(operations.sum())
        yield Counts(query, tuple(as_count_down(count, task.block_size(query, m)) for m, count in enumerate(certified)))
