"""Work for a worker under test: what it does depends on the strategy it is asked for."""

import json
import os
import signal
import time
from pathlib import Path

from worker.limits import Report
from worker.messages import Request, write_all

COUNTS, WAITS, NEVER_ENDS = "cubic", "brute-force", "separable-quartic"
EATS_MEMORY, DIES, RAISES = "separable-cubic", "separable-sorted", "separable-quadratic"

RESULT = {"verdict": "proved", "correct": 15_000_000, "wrong": 1_000, "lengths": {"measured-v1": 42}, "seconds": 0.5}
CERTIFICATE = b'{"format":"test"}'


def behave(request: Request, report: Report) -> bytes:
    folder = request.checkpoint.parent.parent
    part = "" if request.shard is None else f"/{request.shard[0]}"
    with (folder / "runs").open("a") as runs:
        runs.write(f"{request.strategy}{'/together' if request.results else part} {os.getpid()}\n")
    if request.together:
        return _together(request.together, folder, report)
    if request.results:
        return json.dumps(RESULT).encode() + b"\n" + json.dumps(request.results).encode()
    if request.shard is not None:
        return _shard(request.shard[0], folder, report)
    report(1, 4)
    match request.strategy:
        case "brute-force":
            _await(folder / "gate")
        case "separable-quartic":
            _await(folder / "never")
        case "separable-cubic":
            _keep = bytearray(2**40)
        case "separable-sorted":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "separable-quadratic":
            raise RuntimeError("nothing works today")
    report(4, 4)
    return json.dumps(RESULT).encode() + b"\n" + CERTIFICATE


def _together(strategies: tuple[str, ...], folder: Path, report: Report) -> bytes:
    """Results with 1, 2, 3 … correct inputs; waits for the gate if there is a file `wait`."""
    report(25, 100)
    if (folder / "wait").exists():
        _await(folder / "gate")
    named = zip(strategies, range(1, len(strategies) + 1), strict=True)
    return write_all([({**RESULT, "strategy": name, "correct": number}, CERTIFICATE) for name, number in named])


def _shard(number: int, folder: Path, report: Report) -> bytes:
    """Says which shard it is. Does what a file `NUMBER-does` names first: waits, never ends, dies or does not apply."""
    report(1, 4)
    does = {file.name.partition("-")[2] for file in folder.glob(f"{number}-*")}
    if "waits" in does:
        _await(folder / "gate")
    if "never-ends" in does:
        _await(folder / "never")
    if "dies" in does:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "does-not-apply" in does:
        return json.dumps({"verdict": "not-applicable", "message": "not for this model"}).encode() + b"\n"
    return json.dumps({"shard": number}).encode() + b"\n"


def _await(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)
