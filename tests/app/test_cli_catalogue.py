"""`proofboard prove` with a catalogue or a budget, and `proofboard counterexamples`, as scripts meet them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.cli.choosing import Search
from proofs.budget import best_within
from proofs.catalogue import prove_catalogue
from proofs.checkpoint import read_model
from proofs.model import Model
from proofs.strategies import BY_NAME, SUBCUBIC, Variant
from proofs.subcubic.pieces import SearchTables
from tests.app.test_cli import TRAINED, model_file
from tests.processes import ROOT, proofboard
from tests.proofs.oracle import margin_of
from worker.trainer import Recipe

SMALL = ROOT / "tests" / "data" / "k2_v16_d16_seed123" / "weights.safetensors"


def records(*arguments: str | Path) -> list[dict[str, Any]]:
    done = proofboard(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def model_of(path: Path) -> Model:
    return read_model(path.read_bytes())


@pytest.mark.parametrize("variant", Variant)
def test_the_published_catalogue_is_102_records_with_what_the_engine_claims(variant: Variant) -> None:
    found = records("prove", SMALL, "--catalogue", "published", "--variant", variant)
    assert [one["strategy"] for one in found] == ["brute-force", "cubic", *(one.name for one in SUBCUBIC)]
    assert [one["code"] for one in found[2:]] == [one.code for one in SUBCUBIC]
    for claim, record in zip(prove_catalogue(model_of(SMALL), variant), found[2:], strict=True):
        assert (record["correct"], record["verdict"]) == (str(claim.bound.correct), claim.verdict)
        assert record["length"] == claim.lengths
        assert record["group"] == BY_NAME[claim.strategy].group


def test_as_published_records_carry_their_caveats_and_strict_ones_have_none() -> None:
    code = SUBCUBIC[0].code
    (published,) = records("prove", SMALL, "-s", code, "--variant", "as-published")
    assert published["caveats"] == list(SUBCUBIC[0].caveats) != []
    (strict,) = records("prove", SMALL, "-s", code)
    assert (strict["caveats"], strict["parameters"]) == ([], {})
    assert int(strict["unexplained_dimension"]) > 0


@pytest.mark.parametrize("tables", SearchTables)
def test_the_published_search_can_be_chosen(tables: SearchTables) -> None:
    found = records("prove", SMALL, "--catalogue", "published", "--variant", "as-published", "--search", tables)[2:]
    claims = prove_catalogue(model_of(SMALL), Variant.AS_PUBLISHED, tables=tables)
    assert [one["correct"] for one in found] == [str(claim.bound.correct) for claim in claims]
    assert {one["parameters"]["search"] for one in found} == {tables}
    alone = records("prove", SMALL, "-s", SUBCUBIC[7].code, "--variant", "as-published", "--search", tables)
    assert alone[0]["correct"] == found[7]["correct"]


def test_the_command_line_knows_every_search_of_the_engine() -> None:
    assert [str(one) for one in Search] == [str(one) for one in SearchTables]


def test_the_catalogue_of_a_model_past_enumeration_exits_with_3(tmp_path: Path) -> None:
    file = model_file(tmp_path, Recipe(seed=1, n_ctx=14, d_vocab=10, d_model=4, steps=1))
    done = proofboard("prove", file, "--catalogue", "published", "--json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found[0]["verdict"] == "not-applicable"
    assert {one["verdict"] for one in found[1:]} <= {"proved", "vacuous"}


def test_what_happens_to_the_whole_catalogue_is_said_once() -> None:
    done = proofboard("prove", TRAINED, "--catalogue", "published", "--timeout", "0.001")
    assert done.returncode == 1
    assert " strategies: Not done after 0.001 s" in done.stdout


def test_a_budget_buys_the_proof_that_the_engine_finds_and_shows_its_hints() -> None:
    (record,) = records("prove", TRAINED, "--budget", "2.5e4")
    claim = best_within(model_of(TRAINED), 25_000)
    assert claim is not None
    assert (record["strategy"], record["correct"]) == (claim.strategy, str(claim.bound.correct))
    assert record["length"]["measured-v1"] == claim.lengths["measured-v1"] <= 25_000
    assert record["parameters"] == {**claim.hints, "budget": 25_000}
    assert record["search_seconds"] > 0


def test_a_budget_that_buys_nothing_exits_with_3() -> None:
    done = proofboard("prove", TRAINED, "--budget", "10", "--json")
    assert done.returncode == 3
    (record,) = json.loads(done.stdout)
    assert (record["verdict"], record["correct"]) == ("not-applicable", None)
    assert "within 10 operations" in record["message"]


def test_counterexamples_are_inputs_that_the_model_answers_wrongly(tmp_path: Path) -> None:
    file = model_file(tmp_path, Recipe(seed=3, n_ctx=3, d_vocab=8, d_model=4, steps=20))
    done = proofboard("counterexamples", file, "--most", "5", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)["inputs"]
    assert 0 < len(found) <= 5
    for one in found:
        assert one["right"] == max(one["tokens"]) != one["answered"]
        margin = margin_of(model_of(file), tuple(one["tokens"]))
        assert margin < 0
        assert one["by"] == pytest.approx(-float(margin)) == pytest.approx(one["logit_answered"] - one["logit_right"])
    assert " ".join(map(str, found[0]["tokens"])) in proofboard("counterexamples", file).stdout


def test_a_model_without_counterexamples_is_said_to_have_none() -> None:
    done = proofboard("counterexamples", TRAINED, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["inputs"] == []
    assert "No input was found" in proofboard("counterexamples", TRAINED).stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--catalogue", "published", "-s", "cubic"], "exclude each other"),
        (["--catalogue", "published", "--budget", "5e6"], "exclude each other"),
        (["--catalogue", "unpublished"], "unpublished"),
        (["--budget", "5.5"], "whole number of operations"),
        (["--budget", "inf"], "whole number of operations"),
        (["--budget", "0"], "whole number of operations"),
        (["--budget", "5e6", "--variant", "as-published"], "strict proofs only"),
        (["--search", "uncentred"], "only with --variant as-published"),
    ],
)
def test_bad_usage_says_what_to_do_and_exits_with_2(arguments: Sequence[str], sentence: str) -> None:
    done = proofboard("prove", TRAINED, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.replace("│", " ").split())
