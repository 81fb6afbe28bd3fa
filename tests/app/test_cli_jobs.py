"""`proofboard prove --jobs N`: several processes share one long proof; the claim is the same, and nothing outlives it."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.cli import answering
from app.cli.answering import Unanswered, answers_of_several
from app.storage.records import Verdict
from proofs import splitting
from proofs.task import MaxOfK
from tests.app.test_cli import TRAINED, endless, long
from tests.processes import PATIENCE_S, PROOFBOARD, below, finished, proving, running
from tests.waiting import until
from worker.limits import Limits
from worker.messages import Request

__all__ = ["endless", "long"]  # fixtures

SPLIT = [*PROOFBOARD[:2], f"from proofs import splitting; splitting.shards = lambda *_: 5; {PROOFBOARD[2]}"]
"""The command line, but that every strategy is split: what is long by the rule would take long here."""

VARIES = {"seconds", "search_seconds", "peak_memory_mb"}


def prove(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return finished([*SPLIT, "prove", *arguments, "--json"])


def records(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert all(record[name] > 0 for record in found for name in VARIES)
    return [{name: value for name, value in record.items() if name not in VARIES} for record in found]


def test_the_claim_is_the_same_whoever_shares_the_work() -> None:
    asked: list[str | Path] = [TRAINED, "-s", "brute-force", "-s", "separable-quartic", "-s", "separable-joint"]
    assert records(prove(*asked, "--jobs", "3")) == records(prove(*asked))


def test_several_processes_work_at_once_and_ctrl_c_stops_them_all(endless: Path) -> None:
    command = [*PROOFBOARD, "prove", str(endless), "-s", "brute-force", "-s", "cubic", "--jobs", "2", "--json"]
    with running(command, stderr=subprocess.PIPE) as process:
        until(lambda: len(proving(process.pid)) == 2, "two processes at work")
        kin = below(process.pid)
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


# --- without processes: `said` stands for one -----------------------------------------------------------------------

TEN = MaxOfK(d_vocab=10, n_ctx=3)
REQUEST = Request("a" * 64, Path("model.safetensors"), "b" * 64, "brute-force", "strict")


def several(monkeypatch: pytest.MonkeyPatch, said: Any) -> list[tuple[int, int]]:
    """What is reported while three shards are computed by two processes."""
    reports: list[tuple[int, int]] = []
    monkeypatch.setattr(splitting, "shards", lambda strategy, task: 3)
    monkeypatch.setattr(answering, "_said", said)
    limits = Limits(seconds=60, memory_mb=1000)
    answers_of_several(REQUEST, limits, lambda *report: reports.append(report), task=TEN, processes=2)
    return reports


def test_progress_is_that_of_all_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(request: Request, most: Limits, watch: answering.Watch) -> bytes:
        if not request.results:
            assert request.shard is not None
            checked = len(splitting.queries(*request.shard, TEN.d_vocab))
            assert watch((1, checked))
            assert watch((checked, checked))
        return b'{"verdict": "proved"}\n'

    reports = several(monkeypatch, said)
    assert [of for _, of in reports] == [10] * 6
    checked = [done for done, _ in reports]
    assert checked == sorted(checked)
    assert checked[-1] == 10


def test_what_ends_one_shard_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def said(request: Request, most: Limits, watch: answering.Watch) -> bytes:
        assert request.shard is not None
        begun.append(request.shard[0])
        if request.shard[0] == 1:
            raise Unanswered(Verdict.OUT_OF_MEMORY, "too little")
        until(lambda: not watch(None), "the shard to be stopped")
        raise Unanswered(Verdict.CANCELLED, "stopped")

    with pytest.raises(Unanswered, match="too little"):
        several(monkeypatch, said)
    assert sorted(begun)[:2] == [0, 1]
