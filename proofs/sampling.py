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


def of_keys(task: MaxOfK, wanted: list[Key], rng: np.random.Generator) -> Tokens:
    """One input for each key, every input with that key equally likely, independently."""
    maximum, query, others, largest = (
        np.array([getattr(key, name) for key in wanted], dtype=np.int64)[:, None]
        for name in ("maximum", "query", "others", "largest")
    )
    free = task.n_ctx - 1
    shape = (len(wanted), free)
    first = _first_copy(others[:, 0], largest[:, 0], rng)[:, None]
    place = rng.random(shape).argsort(axis=1)  # a free position's place among the others, or beyond them
    below = np.floor(rng.random(shape) * np.maximum(largest, 1)).astype(np.int64)
    anything = np.floor(rng.random(shape) * (largest + 1)).astype(np.int64)
    drawn = np.where(place < first, below, anything)
    drawn = np.where(place == first, largest, drawn)
    drawn = np.where(place < others, drawn, maximum)
    return np.concatenate([drawn, query], axis=1)


def _first_copy(
    others: Int64[Array, " key"], largest: Int64[Array, " key"], rng: np.random.Generator
) -> Int64[Array, " key"]:
    """Where the largest other token first stands among the others.

    Tuples with it first at k number largest^k (largest + 1)^(others - 1 - k): a geometric law with ratio
    largest / (largest + 1), cut off after the others.
    """
    ratio = np.maximum(largest, 1) / (np.maximum(largest, 1) + 1.0)
    cut = 1 - ratio ** np.maximum(others, 1)
    place = np.floor(np.log1p(-rng.random(len(others)) * cut) / np.log(ratio)).astype(np.int64)
    found: Array = np.where(largest == 0, 0, np.clip(place, 0, np.maximum(others - 1, 0)))
    return found
