"""The names of the published strategies, and their places in the catalogue."""

from collections import Counter

import pytest

from proofs.lengths import reference_length, unexplained_dimension
from proofs.strategies import BY_NAME, SUBCUBIC, Variant, named
from proofs.subcubic.options import ALL, BY_CODE, BY_LONG_NAME, Attention, Direct, Error, Options
from proofs.task import MaxOfK
from tests.proofs.references import FIXTURE_A, REFERENCE, published_flops


def test_the_catalogue_holds_each_of_the_hundred_combinations_once() -> None:
    assert len(set(ALL)) == len(BY_CODE) == len(BY_LONG_NAME) == len(SUBCUBIC) == 5 * 2 * 10
    assert {row["strategy"] for row in published_flops()} >= {strategy.name for strategy in SUBCUBIC}


def test_long_names_and_codes_name_the_same_strategy() -> None:
    strategy = named("EUPUMaxDiffExactAttnMeanQueryDiffAttnErrMaxDiffSubproduct")
    assert strategy is named("U4-A1-E3") is named("u4\u00b7a1\u00b7e3")
    assert strategy is not None
    assert strategy.code == "U4-A1-E3"
    assert named("U6-A1-E3") is None
    assert named("cubic") is BY_NAME["cubic"]


def test_the_text_name_is_the_one_that_the_reference_prints() -> None:
    options = Options(Direct.U1, Attention.A1, Error.E8)
    assert options.text_name == (
        "EUPU-mean-query+max-diff--attn-mean-query+diff--attn-err-mean-recursive+max-diff-subproduct-recursive"
    )


@pytest.mark.parametrize("name", REFERENCE)
def test_groups_are_the_published_ones(name: str) -> None:
    for long_name, record in REFERENCE[name]["subcubic"].items():
        assert BY_NAME[long_name].group == record["group"]


def test_groups_and_complexity_classes_have_the_published_sizes() -> None:
    assert sorted(Counter(options.group for options in ALL).values()) == [8, 12, 12, 18, 20, 30]
    assert Counter(options.leading_complexity for options in ALL) == {
        "almost-quadratic": 18,
        "vocab-model-squared": 30,
        "subcubic": 52,
    }


def test_every_unsound_option_says_so_and_the_others_do_not() -> None:
    caveats = {code: " ".join(options.caveats) for code, options in BY_CODE.items()}
    assert all(("U-1" in text) == ("A1" in code) == ("U-2" in text) for code, text in caveats.items())
    assert all(("U-3" in caveats[f"U1-A2-E{e}"]) == (e in (1, 2, 5, 10)) for e in range(1, 11))
    assert ["U-4" in caveats[f"U1-A2-E{e}"] for e in (1, 2)] == [True, False]
    assert all("U-5" in text for text in caveats.values())
    assert all(set(strategy.variants) == set(Variant) for strategy in SUBCUBIC)


@pytest.mark.parametrize("name", REFERENCE)
def test_lengths_and_dimensions_equal_the_reference_on_every_model(name: str) -> None:
    record = REFERENCE[name]
    task, d = MaxOfK(record["d_vocab"], record["n_ctx"]), record["d_model"]
    for strategy, expected in record["subcubic"].items():
        assert reference_length(strategy, task, d_model=d) == expected["flop"]
        assert unexplained_dimension(strategy, task, d_model=d) == expected["dimension"]


def test_lengths_and_dimensions_equal_fixture_a() -> None:
    for record in FIXTURE_A["subcubic"]:
        assert reference_length(record["latex"], MaxOfK(9, 3), d_model=8) == record["flop"]
        assert unexplained_dimension(record["latex"], MaxOfK(9, 3), d_model=8) == record["effective_dimension"]


@pytest.mark.parametrize(("column", "n_ctx"), [("k4", 4), ("k5", 5), ("k10", 10), ("k20", 20)])
def test_lengths_equal_the_published_ones(column: str, n_ctx: int) -> None:
    published = {row["strategy"]: int(row[column]) for row in published_flops() if row["strategy"] in BY_LONG_NAME}
    assert len(published) == 100
    for strategy, operations in published.items():
        assert reference_length(strategy, MaxOfK(64, n_ctx), d_model=32) == operations
