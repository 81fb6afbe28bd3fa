"""Reference-v1 lengths are the published ones, to the unit."""

import pytest

from proofs.lengths import (
    brute_force_length,
    brute_force_length_as_published,
    brute_force_per_input,
    reference_length,
    unexplained_dimension,
)
from proofs.task import MaxOfK
from tests.proofs.references import FIXTURE_A, REFERENCE, published_flops


@pytest.mark.parametrize(
    ("d_vocab", "n_ctx", "d_model", "operations"),
    [
        (64, 4, 32, 35_087_840),
        (64, 5, 32, 52_397_344),
        (64, 10, 32, 193_981_664),
        (128, 10, 32, 1_540_696_512),
        (64, 20, 32, 752_334_304),
        (512, 20, 32, 383_692_738_304),
        (10, 4, 8, 147_911),
        (9, 3, 8, FIXTURE_A["cubic"]["flop"]),
    ],
)
def test_cubic_has_the_specified_length(d_vocab: int, n_ctx: int, d_model: int, operations: int) -> None:
    assert reference_length("cubic", MaxOfK(d_vocab, n_ctx), d_model=d_model) == operations


@pytest.mark.parametrize(
    ("d_vocab", "n_ctx", "d_model", "per_input"),
    [(64, 4, 32, 52_221), (64, 5, 32, 65_860), (64, 10, 32, 138_135), (128, 10, 32, 179_479), (64, 20, 32, 303_085)],
)
def test_brute_force_has_the_specified_cost_per_input(d_vocab: int, n_ctx: int, d_model: int, per_input: int) -> None:
    assert brute_force_per_input(MaxOfK(d_vocab, n_ctx), d_model) == per_input


def test_brute_force_is_linear_in_the_inputs_and_charges_its_batches() -> None:
    assert reference_length("brute-force", MaxOfK(64, 4), d_model=32) == 876_123_000_832
    assert reference_length("brute-force", MaxOfK(3, 2), d_model=4) == brute_force_per_input(MaxOfK(3, 2), 4) * 9 + 1


def test_the_slip_in_the_published_brute_force_is_reproduced_for_comparison() -> None:
    published = next(row for row in published_flops() if row["strategy"] == "brute-force")
    assert brute_force_length_as_published(MaxOfK(64, 4), 32) == int(published["k4"]) == 141_029_630_021_632
    for column, n_ctx, digits in (("k5", 5, 1e-14), ("k10", 10, 1e-5), ("k20", 20, 1e-3)):
        assert brute_force_length_as_published(MaxOfK(64, n_ctx), 32) == pytest.approx(float(published[column]), digits)
    one_batch = MaxOfK(16, 2)
    assert brute_force_length_as_published(one_batch, 16) > brute_force_length(one_batch, 16)


@pytest.mark.parametrize("name", REFERENCE)
def test_lengths_and_dimensions_equal_the_reference_on_every_model(name: str) -> None:
    record = REFERENCE[name]
    task, d = MaxOfK(record["d_vocab"], record["n_ctx"]), record["d_model"]
    assert brute_force_length(task, d, batch=1) == record["brute_force_per_input"] * task.total
    assert reference_length("cubic", task, d_model=d) == record["cubic"]["flop"]
    assert unexplained_dimension("cubic", task, d_model=d) == record["cubic"]["dimension"]
    assert unexplained_dimension("brute-force", task, d_model=d) == task.d_vocab ** (task.n_ctx + 1)


def test_cubic_equals_the_published_table_but_for_the_stored_constant_of_older_code() -> None:
    published = next(row for row in published_flops() if row["strategy"] == "cubic")
    assert published["k4"] == "35181664"
    for column, n_ctx in (("k5", 5), ("k10", 10), ("k20", 20)):
        assert reference_length("cubic", MaxOfK(64, n_ctx), d_model=32) == int(published[column])


@pytest.mark.parametrize("strategy", ["separable-cubic", "separable-quartic", "no-such-strategy"])
def test_what_was_never_published_has_no_reference_length(strategy: str) -> None:
    assert reference_length(strategy, MaxOfK(64, 4), d_model=32) is None
    assert unexplained_dimension(strategy, MaxOfK(64, 4), d_model=32) is None


def test_the_published_cubic_length_does_not_cover_inputs_of_one_token() -> None:
    assert reference_length("cubic", MaxOfK(64, 1), d_model=32) is None
