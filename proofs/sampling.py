"""Inputs to try where there are too many to try all: uniform ones, and ones drawn stratum by stratum (spec 6.2, strict).

A stratum is a key (maximum, query, number of other tokens, largest other token); within it every sequence is equally
likely. The published sampler draws sequences with several copies of the largest other token too often (audit E-2): here
the place of its first copy is drawn with the right odds, the tokens before it are smaller, those after it are free.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np
from jaxtyping import Int64

from proofs.enclosure import Array
from proofs.task import MaxOfK

Tokens = Int64[Array, "input n_ctx"]


@dataclass(frozen=True)
class Key:
    maximum: int
    query: int
    others: int
    """Tokens below the maximum in the free positions."""
    largest: int
    """The largest of those; 0 if there is none."""

    def size(self, task: MaxOfK) -> int:
        """Number of sequences with this key, exactly."""
        if self.others == 0:
            return 1
        ways = (self.largest + 1) ** self.others - self.largest**self.others
        return comb(task.n_ctx - 1, self.others) * int(ways)


def keys(task: MaxOfK) -> Iterator[Key]:
    """Every key of the task: their sizes add up to all inputs."""
    for maximum in range(task.d_vocab):
        for query in range(maximum + 1):
            most = task.n_ctx - 1 if query == maximum else task.n_ctx - 2
            for others in range(most + 1):
                if others == 0:
                    yield Key(maximum, query, 0, 0)
                else:
                    yield from (Key(maximum, query, others, largest) for largest in range(maximum))


def every_input(task: MaxOfK) -> Tokens:
    """All inputs; the last position varies fastest."""
    grid = np.indices((task.d_vocab,) * task.n_ctx).reshape(task.n_ctx, -1)
    return np.ascontiguousarray(grid.T.astype(np.int64))


def uniform(task: MaxOfK, draws: int, seed: int) -> Tokens:
    """Independent inputs, each equally likely."""
    return np.random.default_rng(seed).integers(0, task.d_vocab, (draws, task.n_ctx), dtype=np.int64)


def of_key(task: MaxOfK, key: Key, draws: int, rng: np.random.Generator) -> Tokens:
    """Independent inputs with this key, each of them equally likely."""
    drawn = np.full((draws, task.n_ctx), key.maximum, dtype=np.int64)
    drawn[:, -1] = key.query
    if key.others == 0:
        return drawn
    others = _tuples(key, draws, rng)
    places = rng.random((draws, task.n_ctx - 1)).argsort(axis=1)[:, : key.others]
    drawn[np.arange(draws)[:, None], np.sort(places, axis=1)] = others
    return drawn


def _tuples(key: Key, draws: int, rng: np.random.Generator) -> Int64[Array, "draw other"]:
    """Tuples of tokens up to `largest` that hold it, all equally likely: by the place of its first copy."""
    count, top = key.others, key.largest
    odds = np.array([float(top) ** place * float(top + 1) ** (count - 1 - place) for place in range(count)])
    first = rng.choice(count, size=draws, p=odds / odds.sum())
    free = rng.integers(0, top + 1, (draws, count))
    below = rng.integers(0, max(top, 1), (draws, count))
    place = np.arange(count)
    drawn = np.where(place < first[:, None], below, free)
    return np.where(place == first[:, None], top, drawn).astype(np.int64)
