"""The independent checker accepts what the engine proves, and nothing that is not true."""

import ast
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from itertools import pairwise
from itertools import product as tuples
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from proofs.certificate import bundle, certificate_of
from proofs.checker import theorems, verdict
from proofs.checker.__main__ import check
from proofs.checker.bundle import read_certificate
from proofs.checker.counting import completions
from proofs.checker.float32 import BITS, IN_REAL_ARITHMETIC, Execution, in_float32
from proofs.checker.tables import DEEPEST, PRECISION, AtQuery, Tables
from proofs.checker.theorems import Found, Open
from proofs.checker.weights import Weights, read_weights
from proofs.errors import NotApplicable
from proofs.float32 import Float32Error
from proofs.model import Model
from proofs.prove import prove
from proofs.strategies import BY_NAME, CATALOGUE, SUBCUBIC, Strategy, Variant, named
from proofs.tally import Tally
from tests.certificates.bundles import (
    blocks_of,
    bundled,
    canonical,
    certified,
    checkpoint,
    claim,
    close_calls,
    copier,
)
from tests.proofs.executions import answers
from tests.proofs.mutants import mutant
from tests.proofs.problems import HAND_MADE, averages_its_tokens, models
from tests.proofs.references import DATA, trained
from tests.proofs.soundness import known_truth

PACKAGE = Path(verdict.__file__).parent
SOURCES = sorted(PACKAGE.glob("*.py"))
SOME = (
    *CATALOGUE,
    *(strategy for strategy in SUBCUBIC if strategy.code in ("U1-A1-E1", "U2-A1-E6", "U4-A2-E9", "U5-A1-E10")),
)
EVERY = [pytest.param(strategy, id=strategy.code or strategy.name) for strategy in SOME]


PROVED = [Variant.STRICT, Variant.AS_EXECUTED]


def verdict_on(model: Model, strategy: Strategy, variant: Variant = Variant.STRICT) -> str:
    """What the checker prints about what the engine claims."""
    return check(bundle(certificate_of(prove(model, strategy, variant)), checkpoint(model)))[1]


def is_too_sharp(weights: Weights) -> bool:
    tables = Tables.of(weights, IN_REAL_ARITHMETIC)
    spreads = (
        max(token) - min(token) + max(position) - min(position)
        for token, position in zip(tables.token_score, tables.position_score, strict=True)
    )
    return max(spreads) >> PRECISION >= DEEPEST


@pytest.mark.parametrize("strategy", EVERY)
@pytest.mark.parametrize("variant", PROVED)
@given(model=models())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_accepts_what_the_engine_proves(strategy: Strategy, variant: Variant, model: Model) -> None:
    try:
        text = verdict_on(model, strategy, variant)
    except NotApplicable:
        return
    sharp = is_too_sharp(read_weights(checkpoint(model)))
    assert text.startswith("UNREADABLE  The attention is too sharp" if sharp else "ACCEPTED"), text


def test_a_block_that_no_number_of_bins_settles_is_decided_input_by_input() -> None:
    """Attention so uneven that one position's terms fill all bins; the engine knows 4 of 15 inputs to be wrong."""
    model = trained("short_of_bins")
    assert verdict_on(model, BY_NAME["separable-quartic"]).startswith("ACCEPTED")


@pytest.mark.parametrize("strategy", EVERY)
@pytest.mark.parametrize("variant", PROVED)
@pytest.mark.parametrize("problem", HAND_MADE)
def test_accepts_hand_made_problems(strategy: Strategy, variant: Variant, problem: Callable[[], Model]) -> None:
    try:
        text = verdict_on(problem(), strategy, variant)
    except NotApplicable:
        return
    assert text.startswith("ACCEPTED"), text


@pytest.mark.parametrize("strategy", [pytest.param(s, id=s.code) for s in SUBCUBIC if s.code[3:5] == "A1"])
@pytest.mark.parametrize("name", ["counterexample_unsound", "k3_v10_d8_seed123"])
@pytest.mark.parametrize("variant", PROVED)
def test_accepts_the_strict_subcubic_family(strategy: Strategy, variant: Variant, name: str) -> None:
    assert verdict_on(trained(name), strategy, variant).startswith("ACCEPTED")


