"""Exact counts, and the one place where a check's counts become a claim."""

from itertools import product

import pytest

from proofs.bound import Bound, Counts, floor_ratio
from proofs.errors import CheckRefused
from proofs.task import MaxOfK


@pytest.mark.parametrize(("d_vocab", "n_ctx"), [(1, 1), (1, 4), (5, 1), (3, 2), (4, 4)])
def test_block_sizes_are_the_numbers_of_inputs(d_vocab: int, n_ctx: int) -> None:
    task = MaxOfK(d_vocab, n_ctx)
    counted: dict[tuple[int, int], int] = {}
    for tokens in product(range(d_vocab), repeat=n_ctx):
        block = (tokens[-1], max(tokens))
        counted[block] = counted.get(block, 0) + 1
    for query, maximum in product(range(d_vocab), repeat=2):
        assert task.block_size(query, maximum) == counted.get((query, maximum), 0)
    assert sum(counted.values()) == task.total
    constant = sum(max(tokens) == d_vocab - 1 for tokens in product(range(d_vocab), repeat=n_ctx))
    assert task.constant_correct == constant


@pytest.mark.parametrize(("d_vocab", "n_ctx"), [(0, 2), (2, 0), (-1, 3)])
def test_a_task_needs_tokens_and_positions(d_vocab: int, n_ctx: int) -> None:
    with pytest.raises(ValueError, match="needs"):
        MaxOfK(d_vocab, n_ctx)


TASK = MaxOfK(2, 2)  # blocks (0,0), (0,1), (1,1) of sizes 1, 1, 2


def rows(*counts: Counts) -> list[Counts]:
    return list(counts)


def test_counts_add_up() -> None:
    bound = Bound.of(TASK, rows(Counts(1, (0, 2)), Counts(0, (1, 0), (0, 1))))
    assert (bound.correct, bound.wrong, bound.total) == (3, 1, 4)
    assert bound.is_exact
    assert bound.accuracy == 0.75


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (rows(Counts(0, (1, 1))), "every query"),
        (rows(Counts(0, (1, 1)), Counts(0, (1, 1)), Counts(1, (0, 2))), "every query"),
        (rows(Counts(0, (2, 0)), Counts(1, (0, 2))), "has 1 inputs"),
        (rows(Counts(0, (1, -1)), Counts(1, (0, 2))), "has 1 inputs"),
        (rows(Counts(0, (1, 1)), Counts(1, (1, 2))), "has 0 inputs"),
        (rows(Counts(0, (1, 1), (1, 0)), Counts(1, (0, 2))), "refuted 1"),
        (rows(Counts(0, (1,)), Counts(1, (0, 2))), "one count for each"),
        (rows(Counts(0, (1.0, 1)), Counts(1, (0, 2))), "not a Python integer"),  # type: ignore[arg-type]
        (rows(Counts(0, (True, 1)), Counts(1, (0, 2))), "not a Python integer"),
    ],
)
def test_impossible_counts_are_refused(refused: list[Counts], why: str) -> None:
    with pytest.raises(CheckRefused, match=why):
        Bound.of(TASK, refused)


def test_a_bound_is_never_rounded_up() -> None:
    total = 64**20
    assert floor_ratio(total - 1, total) < 1
    assert floor_ratio(total, total) == 1
    assert floor_ratio(2**53 + 1, 2**54) <= (2**53 + 1) / 2**54
