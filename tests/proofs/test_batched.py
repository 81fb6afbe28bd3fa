"""Torch and the compiled programmes find the same integers, and spend the same operations."""

import sys
from pathlib import Path

import numpy as np
import pytest

from proofs import batched, counting
from proofs.checkpoint import read_model
from proofs.devices import COMPILED, counting_on
from proofs.prove import check, task_of
from proofs.strategies import BY_NAME, Hints, Variant
from proofs.tally import Tally
from tests.processes import finished
from tests.proofs.problems import from_tables

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("upwards", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_random_programmes_give_the_same_integers(seed: int, upwards: bool) -> None:
    random = np.random.default_rng(seed)
    positions = int(random.choice([1, 2, 3, 5, 12, 30]))  # up to 60^30, far beyond 2^53
    programmes = []
    for _ in range(8):
        terms = random.normal(size=(positions, int(random.integers(1, 60)))) - random.uniform(-0.5, 1.5)
        programmes.append(batched.Programme(terms, float(random.normal()), bool(random.random() < 0.5)))
    compiled = counting.reaching_at_most if upwards else counting.reaching_at_least
    for bins in (1, 40, 3000):
        found = [compiled(each.terms, each.base, each.needs_last, bins) for each in programmes]
        counts, operations = batched.reaching(programmes, bins, upwards, "cpu")
        assert counts.tolist() == [count for count, _ in found]
        assert operations == sum(spent for _, spent in found)


def test_some_of_these_programmes_are_beyond_2_53_and_undecided() -> None:
    terms = np.random.default_rng(1).normal(size=(30, 40))
    most, _ = counting.reaching_at_most(terms, -1.0, True, 3000)
    least, _ = counting.reaching_at_least(terms, -1.0, True, 3000)
    assert 2.0**53 < least < most < 40.0**30


@pytest.mark.parametrize(
    ("strategy", "hints"),
    [
        ("separable-cubic", {"bins": 200}),
        ("separable-joint", {"bins": 200}),
        ("separable-quartic", {"bins": 30}),
    ],
)
@pytest.mark.parametrize("model", ["k4_v64_d32_seed123_bad200", "k10_v64_d32_seed123"])
def test_a_check_says_the_same_wherever_it_runs(strategy: str, hints: Hints, model: str) -> None:
    weights = read_model((DATA / model / "weights.safetensors").read_bytes())
    results = []
    for device in (COMPILED, "cpu"):
        tally = Tally()
        with counting_on(device):
            rows = list(
                check(weights, BY_NAME[strategy], Variant.STRICT, hints, [45, task_of(weights).d_vocab - 1], tally)
            )
        results.append((rows, tally.operations))
    assert results[0] == results[1]


@pytest.mark.parametrize("n_ctx", [1, 2, 3])
def test_short_sequences_are_no_exception(n_ctx: int) -> None:
    random = np.random.default_rng(n_ctx)
    model = from_tables(random.normal(size=(4, 4)), 3 * np.eye(4), random.normal(size=(4, 4)), n_ctx=n_ctx)
    for strategy in ("separable-cubic", "separable-joint", "separable-quartic"):
        results = []
        for device in (COMPILED, "cpu"):
            with counting_on(device):
                results.append(list(check(model, BY_NAME[strategy], Variant.STRICT, {"bins": 9}, range(4), Tally())))
        assert results[0] == results[1]


def test_compiled_checks_do_not_import_torch() -> None:
    program = (
        "import sys; from proofs.strategies import BY_NAME; BY_NAME['separable-joint'].search(); "
        "BY_NAME['separable-cubic'].search(); sys.exit('torch' in sys.modules)"
    )
    assert finished([sys.executable, "-c", program]).returncode == 0