@pytest.mark.parametrize("strategy", EVERY)
@given(model=models())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_never_derives_more_than_is_true(strategy: Strategy, model: Model) -> None:
    """Of every block, claimed or not: right inputs up to the true count, and the same of the wrong ones."""
    facts = known_truth(model)
    weights = read_weights(checkpoint(model))
    assert weights.digest == model.digest
    try:
        root = certified(model, strategy.name)
    except NotApplicable:
        return
    if is_too_sharp(weights):
        return
    certificate = read_certificate(json.dumps(root, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    theorem = verdict._theorem(certificate, model.d_vocab, model.n_ctx)
    at = theorem(Tables.of(weights, IN_REAL_ARITHMETIC))
    for query in range(model.d_vocab):
        block = at(query)
        for maximum in range(query, model.d_vocab):
            right, wrong = block(maximum, 64)
            size = completions(maximum + 1, model.n_ctx - 1, query == maximum)
            assert right <= facts.possibly.get((query, maximum), 0), (query, maximum)
            assert wrong <= size - facts.surely.get((query, maximum), 0), (query, maximum)


@pytest.mark.parametrize("strategy", EVERY)
def test_rejects_one_input_more_than_is_true(strategy: Strategy) -> None:
    model = copier(2)
    facts = known_truth(model)
    root = certified(model, strategy.name)
    for query in range(model.d_vocab):
        for maximum in range(query, model.d_vocab):
            claimed = int(root["blocks"]["correct"][query][maximum - query])
            more = facts.possibly.get((query, maximum), 0) + 1 - claimed
            code, text = check(bundled(claim(root, query, maximum, correct=more), model))
            assert code == 1, text
            assert f"block ({query}, {maximum})" in text
            assert "expected at most" in text
            assert "found" in text


def test_claims_nothing_about_blocks_of_which_nothing_is_claimed() -> None:
    model = copier(2)
    code, text = check(bundled(blocks_of(certified(model, "cubic"), lambda q, m: (0, 0)), model))
    assert code == 0
    assert "At least 0 of 64" in text
    assert "0 blocks derived" in text


@pytest.mark.parametrize(
    ("right", "broken"),
    [
        ("claimed[0] <= right", "claimed[0] <= right + 1"),
        ("claimed[1] <= wrong", "claimed[1] <= wrong + 1"),
    ],
)
def test_a_lenient_verdict_would_be_caught(right: str, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The corpus holds a bundle that only this line rejects."""
    folder = DATA.parent / "certificates" / "invalid"
    before = {path.name: check(path.read_bytes()) for path in folder.glob("*.zip")}
    monkeypatch.setattr(verdict, "_expect_no_more", mutant(verdict._expect_no_more, right, broken))
    after = {path.name: check(path.read_bytes()) for path in folder.glob("*.zip")}
    assert before != after


@pytest.mark.parametrize(
    ("right", "broken"),
    [
        ("reaching(block.most, -radius, needs_last)", "reaching(block.most, radius + 1, needs_last)"),  # a tie is right
        ("reaching(block.least, radius, needs_last)", "reaching(block.least, -radius, needs_last)"),  # may be: is wrong
    ],
)
def test_a_tie_taken_for_something_else_would_be_caught(right: str, broken: str) -> None:
    """Attention is alike on all tokens, so inputs of different tokens are ties up to the enclosures."""
    model = averages_its_tokens()
    tables = Tables.of(read_weights(checkpoint(model)), IN_REAL_ARITHMETIC)
    assert AtQuery.of(tables, 0).radius > 0
    honest = decided(tables, theorems.all_decided)
    assert decided(tables, mutant(theorems.all_decided, right, broken)) > honest


def decided(tables: Tables, count: Callable[[Open], Found] = theorems.all_decided) -> int:
    """Inputs of which the exact theorem knows the answer, in all blocks."""
    at = theorems.separable(theorems.each_answer, count, tables)
    v = len(tables.direct)
    return sum(sum(at(query)(maximum, 64)) for query in range(v) for maximum in range(query, v))


def test_the_checker_bounds_what_float32_may_err_by_as_the_engine_does() -> None:
    """Not looser, or honest claims would be refused; and not by more than the engine's own roundings."""
    for name in ("counterexample_unsound", "k3_v10_d8_seed123", "lab-v64-k4-seed123"):
        model = trained(name)
        weights = read_weights(checkpoint(model))
        engine, found = Float32Error.of(model, Tally()), in_float32(weights)
        ratio = Fraction(found.difference, 2 << 4 * weights.bits) / Fraction(engine.logits)
        assert 1 - 1e-8 < ratio <= 1
        for ours, theirs in zip(found.scores, engine.scores, strict=True):
            for k, score in zip(ours, theirs, strict=True):
                assert 1 - 1e-8 < Fraction(k, 2**BITS) / Fraction(float(score)) <= 1


def test_a_claim_about_real_arithmetic_is_none_about_float32() -> None:
    """Relabelled, it is refused where a program may answer otherwise; the engine's own claim about programs is accepted."""
    model, strategy = close_calls(), BY_NAME["separable-exact"]
    strict, executed = (prove(model, strategy, variant) for variant in PROVED)
    assert executed.bound.correct < strict.bound.correct
    relabelled = certified(model, strategy.name) | {"statement": "float32-v1"}
    code, text = check(bundled(relabelled, model))
    assert code == 1, text
    assert "expected at most" in text
    assert "in float32" in verdict_on(model, strategy, Variant.AS_EXECUTED)


@pytest.mark.parametrize("strategy", EVERY)
def test_what_executions_may_err_by_only_takes_away(strategy: Strategy) -> None:
    """Of every block, the larger the errors granted to executions, the less is certain."""
    model = copier(2)
    weights = read_weights(checkpoint(model))
    certificate = read_certificate(canonical(certified(model, strategy.name)))
    theorem = verdict._theorem(certificate, model.d_vocab, model.n_ctx)
    one = 1 << 4 * weights.bits
    found = []
    for part in (0, 1000, 10, 2):  # a difference of logits, and a relative change of weights, by one in so many
        scores = [[(1 << BITS) // part] * model.d_vocab] * model.d_vocab if part else []
        at = theorem(Tables.of(weights, Execution(one // part if part else 0, scores)))
        found.append([at(q)(m, 64) for q in range(model.d_vocab) for m in range(q, model.d_vocab)])
    for less, more in pairwise(found):
        assert all(a[0] >= b[0] and a[1] >= b[1] for a, b in zip(less, more, strict=True))
    assert sum(map(sum, found[0])) > sum(map(sum, found[-1]))


@cache
def outcomes() -> Mapping[tuple[int, int], Counter[bool]]:
    """Of each block of the model with close calls: inputs that all of some random programs get right, or wrong."""
    model, random = close_calls(), np.random.default_rng(7)
    found: defaultdict[tuple[int, int], Counter[bool]] = defaultdict(Counter)
    for tokens in tuples(range(model.d_vocab), repeat=model.n_ctx):
        seen = {answers(model, tokens, random) for _ in range(20)}
        found[tokens[-1], max(tokens)].update(seen if len(seen) == 1 else ())
    return found


@pytest.mark.parametrize("strategy", EVERY)
def test_executions_answer_what_the_checker_derives_about_them(strategy: Strategy) -> None:
    """Of every block, no more than every one of many random float32 programs gets right, or wrong."""
    model = close_calls()
    weights = read_weights(checkpoint(model))
    certificate = read_certificate(canonical(certified(model, strategy.name)))
    at = verdict._theorem(certificate, model.d_vocab, model.n_ctx)(Tables.of(weights, in_float32(weights)))
    for query in range(model.d_vocab):
        for maximum in range(query, model.d_vocab):
            right, wrong = at(query)(maximum, 64)
            assert right <= outcomes()[query, maximum][True]
            assert wrong <= outcomes()[query, maximum][False]


def test_needs_only_the_standard_library_and_itself() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert name.startswith("proofs.checker") or name.split(".")[0] in sys.stdlib_module_names, (path, name)


def test_uses_no_floating_point() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Div), path
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path


def test_is_small_enough_to_read() -> None:
    """Statements, without blank lines, comments and docstrings."""
    lines = 0
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        docs = {
            line
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        lines += sum(
            bool(text.strip()) and not text.strip().startswith("#") and number not in docs
            for number, text in enumerate(path.read_text().splitlines(), 1)
        )
    assert lines <= 715, lines


def test_says_that_the_lengths_are_only_the_provers_word() -> None:
    text = verdict_on(copier(2), BY_NAME["cubic"])
    assert "lengths" in text
    assert "not checked" in text


@pytest.mark.parametrize(("folder", "expected"), [("valid", 0), ("invalid", 1), ("unreadable", 2)])
def test_the_program_says_so_with_its_exit_code(folder: str, expected: int) -> None:
    path = sorted((DATA.parent / "certificates" / folder).glob("*.zip"))[0]
    command = [sys.executable, "-S", "-m", "proofs.checker", str(path)]  # -S: no installed packages
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent.parent, timeout=60)
    assert done.returncode == expected, done.stdout + done.stderr
    assert done.stdout.split()[0] == ("ACCEPTED", "REJECTED", "UNREADABLE")[expected]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["a.zip", "b.zip"], ["/nonexistent.zip"]])
def test_wrong_usage_is_no_verdict(arguments: list[str]) -> None:
    command = [sys.executable, "-S", "-m", "proofs.checker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent.parent, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage" in done.stderr or "UNREADABLE" in done.stderr


@pytest.mark.parametrize("name", ["cubic", "separable-quartic", "separable-joint", "U4-A1-E9"])
def test_covers_a_model_of_the_published_size(name: str) -> None:
    strategy = named(name)
    assert strategy is not None
    data = (DATA / "lab-v64-k4-seed123" / "weights.safetensors").read_bytes()
    content = bundle(certificate_of(prove(trained("lab-v64-k4-seed123"), strategy, Variant.STRICT)), data)
    assert len(content) < 300_000
    code, text = check(content)
    assert code == 0, text
