"""The command line as people and scripts meet it: processes, exit codes, standard output and standard error."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from proofs.checkpoint import read_model
from proofs.strategies import BY_NAME, CATALOGUE, SUBCUBIC, Variant
from tests.processes import PATIENCE_S, PROOFBOARD, ROOT, below, finished, proofboard, proving, running
from tests.waiting import until
from worker.trainer import Recipe, checkpoint, train

TRAINED = ROOT / "tests" / "data" / "k3_v10_d8_seed123" / "weights.safetensors"


def model_file(folder: Path, recipe: Recipe) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(checkpoint(train(recipe), recipe))
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model that brute force covers, but not within an hour: 64^6 inputs."""
    return model_file(tmp_path, Recipe(seed=1, n_ctx=6, d_vocab=64, d_model=4, steps=1))


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A model with more inputs than brute force takes on: 64^7."""
    return model_file(tmp_path, Recipe(seed=1, n_ctx=7, d_vocab=64, d_model=4, steps=1))


def test_prove_prints_one_array_of_records_and_nothing_else() -> None:
    done = proofboard("prove", TRAINED, "--strategy", "brute-force", "--strategy", "cubic", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    brute_force, cubic = json.loads(done.stdout)
    assert brute_force["strategy"] == "brute-force"
    assert brute_force["correct"] == brute_force["total"] == "1000"
    assert (brute_force["wrong"], brute_force["bound"]) == ("0", 1.0)
    assert (cubic["variant"], cubic["verdict"], cubic["trust"]) == ("strict", "proved", "proved")
    assert set(cubic["length"]) == {"reference-v1", "measured-v1"}
    assert 0 < cubic["seconds"] < PATIENCE_S
    assert 10 < cubic["peak_memory_mb"] < 2000
    assert cubic["model"] == read_model(TRAINED.read_bytes()).digest


def test_without_a_strategy_all_of_the_catalogue_run_in_its_order() -> None:
    records = json.loads(proofboard("prove", TRAINED, "--json").stdout)
    assert [record["strategy"] for record in records] == [strategy.name for strategy in CATALOGUE]
    assert all(int(record["correct"]) <= 1000 for record in records)


def test_without_a_strategy_a_variant_runs_where_it_exists() -> None:
    records = json.loads(proofboard("prove", TRAINED, "--variant", "as-published", "--json").stdout)
    having = [strategy.name for strategy in CATALOGUE if Variant.AS_PUBLISHED in strategy.variants]
    assert [record["strategy"] for record in records] == having
    assert {record["trust"] for record in records} == {"float"}


def test_a_published_strategy_is_known_by_its_code() -> None:
    done = proofboard("prove", TRAINED, "-s", SUBCUBIC[0].code, "-s", SUBCUBIC[0].name, "--json")
    assert [record["strategy"] for record in json.loads(done.stdout)] == [SUBCUBIC[0].name]


def test_the_table_shows_the_claim_in_full() -> None:
    done = proofboard("prove", TRAINED, "-s", "brute-force")
    assert done.returncode == 0
    assert read_model(TRAINED.read_bytes()).digest in done.stdout
    assert "1,000" in done.stdout


def test_a_strategy_that_does_not_cover_the_model_says_why_and_exits_with_3(long: Path) -> None:
    done = proofboard("prove", long, "-s", "brute-force", "-s", "separable-quadratic", "--json")
    assert done.returncode == 3
    refused, covered = json.loads(done.stdout)
    assert refused["verdict"] == "not-applicable"
    assert refused["correct"] is refused["bound"] is None
    assert "64^7 inputs" in refused["message"]
    assert covered["verdict"] in ("proved", "vacuous")


def test_a_proof_past_its_time_limit_is_stopped_and_the_others_run(endless: Path) -> None:
    done = proofboard("prove", endless, "--timeout", "0.2", "-s", "brute-force", "--json")
    assert done.returncode == 1
    (record,) = json.loads(done.stdout)
    assert (record["verdict"], record["correct"]) == ("timeout", None)
    assert "--timeout" in record["message"]


def test_ctrl_c_cancels_what_runs_and_what_is_left_and_leaves_no_process(endless: Path) -> None:
    command = [*PROOFBOARD, "prove", str(endless), "-s", "brute-force", "-s", "cubic", "--json"]
    with running(command, stderr=subprocess.PIPE) as process:
        until(lambda: proving(process.pid), "the proof's process")
        kin = below(process.pid)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (1, b"")
    assert [record["verdict"] for record in json.loads(output)] == ["cancelled", "cancelled"]
    assert psutil.wait_procs(kin, timeout=PATIENCE_S)[1] == []


def test_a_terminal_sees_progress() -> None:
    ours, theirs = pty.openpty()
    with running([*PROOFBOARD, "prove", str(TRAINED), "-s", "cubic", "--json"], stderr=theirs) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode()
        output, _ = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    assert "cubic: proved" in shown
    assert json.loads(output)[0]["verdict"] == "proved"


def read_terminal(terminal: int) -> bytes:
    """What was written since; nothing once the writer is gone, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-s", "cubik"], "Did you mean cubic?"),
        (["-s", "brute-force", "--variant", "as-published"], "brute-force has no variant as-published"),
        (["--variant", "loose"], "loose"),
        (["--timeout", "0"], "timeout"),
    ],
)
def test_bad_usage_says_what_to_do_and_exits_with_2(arguments: Sequence[str], sentence: str) -> None:
    done = proofboard("prove", TRAINED, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"", "too few for a safetensors file"),
        (b"\x80\x04\x95pickle", "Pickles can run code"),
        (TRAINED.read_bytes()[:-1], "truncated"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_exit_code_2(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "bad.safetensors"
    if content is not None:
        path.write_bytes(content)
    done = proofboard("prove", path, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert str(path) in done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_strategies_lists_the_catalogue() -> None:
    rows: list[dict[str, Any]] = json.loads(proofboard("strategies", "--json").stdout)
    assert [row["name"] for row in rows] == [strategy.name for strategy in CATALOGUE]
    everything = json.loads(proofboard("strategies", "--all", "--json").stdout)
    assert {row["name"] for row in everything} == set(BY_NAME)
    table = proofboard("strategies").stdout
    assert all(strategy.name in table for strategy in CATALOGUE)


def test_train_writes_the_same_file_for_the_same_seed(tmp_path: Path) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    sizes = ["--seed", "7", "--n-ctx", "2", "--d-vocab", "5", "--d-model", "4", "--steps", "10"]
    done = proofboard("train", *sizes, one)
    assert done.returncode == 0
    assert read_model(one.read_bytes()).digest in done.stdout
    assert proofboard("train", *sizes, two).returncode == 0
    assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.safetensors", "two.safetensors"]


def test_train_into_a_missing_folder_is_refused_at_once(tmp_path: Path) -> None:
    done = proofboard("train", "--seed", "1", tmp_path / "missing" / "out.safetensors")
    assert done.returncode == 2
    assert "No such file or directory" in done.stderr


def test_train_refuses_a_model_without_size() -> None:
    done = proofboard("train", "--seed", "1", "--d-vocab", "1", "out.safetensors")
    assert done.returncode == 2
    assert "d_vocab >= 2" in done.stderr


def test_help_loads_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "numba", "sqlalchemy", "fastapi"]
    code = f"import sys, app.cli; print([name for name in {heavy} if name in sys.modules])"
    assert finished([sys.executable, "-c", code]).stdout.strip() == "[]"
