"""Separable, all wrong answers that are still open together: O(n v^3) and little more.

As `separable-cubic`, but the wrong answers that no sequence of the block can give are set aside first
(`proofs.settling`). By separability a sequence with query q and maximum m is answered correctly if sum_i f(i,
t_i) < 0 with

    f(i, t) = e[q,i,t] max over open x of (ov[i,t,x] - ov[i,t,m] + direct[q,x] - direct[q,m]).

Blocks without an open answer are certified whole. In the others, sequences that may reach zero are counted by
dynamic programming over positions, rounded up (`proofs.counting`). A well-trained model confuses a maximum with
few other answers, so that little is lost by treating them together; and no sequence is counted twice, as the
union bound of `separable-quartic` does.

Applies to every model and length. Loose where many answers are open, as in undertrained models.
"""

from collections.abc import Iterator, Sequence

from proofs.bound import Counts
from proofs.counting import as_count_up, reaching_for_answers, require_countable
from proofs.devices import on_device
from proofs.model import Model
from proofs.settling import Settled
from proofs.strategies import Hints
from proofs.strategies.hints import bins_of
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

BINS = 1500


def search(model: Model, task: MaxOfK) -> Hints:
    return {"bins": BINS}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    bins = bins_of(hints)
    tables = Tables.of(model, tally)
    settled = Settled.of(tables, tally)
    ov = tables.ov(tally)
    for query in queries:
        weights = tables.weights(query, tally)
        open_answers = settled.open_for(query, weights, tally)
        at_most, _, operations = on_device(reaching_for_answers)(
            ov, tables.direct.value[query], weights.low, weights.high, open_answers, settled.margin, query, bins, 1
        )
        tally.add(operations)
        sizes = [task.block_size(query, maximum) for maximum in range(task.d_vocab)]
        yield Counts(query, tuple(size - as_count_up(w, size) for size, w in zip(sizes, at_most.tolist(), strict=True)))
