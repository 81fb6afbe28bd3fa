"""`proofboard prove --jobs N`: several processes share one long proof; the claim is the same, and nothing outlives it."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil

from tests.app.test_cli import COMMAND, PATIENCE_S, ROOT, TRAINED, endless, long, running
from tests.waiting import until

__all__ = ["endless", "long"]  # fixtures

SPLIT = [COMMAND[0], "-c", f"from proofs import splitting; splitting.shards = lambda *_: 5; {COMMAND[2]}"]
"""The command line, but that every strategy is split: what is long by the rule would take long here."""

VARIES = {"seconds", "search_seconds", "peak_memory_mb"}


def prove(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*SPLIT, "prove", *map(str, arguments), "--json"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def records(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert all(record[name] > 0 for record in found for name in VARIES)
    return [{name: value for name, value in record.items() if name not in VARIES} for record in found]


def test_the_claim_is_the_same_whoever_shares_the_work() -> None:
    asked: list[str | Path] = [TRAINED, "-s", "brute-force", "-s", "separable-quartic", "-s", "separable-joint"]
    assert records(prove(*asked, "--jobs", "3")) == records(prove(*asked))


def test_several_processes_work_at_once_and_ctrl_c_stops_them_all(endless: Path) -> None:
    command = [*COMMAND, "prove", str(endless), "-s", "brute-force", "-s", "cubic", "--jobs", "2", "--json"]
    with running(command, stderr=subprocess.PIPE) as process:
        family = psutil.Process(process.pid)

        def at_work() -> list[psutil.Process]:
            return [one for server in family.children() for one in server.children()]

        until(lambda: len(at_work()) == 2, "two processes at work")
        kin = family.children(recursive=True)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (1, b"")
    assert [record["verdict"] for record in json.loads(output)] == ["cancelled", "cancelled"]
    assert psutil.wait_procs(kin, timeout=PATIENCE_S)[1] == []


def test_a_shard_past_the_time_limit_stops_the_proof(endless: Path) -> None:
    done = prove(endless, "-s", "brute-force", "--jobs", "2", "--timeout", "0.5")
    (record,) = json.loads(done.stdout)
    assert (done.returncode, record["verdict"]) == (1, "timeout")
    assert "0.5 s" in record["message"]


def test_a_strategy_that_does_not_apply_says_so_once(long: Path) -> None:
    done = prove(long, "-s", "brute-force", "--jobs", "2")
    (record,) = json.loads(done.stdout)
    assert (done.returncode, record["verdict"]) == (3, "not-applicable")
    assert "inputs" in record["message"]
