"""Which proofs are long enough to be computed in shards, and which queries each shard checks. Free of numerical imports.

Only strategies whose search is a few fixed numbers are split, because every shard repeats it. Splitting changes nothing
about the claim (`proofs.shards`), so the rule may be rough: it decides how long a proof takes, not what it says.
"""

from collections.abc import Callable, Mapping

from proofs.task import MaxOfK

SHARDS = 16
"""Of a long proof. Enough to keep several workers busy to the end; the set-up that each repeats stays below a percent."""

LONG_S = 10
"""A proof that takes longer than about so many seconds of one core is split."""

STEPS: Mapping[str, tuple[Callable[[MaxOfK], int], int]] = {
    "brute-force": (lambda task: task.total * task.d_vocab, 600_000_000),
    "separable-exact": (lambda task: task.total, 300_000_000),
    "separable-quartic": (lambda task: task.n_ctx * task.d_vocab**4, 50_000_000),
    "separable-joint": (lambda task: task.n_ctx * task.d_vocab**3, 5_000_000),
    "separable-cubic": (lambda task: task.n_ctx * task.d_vocab**3, 5_000_000),
}
"""What a strategy's time grows with, and how many of these a core does in a second; measured on well-trained models."""


def shards(strategy: str, task: MaxOfK) -> int:
    """Into how many shards the proof is split; 1: it is computed in one piece."""
    if strategy not in STEPS:
        return 1
    steps, per_second = STEPS[strategy]
    return min(SHARDS, task.d_vocab) if steps(task) > LONG_S * per_second else 1


def queries(shard: int, of: int, d_vocab: int) -> list[int]:
    """The queries of one shard, ascending; all shards together have every query once.

    A query's cost falls as it grows, for it has fewer maxima. So shards take turns, there and back: each gets its share
    of cheap and of dear queries.
    """
    return [query for query in range(d_vocab) if query % (2 * of) in (shard, 2 * of - 1 - shard)]
