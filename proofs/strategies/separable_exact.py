"""Separable, exact by branch and bound: settle by bounds, enumerate what is left.

By separability (`spec/separable-proofs.md`, theorem 1) a sequence is answered correctly iff for every x != m the
sum of f_x(i, t_i) = e[q,i,t] (ov[i,t,x] - ov[i,t,m] + direct[q,x] - direct[q,m]) is negative. Most (q, m, x) are
settled at once (`proofs.settling`). In each block (q, m) with open answers, tokens are chosen position by
position; a branch is certified when no open x can reach zero any more, refuted when some x can no longer miss it
(`proofs.enumeration`).

Exact, but for sequences within rounding of a tie. Applies up to 2^36 sequences. Cost: O(n v^4) and what is left
to enumerate, which for a well-trained model is a few thousandths of all sequences.
"""

from collections.abc import Iterator, Sequence

from proofs.bound import Counts
from proofs.counting import as_count_down, as_count_up
from proofs.enumeration import decide_blocks
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.settling import Settled
from proofs.strategies import Hints
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

MOST_INPUTS = 2**36


def search(model: Model, task: MaxOfK) -> Hints:
    return {}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    if task.total > MOST_INPUTS:
        raise NotApplicable(
            f"There are {task.d_vocab}^{task.n_ctx} inputs; enumeration covers up to {MOST_INPUTS:,}. "
            "Use separable-quartic: it counts instead of enumerating and comes close to exact at any length."
        )
    tables = Tables.of(model, tally)
    settled = Settled.of(tables, tally)
    ov = tables.ov(tally)
    for query in queries:
        weights = tables.weights(query, tally)
        open_answers = settled.open_for(query, weights, tally)
        doubtful, wrong, operations = decide_blocks(
            ov, tables.direct.value[query], weights.low, weights.high, open_answers, settled.margin, query
        )
        tally.add(operations)
        sizes = [task.block_size(query, maximum) for maximum in range(task.d_vocab)]
        yield Counts(
            query,
            certified=tuple(size - as_count_up(w, size) for size, w in zip(sizes, doubtful.tolist(), strict=True)),
            wrong=tuple(as_count_down(w, size) for size, w in zip(sizes, wrong.tolist(), strict=True)),
        )
