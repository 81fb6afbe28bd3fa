"""Proofs that are computed together, as one line: by the hundred they would push everything else off a page."""

from dataclasses import dataclass, field

from app.storage.records import Page, ProofRecord

READ = 1000
"""Proofs to read for a list that is folded."""
FEW = 250
"""The same, for the newest few."""


@dataclass(frozen=True)
class Lines:
    items: list[ProofRecord]
    more: bool
    """Some are left out."""
    total: int
    """Of proofs, not of lines."""
    beside: dict[int, int] = field(default_factory=dict)
    """How many others a proof stands for."""


def folded(page: Page[ProofRecord], most: int) -> Lines:
    first_of: dict[tuple[int, int], int] = {}
    beside: dict[int, int] = {}
    kept = []
    for proof in page.items:
        work = (proof.id, 0) if proof.leader is None else (proof.leader, proof.attempt)
        if work in first_of:
            beside[first_of[work]] = beside.get(first_of[work], 0) + 1
        else:
            first_of[work] = proof.id
            kept.append(proof)
    return Lines(kept[:most], page.next is not None or len(kept) > most, page.total, beside)
