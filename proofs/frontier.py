"""Which proofs are worth having: those that no other proof beats in both length and bound.

A proof beats another if it is at most as long and its bound is at least as good, and one of the two is strict. Of several
with the same length and bound the first is kept, so that a front has one point for each step.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

Proof = TypeVar("Proof")


def front(proofs: Sequence[Proof], *, length: Callable[[Proof], int], bound: Callable[[Proof], float]) -> list[Proof]:
    """The proofs that no other beats, shortest first: both length and bound rise strictly along the result."""
    kept: list[Proof] = []
    for proof in sorted(proofs, key=lambda proof: (length(proof), -bound(proof))):
        if not kept or bound(proof) > bound(kept[-1]):
            kept.append(proof)
    return kept


def staircase(steps: Sequence[tuple[int, float]], *, until: int | None = None) -> list[tuple[int, float]]:
    """The corners of a front's outline: between two proofs the shorter one's bound holds, since no proof lies between.

    `until` prolongs the last step to the right: a larger budget still buys the best proof.
    """
    corners = list(steps[:1])
    for (_, before), (length, bound) in pairwise(steps):
        corners += [(length, before), (length, bound)]
    if steps and until is not None and until > steps[-1][0]:
        corners.append((until, steps[-1][1]))
    return corners
