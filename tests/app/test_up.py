"""`proofboard up`, which is `make run` after the installation: what starts with it, and that all of it stops with it."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from proofs.checkpoint import read_model
from proofs.strategies import USUAL
from tests.processes import PATIENCE_S, PROOFBOARD, ROOT, below, command_of, proofboard, running
from tests.waiting import until

DEMO = ROOT / "demo"


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    url: str

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=10).raise_for_status().json()

    def workers(self) -> list[psutil.Process]:
        return [one for one in below(self.process.pid) if "app.cli.attended" in command_of(one)]


@contextmanager
def up(data_dir: Path) -> Iterator[Running]:
    """A running `proofboard up` on a free port; nothing of it outlives the block."""
    with running([*PROOFBOARD, "up", "--port", "0", "--data-dir", str(data_dir)], text=True) as process:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert address is not None
        yield Running(process, address[0])


def test_the_first_start_shows_the_demo_models_and_proves_them(tmp_path: Path) -> None:
    expected = len(USUAL) * len(list(DEMO.glob("*.safetensors")))
    with up(tmp_path) as board:
        models = board.get("/api/v1/models")["items"]
        until(lambda: board.get("/api/v1/proofs?state=done")["total"] == expected, "all proofs", seconds=PATIENCE_S)
        exact = board.get("/api/v1/proofs?strategy=brute-force")["items"]
    assert {model["name"] for model in models} == {path.stem for path in DEMO.glob("*.safetensors")}
    assert {(model["source"], model["seed"]) for model in models} == {("demo", 123)}
    assert sorted(proof["correct"] for proof in exact) == ["1000", "16773070"]


def test_a_second_start_adds_nothing(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        with up(tmp_path) as board:
            counts.append([board.get(f"/api/v1/{things}")["total"] for things in ("models", "proofs")])
    assert counts[0] == counts[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_ends_server_and_worker_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with up(tmp_path) as board:
        until(board.workers, "a worker")
        kin = below(board.process.pid)
        board.process.send_signal(number)
        assert board.process.wait(PATIENCE_S) == 0
        assert psutil.wait_procs(kin, timeout=PATIENCE_S)[1] == []


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with up(tmp_path) as board:
        until(board.workers, "a worker")
        (first,) = board.workers()
        first.kill()
        until(lambda: board.workers() not in ([], [first]), "another worker")


def test_the_worker_goes_even_if_its_starter_is_killed(tmp_path: Path) -> None:
    with up(tmp_path) as board:
        until(board.workers, "a worker")
        kin = below(board.process.pid)
        board.process.kill()
        assert psutil.wait_procs(kin, timeout=PATIENCE_S)[1] == []


def test_a_port_in_use_is_a_sentence_that_names_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = proofboard("up", "--port", port, "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    done = proofboard("serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path))
    assert done.returncode == 2
    assert "PROOFBOARD_TRUSTED_NETWORK" in done.stderr


def test_a_setting_out_of_range_names_its_variable(tmp_path: Path) -> None:
    done = proofboard("db", "upgrade", "--data-dir", str(tmp_path), PROOFBOARD_PORT="70000")
    assert done.returncode == 2
    assert done.stderr.startswith("proofboard: PROOFBOARD_PORT: ")


def test_db_upgrade_makes_the_database_and_may_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        assert proofboard("db", "upgrade", "--data-dir", str(tmp_path)).returncode == 0
    assert (tmp_path / "proofboard.db").stat().st_size > 0


def test_the_demo_models_are_the_trainers() -> None:
    """The small one is the reference that `tests/worker/test_trainer.py` trains again."""
    small = read_model((DEMO / "max-of-3-v10-d8-seed123.safetensors").read_bytes())
    reference = ROOT / "tests" / "data" / "k3_v10_d8_seed123" / "weights.safetensors"
    assert small.digest == read_model(reference.read_bytes()).digest
    for path in DEMO.glob("*.safetensors"):
        content = path.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        assert json.loads(header["__metadata__"]["recipe"])["steps"] == 3000
