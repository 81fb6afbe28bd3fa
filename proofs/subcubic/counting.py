"""How many inputs the certified entries stand for, as exact integers (spec 5.8)."""

from functools import lru_cache
from math import comb

import numpy as np
from jaxtyping import Bool, Int64

from proofs.bound import Counts
from proofs.enclosure import Array
from proofs.task import MaxOfK


def count(
    task: MaxOfK,
    certified: Bool[Array, "query maximum n_ctx"],
    gaps: Int64[Array, "query maximum n_ctx"],
    *,
    tokens_at_gap: int,
) -> tuple[Counts, ...]:
    """C(n-1, j) k^j inputs for an entry with j other tokens at free positions, each one of k.

    k = m - g + `tokens_at_gap`: 1 counts the tokens 0 to m - g; 0 is the published count, which forgets one of them.
    """
    v, n = task.d_vocab, task.n_ctx
    query, maximum, others = np.ogrid[:v, :v, :n]
    free_others = np.clip(others - (query < maximum), 0, n - 1)
    choices = np.clip(maximum - gaps + tokens_at_gap, 0, v)
    sizes = np.where(certified, _sizes(task)[free_others, choices], 0).sum(axis=2)
    return tuple(Counts(q, tuple(map(int, row))) for q, row in enumerate(sizes.tolist()))


def dropped_as_published(task: MaxOfK, gaps: Int64[Array, "query maximum n_ctx"]) -> int:
    """The published number of inputs "left on the floor": a legacy statistic that mixes two conventions for c."""
    v, n = task.d_vocab, task.n_ctx
    return sum(
        comb(n - 1, c) * (m**c - (m + 1 - int(gaps[q, m, c])) ** c)
        for m in range(v)
        for q in range(m + 1)
        for c in range(n if q == m else n - 1)
    )


@lru_cache(maxsize=8)
def _sizes(task: MaxOfK) -> Array:
    """C(n-1, j) k^j as [j, k]: int64 where all sums fit, Python integers beyond."""
    v, n = task.d_vocab, task.n_ctx
    table = [[comb(n - 1, j) * k**j for k in range(v + 1)] for j in range(n)]
    return np.array(table, dtype=np.int64 if 2 * (v + 1) ** n < 2**63 else object)
