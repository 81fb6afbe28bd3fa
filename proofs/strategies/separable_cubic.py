"""Separable, the wrong answer at its worst for each token: O(n v^3).

By separability (`spec/separable-proofs.md`, theorem 1) the model answers y = m on a sequence with query q iff for
every x != m

    sum_i e[q,i,t_i] (ov[i,t_i,x] - ov[i,t_i,m] + direct[q,x] - direct[q,m]) < 0.

Since e > 0, the left side is at most sum_i f(i, t_i) with

    f(i, t) = e[q,i,t] (max_{x != m} (ov[i,t,x] - ov[i,t,m]) + max_{x != m} (direct[q,x] - direct[q,m])),

which no longer depends on x. So sequences of the block (q, m) with sum f < 0 are answered correctly; those that
may reach zero are counted by dynamic programming over positions, rounded up (`proofs.counting`), and the rest is
certified. Positions are exact, softmax is not relaxed, repeated and mixed tokens are all covered.

Applies to every model and length. Cost: O(n v^3) for the terms and O(n v^2) bins for the counting. Loose where
the best wrong answer differs from token to token, because one sequence has only one.
"""

from collections.abc import Iterator, Sequence

from proofs.bound import Counts
from proofs.counting import as_count_up, reaching_with_lead, require_countable
from proofs.devices import on_device
from proofs.leads import leads
from proofs.model import Model
from proofs.strategies import Hints
from proofs.strategies.hints import bins_of
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

BINS = 1000
LONG, BINS_WHERE_LONG = 6, 5000


def search(model: Model, task: MaxOfK) -> Hints:
    """More bins for longer sequences: every position but the last rounds its terms once."""
    return {"bins": BINS_WHERE_LONG if task.n_ctx > LONG else BINS}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    bins = bins_of(hints)
    tables = Tables.of(model, tally)
    margin = tables.margin()
    lead = leads(tables.ov(tally), tally)
    direct_lead = leads(tables.direct.value, tally)
    for query in queries:
        weights = tables.weights(query, tally)
        gain = direct_lead[query] + margin
        tally.add(gain.size)
        wrong, operations = on_device(reaching_with_lead)(lead, gain, weights.low, weights.high, query, bins)
        tally.add(operations)
        sizes = [task.block_size(query, maximum) for maximum in range(task.d_vocab)]
        yield Counts(query, tuple(size - as_count_up(w, size) for size, w in zip(sizes, wrong.tolist(), strict=True)))
