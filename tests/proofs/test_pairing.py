"""The programme behind separable-paired, on terms that no model has to have: never fewer tuples than there are."""

from itertools import product

import numpy as np
import pytest

from proofs.enclosure import Array
from proofs.pairing import _reaching


@pytest.mark.parametrize("seed", range(60))
def test_counts_every_tuple_that_reaches_zero_with_some_answer(seed: int) -> None:
    random = np.random.default_rng(seed)
    exact, found = 0.0, 0.0
    for _ in range(20):
        answers, free, tokens = (int(random.integers(1, most)) for most in (4, 5, 5))
        first = int(random.integers(0, free))
        end = int(random.integers(first + 1, free + 1))
        needs_last = bool(random.random() < 0.7)
        terms = random.normal(size=(answers, free, tokens)) * random.choice([0.3, 1.0, 3.0], size=(answers, 1, tokens))
        terms[random.random(terms.shape) < 0.1] = -np.inf  # no tuple with this token reaches zero
        bases = random.normal(size=answers) * 2 - 2
        ways = np.ones(tokens)
        ways[0] = 3.0 if tokens > 1 else 1.0
        there_are = _tuples(terms, bases, ways, (first, end) if needs_last else None)
        if not needs_last:
            first, end = 0, free
        for bins in (1, 20, 4096):
            counted, _ = _reaching(terms.copy(), bases.copy(), needs_last, bins, first, end, ways)
            assert counted >= there_are
        exact, found = exact + there_are, found + counted
    assert found < 3 * exact + 100  # and says something


def _tuples(terms: Array, bases: Array, ways: Array, first_copy: tuple[int, int] | None) -> float:
    _, free, tokens = terms.shape
    count = 0.0
    for chosen in product(range(tokens), repeat=free):
        if first_copy is not None and (
            tokens - 1 not in chosen or not first_copy[0] <= chosen.index(tokens - 1) < first_copy[1]
        ):
            continue
        if (bases + terms[:, np.arange(free), chosen].sum(axis=1) >= 0).any():
            count += float(np.prod(ways[list(chosen)]))
    return count
