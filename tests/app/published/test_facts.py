"""The shipped numbers against the published table, and against our own formulas."""

import csv
from pathlib import Path

import pytest

from app.published import facts
from app.published.differences import differences, equal_lengths, most_with_off_by_one
from app.published.facts import DATA, Generation, Summary
from app.published.overlay import length_of, overlay
from app.published.rows import MEMBERS, SUBCUBIC_ROWS, Row, options_of, row_of
from proofs.subcubic import reference
from proofs.subcubic.options import ALL
from proofs.task import MaxOfK

TABLE = {  # the published table, to its own precision: bound after the fix, normalised, bound before it
    Row.SUBCUBIC: (0.6989, 0.0356, 0.700, 0.8202, 0.0133),
    Row.LOW_RANK_QK: (0.6749, 0.0350, 0.675, 0.7945, 0.0144),
    Row.LOW_RANK_EU: (0.6328, 0.0619, 0.633, 0.6525, 0.0603),
    Row.LOW_RANK_QK_EU: (0.6095, 0.0607, 0.610, 0.6271, 0.0598),
    Row.QUADRATIC_QK: (0.3155, 0.0370, 0.316, 0.3898, 0.0323),
    Row.QUADRATIC_QK_EU: (0.2832, 0.0366, 0.283, 0.2854, 0.0365),
}


@pytest.mark.parametrize("row", TABLE)
def test_means_over_151_seeds_are_those_of_the_published_table(row: Row) -> None:
    mean, sd, ratio, before, before_sd = TABLE[row]
    post, pre = (facts.bounds(4, 64, row, generation) for generation in Generation)
    normalised = facts.normalised(4, 64, row, Generation.POST)
    assert post is not None
    assert pre is not None
    assert normalised is not None
    assert (round(post.mean, 4), round(post.sd, 4), post.seeds) == (mean, sd, 151)
    assert (round(pre.mean, 4), round(pre.sd, 4)) == (before, before_sd)
    assert round(normalised.mean, 3) == ratio


def test_brute_force_and_cubic_are_the_same_in_both_generations() -> None:
    for row, mean, sd in ((Row.BRUTE_FORCE, 0.9992, 0.0015), (Row.CUBIC, 0.9531, 0.0087)):
        for generation in Generation:
            found = facts.bounds(4, 64, row, generation)
            assert found is not None
            assert (round(found.mean, 4), round(found.sd, 4)) == (mean, sd)


def test_generations_never_mix() -> None:
    for row in SUBCUBIC_ROWS:
        post, pre = (facts.best_by_seed(4, row, generation) for generation in Generation)
        assert [one.seed for one in post] == [one.seed for one in pre]
        assert all(a.bound != b.bound for a, b in zip(post, pre, strict=True))
    published = overlay(4, 64, Generation.PRE)
    assert published is not None
    assert published.points == ()  # single proofs are known after the fix only
    assert "before the fix" in published.label


def test_the_best_single_proofs_are_the_best_of_their_seeds() -> None:
    """Two files, read apart: strategy by strategy for four seeds, and the best of each row for all."""
    for row in SUBCUBIC_ROWS:
        best = {one.seed: one.bound for one in facts.best_by_seed(4, row, Generation.POST)}
        for seed in (50, 104, 123, 519):
            mine = [one.bound for one in facts.results(4) if one.seed == seed and one.row is row]
            assert len(mine) == len(MEMBERS[row])
            assert max(mine) == pytest.approx(best[seed], abs=1e-6)


def test_every_published_length_follows_from_our_formulas() -> None:
    assert equal_lengths() == (400, 400)


@pytest.mark.parametrize("task", [MaxOfK(64, 4), MaxOfK(10, 3), MaxOfK(5, 2)], ids=str)
def test_a_length_is_a_sum_over_options(task: MaxOfK) -> None:
    for options in ALL:
        assert length_of(options, task) == reference.length(options, task, 32), options.code


def test_rows_hold_as_many_strategies_as_published() -> None:
    assert {row: len(members) for row, members in MEMBERS.items()} == {
        Row.SUBCUBIC: 8, Row.LOW_RANK_QK: 20, Row.LOW_RANK_EU: 12, Row.LOW_RANK_QK_EU: 30,
        Row.QUADRATIC_QK: 12, Row.QUADRATIC_QK_EU: 18,
    }  # fmt: skip


def test_a_strategy_is_known_by_long_name_and_by_code() -> None:
    for options in ALL:
        assert options_of(options.long_name) is options_of(options.code.lower()) is options
    assert row_of("cubic") is Row.CUBIC
    assert row_of("separable-cubic") is None


def test_the_tables_of_other_k_are_those_of_the_figures() -> None:
    for n_ctx, d_vocab, row, mean, sd in (
        (5, 64, Row.CUBIC, 0.942, 0.010), (10, 64, Row.SUBCUBIC, 0.673, 0.030), (20, 64, Row.QUADRATIC_QK_EU, 0.322, 0.034),
        (10, 128, Row.LOW_RANK_QK, 0.595, 0.035),
    ):  # fmt: skip
        found = facts.normalised(n_ctx, d_vocab, row, Generation.POST)
        assert found == Summary(mean, sd, 151, "legend")
    ten = facts.bounds(10, 64, Row.SUBCUBIC, Generation.POST)
    assert ten is not None
    assert (round(ten.mean, 4), round(ten.sd, 4)) == (0.6719, 0.0300)


def test_the_baseline_ends_at_the_corrected_length_of_brute_force() -> None:
    found = overlay(4, 64)
    assert found is not None
    assert found.baseline is not None
    assert found.baseline.length == 876_123_000_832
    assert found.baseline.published_length == 141_029_630_021_632
    assert not found.baseline.estimated
    five = overlay(5, 64)
    assert five is not None
    assert five.baseline is not None
    assert five.baseline.estimated


def test_nothing_is_laid_over_a_task_that_was_not_published() -> None:
    assert overlay(3, 10) is None


def test_differences_carry_their_numbers() -> None:
    said = {one.title: (one.theirs, one.ours) for one in differences()}
    assert said["Length of brute force"] == ("141,029,630,021,632", "876,123,000,832")
    assert said["Length of the cubic proof at K = 4"] == ("35,181,664", "35,087,840")
    assert said["Counting off by one"][0] == "at most 16,003,009 of 16,777,216 (0.95385)"
    assert "0.820 ± 0.013 before, 0.699 ± 0.036 after" in said["Two generations of published numbers"][0]


def test_the_cap_of_counting_off_by_one_by_hand() -> None:
    """Of the 16 pairs over 4 tokens, those with query below the maximum count only if another m - 1 tokens suffice."""
    assert most_with_off_by_one(MaxOfK(d_vocab=4, n_ctx=2)) == sum(max(m - 1, 0) + 1 for m in range(4)) + sum(range(4))


def test_deviations_decide_the_digits() -> None:
    assert Summary(0.95307, 0.008735, 151, "").shown == "0.9531 ± 0.0087"
    assert Summary(0.7, 0.0356, 151, "").shown == "0.700 ± 0.036"
    assert Summary(1.0, 0.0, 1, "").shown == "1.000"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.csv")), ids=lambda path: path.name)
def test_the_data_is_whole(path: Path) -> None:
    with path.open() as file:
        header, *rows = list(csv.reader(file))
    assert rows
    assert all(len(row) == len(header) for row in rows)
    assert f"`{path.name}`" in (DATA / "README.md").read_text()  # with its source
