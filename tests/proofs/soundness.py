"""What makes a proof a proof, as assertions that every strategy's tests share."""

from functools import lru_cache

from proofs.bound import Bound
from proofs.model import Model
from proofs.prove import check, search, task_of
from proofs.strategies import Hints, Strategy, Variant
from proofs.tally import Tally
from tests.proofs.oracle import Truth, truth


def bound(strategy: Strategy, model: Model, hints: Hints | None = None, variant: Variant = Variant.STRICT) -> Bound:
    task = task_of(model)
    found = search(model, strategy, variant) if hints is None else hints
    return Bound.of(task, check(model, strategy, variant, found, range(task.d_vocab), Tally()))


def assert_sound(claimed: Bound, model: Model) -> None:
    """No block is certified beyond what is true, nor called wrong beyond what is wrong."""
    facts = known_truth(model)
    task = task_of(model)
    for row in claimed.blocks:
        for maximum, certified in enumerate(row.certified):
            block = (row.query, maximum)
            size = task.block_size(*block)
            assert certified <= facts.possibly.get(block, 0), block
            if row.wrong is not None:
                assert row.wrong[maximum] <= size - facts.surely.get(block, 0), block


def known_truth(model: Model) -> Truth:
    return _by_digest(model.digest, _Held(model))


class _Held:
    """Hands a model past the cache, whose key is its digest."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __hash__(self) -> int:
        return hash(self.model.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.model.digest == self.model.digest


@lru_cache(maxsize=256)
def _by_digest(digest: str, held: _Held) -> Truth:
    return truth(held.model)
