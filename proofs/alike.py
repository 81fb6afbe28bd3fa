"""The terms of theorem 1 with all free positions treated alike, so that only the multiset of tokens matters.

    lead[i,t,m] = max_{x != m} (ov[i,t,x] - ov[i,t,m]),    gain[q,m] = max_{x != m} (direct[q,x] - direct[q,m])

A token t at a free position counts e (max_i lead[i,t,m] + gain[q,m]), e being the largest attention weight of a free position
where the bracket is positive, the smallest elsewhere. The query's own term is exact. `gain` carries `Tables.margin`. A block's
sequences are then counted by the number of their tokens below the maximum (`proofs.order_statistics`), with terms that are
sorted anew for each maximum, or with terms that no longer depend on it and are sorted once.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from proofs.leads import leads
from proofs.model import Array, Model
from proofs.order_statistics import certified_by_envelope, certified_by_sorting
from proofs.tables import Tables, weighted
from proofs.tally import Tally


class AtQuery(NamedTuple):
    query: int
    low: Float64[Array, " token"]
    """The smallest weight at a free position"""
    high: Float64[Array, " token"]
    own: Float64[Array, " maximum"]
    """The query's term"""


@dataclass(frozen=True, eq=False)
class Alike:
    tables: Tables
    lead: Float64[Array, "n_ctx token maximum"]
    gain: Float64[Array, "query maximum"]
    worst: Float64[Array, "token maximum"]
    """The largest lead at a free position"""

    @classmethod
    def of(cls, model: Model, tally: Tally) -> "Alike":
        tables = Tables.of(model, tally)
        lead = leads(tables.ov(tally), tally)
        gain = leads(tables.direct.value, tally) + tables.margin()
        free = lead[:-1]
        tally.add(gain.size + free.size)
        return cls(tables, lead, gain, free.max(axis=0, initial=-np.inf))

    def at(self, query: int, tally: Tally) -> AtQuery:
        weights = self.tables.weights(query, tally)
        own = weighted(self.lead[-1, query] + self.gain[query], weights.low[-1, query], weights.high[-1, query])
        tally.add(2 * weights.low[:-1].size + 3 * own.size)
        low, high = weights.low[:-1].min(axis=0, initial=np.inf), weights.high[:-1].max(axis=0, initial=0.0)
        return AtQuery(query, low, high, own)

    def envelope(self, tally: Tally) -> Float64[Array, " token"]:
        """For each token t, the largest entry worst[t, m] with m > t; 0 for the last token, which is never below a maximum."""
        tally.add(self.worst.size // 2)
        above = np.triu(np.ones(self.worst.shape, dtype=bool), k=1)
        most: Array = np.where(above, self.worst, -np.inf).max(axis=1)
        return np.where(np.isneginf(most), 0.0, most)

    def by_envelope(
        self, at: AtQuery, envelope: Float64[Array, " token"], shells: int, tally: Tally
    ) -> Float64[Array, " maximum"]:
        """Certified sequences of each block of the query, with one term for each token, whatever the maximum."""
        gain = self.gain[at.query]
        terms = weighted(envelope + gain[at.query :].max(), at.low, at.high)
        copies = weighted(self.worst.diagonal() + gain, at.low, at.high)
        certified, operations = certified_by_envelope(terms, copies, at.own, len(self.lead) - 1, at.query, shells)
        tally.add(7 * len(terms) + operations)
        return np.asarray(certified)

    def by_sorting(
        self, at: AtQuery, wanted: Bool[Array, " maximum"], shells: int
    ) -> tuple[Float64[Array, " maximum"], Int64[Array, " maximum"]]:
        """Certified sequences of the wanted blocks of the query, with each maximum's own terms; and the operations of each."""
        gain, free = self.gain[at.query], len(self.lead) - 1
        certified, operations = certified_by_sorting(
            self.worst, gain, at.low, at.high, at.own, free, at.query, shells, wanted
        )
        return np.asarray(certified), np.asarray(operations)
