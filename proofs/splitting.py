"""Which proofs are long enough to be computed in shards, and which queries each shard checks. Free of numerical imports.

Only strategies whose search is a few fixed numbers are split, because every shard repeats it. Splitting changes nothing
about the claim (`proofs.shards`), so the rule may be rough: it decides how long a proof takes, not what it says.
"""

from collections.abc import Callable, Mapping

from proofs.task import MaxOfK

MOST = 32
"""Shards, at most: each repeats the set-up, and is a job of its own."""

SHARD_S = 10
"""About so many seconds of one core are worth a shard: what is shorter is not split, and little is lost with a worker."""

MOST_INPUTS = 2**36
"""Strategies that enumerate refuse more, at once."""


def _inputs(task: MaxOfK) -> int:
    return task.total if task.total <= MOST_INPUTS else 0


STEPS: Mapping[str, tuple[Callable[[MaxOfK], int], int]] = {
    "brute-force": (lambda task: _inputs(task) * task.d_vocab, 600_000_000),
    "separable-exact": (_inputs, 300_000_000),
    "separable-quartic": (lambda task: task.n_ctx * task.d_vocab**4, 50_000_000),
    "separable-paired": (lambda task: task.n_ctx * task.d_vocab**3, 1_500_000),
    "separable-joint": (lambda task: task.n_ctx * task.d_vocab**3, 5_000_000),
    "separable-cubic": (lambda task: task.n_ctx * task.d_vocab**3, 20_000_000),
    "separable-sorted": (lambda task: task.n_ctx * task.d_vocab**3, 100_000_000),
}
"""What a strategy's time grows with, and how many of these a core does in a second; measured on well-trained models."""


def shards(strategy: str, task: MaxOfK) -> int:
    """Into how many shards the proof is split; 1: it is computed in one piece."""
    if strategy not in STEPS:
        return 1
    steps, per_second = STEPS[strategy]
    wanted = -(-steps(task) // (SHARD_S * per_second))
    return max(1, min(wanted, MOST, task.d_vocab))


def queries(shard: int, of: int, d_vocab: int) -> list[int]:
    """The queries of one shard, ascending; all shards together have every query once.

    A query's cost falls as it grows, for it has fewer maxima. So shards take turns, there and back: each gets its share
    of cheap and of dear queries.
    """
    return [query for query in range(d_vocab) if query % (2 * of) in (shard, 2 * of - 1 - shard)]
