"""Separable, token terms that do not depend on the answer: O(v^2 (d + n log v)).

As in the cubic member of the family, a sequence with query q and maximum m is answered correctly if the sum of
e[q,i,t_i] (lead[i,t_i,m] + gain[q,m]) over its positions is negative, with lead[i,t,m] = max_{x != m} (ov[i,t,x]
- ov[i,t,m]) and gain[q,m] = max_{x != m} (direct[q,x] - direct[q,m]). Here each token t < m at a free position is
given the term

    u_q(t) = w (max_{m > t, i} lead[i,t,m] + max_{m >= q} gain[q,m]),

w being the largest attention weight of t at a free position where the bracket is positive, and the smallest
elsewhere. It depends neither on m nor on the position. Copies of m at free positions get M = w (max_i lead[i,m,m]
+ gain[q,m]), and the query its exact term Q. With c other tokens, the sequence is correct if

    sum of their u_q(t)  <  -(Q + (n - 1 - c) M).

The terms u_q are sorted once per query, as m grows. For each (q, m, c) the tuples of c tokens below m that
satisfy the inequality are counted in shells: with thresholds s_0 < s_1 < ... under which k_0 <= k_1 <= ... tokens
lie, a tuple qualifies if all its tokens lie below s_0 = theta / c, or if exactly one lies between s_j and s_{j+1}
and the others below (theta - s_{j+1}) / (c - 1) <= s_0. Each shell costs two binary searches.

Applies to every model and length. Loose where a token's term varies with the answer or with the position.
"""

from collections.abc import Iterator, Sequence

from proofs.alike import Alike
from proofs.bound import Counts
from proofs.counting import as_count_down, require_countable
from proofs.model import Model
from proofs.strategies import Hints
from proofs.strategies.hints import whole
from proofs.tally import Tally
from proofs.task import MaxOfK

SHELLS = 4


def search(model: Model, task: MaxOfK) -> Hints:
    return {"shells": SHELLS}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    shells = whole(hints, "shells", 0, 1024)
    alike = Alike.of(model, tally)
    envelope = alike.envelope(tally)
    for query in queries:
        certified = alike.by_envelope(alike.at(query, tally), envelope, shells, tally)
        yield Counts(query, tuple(as_count_down(count, task.block_size(query, m)) for m, count in enumerate(certified)))
