"""Separable, for each block the cheaper proof that is worth its price: between `separable-quadratic` and `separable-sorted`.

Both certify part of a block (query q, maximum m) by the same sufficient condition with all free positions alike
(`proofs.alike`): the one with token terms that no longer depend on m, counted in shells, the other with terms of their own
for each m, sorted anew and counted exactly for up to three tokens. Each is a theorem about that block alone. So a
certificate may name the blocks that are to be counted by sorting, and the larger count of the two holds; for all other
blocks the envelope's holds. Any set of blocks is sound.

Hints: `blocks`, base64 of the bits of [query, maximum], row after row, and `shells`. The search knows what each block
would gain and cost, and takes the best gains for each operation until what may be spent is spent. A few dozen blocks of
2,080 bring a third of the way.

Applies to every model and length. Cost: that of separable-quadratic and of the chosen blocks.
"""

import base64
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool

from proofs.alike import Alike
from proofs.bound import Counts
from proofs.counting import as_count_down, require_countable
from proofs.errors import InvalidHints
from proofs.model import Array, Model
from proofs.strategies import Hints
from proofs.strategies.hints import whole
from proofs.tally import Tally
from proofs.task import MaxOfK

SHELLS = 4
EXTRA = 1 / 20
"""What the search adds to the proof without chosen blocks, where nobody says how much may be spent."""

Blocks = Bool[Array, "query maximum"]


def search(model: Model, task: MaxOfK) -> Hints:
    return hints_within(model, task)


def hints_within(model: Model, task: MaxOfK, budget: int | None = None) -> Hints:
    """The blocks to count by sorting so that the check spends at most `budget` operations in all."""
    tally = Tally()
    alike = Alike.of(model, tally)
    envelope = alike.envelope(tally)
    every = np.ones(task.d_vocab, dtype=bool)
    gains, costs = np.empty((2, task.d_vocab, task.d_vocab))
    for query in range(task.d_vocab):
        at = alike.at(query, tally)
        sorted_, cost = alike.by_sorting(at, every, SHELLS)
        gains[query] = sorted_ - alike.by_envelope(at, envelope, SHELLS, tally)
        costs[query] = cost + 1
    spare = tally.operations * EXTRA if budget is None else budget - tally.operations
    return {"blocks": _write(_most_worth(gains, costs, spare)), "shells": SHELLS}


def check(model: Model, task: MaxOfK, hints: Hints, queries: Sequence[int], tally: Tally) -> Iterator[Counts]:
    require_countable(task)
    shells = whole(hints, "shells", 0, 1024)
    chosen = _read(hints.get("blocks"), task.d_vocab)
    alike = Alike.of(model, tally)
    envelope = alike.envelope(tally)
    for query in queries:
        at = alike.at(query, tally)
        sorted_, costs = alike.by_sorting(at, chosen[query], shells)
        certified = np.maximum(alike.by_envelope(at, envelope, shells, tally), sorted_)
        tally.add(costs.sum() + np.count_nonzero(costs))
        yield Counts(query, tuple(as_count_down(count, task.block_size(query, m)) for m, count in enumerate(certified)))


def _most_worth(gains: Array, costs: Array, spare: float) -> Blocks:
    """Those with the largest gain for each operation, until `spare` operations are spent."""
    worth = np.where(gains > 0, gains / costs, 0.0).ravel()
    order = np.argsort(-worth, kind="stable")
    order = order[(np.cumsum(costs.ravel()[order]) <= spare) & (worth[order] > 0)]
    chosen = np.zeros(gains.size, dtype=bool)
    chosen[order] = True
    return chosen.reshape(gains.shape)


def _write(chosen: Blocks) -> str:
    return base64.b64encode(np.packbits(chosen).tobytes()).decode("ascii")


def _read(text: object, d_vocab: int) -> Blocks:
    size = -(-(d_vocab**2) // 8)
    try:
        if not isinstance(text, str):
            raise ValueError("not a text")
        bits = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8)
    except ValueError as error:  # binascii's is one
        raise InvalidHints(f"blocks must be base64 of {size} bytes: {error}.") from error
    if len(bits) != size:
        raise InvalidHints(
            f"blocks must have a bit for each of {d_vocab} x {d_vocab} blocks: {size} bytes, got {len(bits)}."
        )
    return np.unpackbits(bits, count=d_vocab**2).astype(bool).reshape(d_vocab, d_vocab)
