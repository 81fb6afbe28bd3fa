"""Strata partition the inputs, and draws within one are uniform."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from proofs.sampling import Key, every_input, keys, of_key, uniform
from proofs.task import MaxOfK


def key_of(tokens: tuple[int, ...]) -> Key:
    maximum = max(tokens)
    others = [token for token in tokens[:-1] if token != maximum]
    return Key(maximum, tokens[-1], len(others), max(others, default=0))


@pytest.mark.parametrize(("d_vocab", "n_ctx"), [(1, 3), (4, 1), (4, 2), (5, 4), (3, 5)])
def test_the_keys_partition_the_inputs(d_vocab: int, n_ctx: int) -> None:
    task = MaxOfK(d_vocab, n_ctx)
    counted = Counter(key_of(tokens) for tokens in product(range(d_vocab), repeat=n_ctx))
    assert {key: key.size(task) for key in keys(task) if key.size(task)} == counted


def test_there_are_as_many_keys_as_the_specification_says() -> None:
    assert sum(1 for _ in keys(MaxOfK(64, 5))) == 266_176


def test_sizes_stay_exact_where_floats_do_not() -> None:
    task = MaxOfK(64, 20)
    assert Key(63, 63, 19, 62).size(task) == 63**19 - 62**19


@pytest.mark.parametrize("key", [Key(3, 1, 2, 2), Key(3, 3, 2, 1), Key(3, 3, 3, 2), Key(2, 2, 0, 0), Key(3, 0, 1, 0)])
def test_draws_within_a_stratum_are_uniform(key: Key) -> None:
    """The published sampler draws (2, 2) twice as often as (2, 1): this test would see a tenth of that."""
    task = MaxOfK(4, 4)
    members = {tokens for tokens in product(range(4), repeat=4) if key_of(tokens) == key}
    draws = 4000 * len(members)
    drawn = Counter(map(tuple, of_key(task, key, draws, np.random.default_rng(2)).tolist()))
    assert set(drawn) == members
    assert max(abs(count - 4000) for count in drawn.values()) < 5 * 4000**0.5


def test_every_input_is_there_once_and_uniform_draws_repeat_with_their_seed() -> None:
    task = MaxOfK(3, 3)
    assert len({tuple(row) for row in every_input(task).tolist()}) == 27
    assert (uniform(task, 50, 1) == uniform(task, 50, 1)).all()
    assert not (uniform(task, 50, 1) == uniform(task, 50, 2)).all()
