"""Processes that tests start: none is waited for without end, and none outlives its test."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
PATIENCE_S = 180.0
"""For a command that ends by itself. What is not done by then hangs."""

PROOFBOARD = (
    sys.executable,
    "-c",
    # A test run in the background, as a shell or CI starts it, ignores SIGINT and would hand that down.
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from app.cli import main; main()",
)
"""The command line, from the working tree."""


@contextmanager
def running(command: Sequence[str | Path], **options: Any) -> Iterator["subprocess.Popen[Any]"]:
    """A process in the working tree; it and all below it are gone when the block ends."""
    process = subprocess.Popen(command, cwd=ROOT, **{"stdout": subprocess.PIPE, **options})
    try:
        yield process
    finally:
        end(process)


def finished(command: Sequence[str | Path], *, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """A command that ended by itself, and what it said."""
    with running(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def proofboard(
    *arguments: str | Path, data_dir: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """A `proofboard` command that ended by itself."""
    folder = {} if data_dir is None else {"PROOFBOARD_DATA_DIR": str(data_dir)}
    return finished([*PROOFBOARD, *arguments], env={**os.environ, **folder, **environment})


def end(process: "subprocess.Popen[Any]") -> None:
    """Kills a process and all below it, and waits until it is gone. Nothing happens if it has ended."""
    family = below(process.pid) if process.poll() is None else []
    process.kill()  # first, so that it starts nobody anew
    kill(family)
    process.wait(PATIENCE_S)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def kill(processes: Iterable[psutil.Process]) -> None:
    for one in processes:
        with suppress(psutil.NoSuchProcess):  # many die with their parent
            one.kill()


# Processes end while one looks at them: what has ended is not below anybody, and has no command.


def below(pid: int) -> list[psutil.Process]:
    """All living processes below one, the nearest first."""
    try:
        return [one for one in psutil.Process(pid).children(recursive=True) if alive(one)]
    except psutil.NoSuchProcess:
        return []


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def proving(pid: int) -> list[psutil.Process]:
    """The processes of its proofs: those below its fork server, so below it but not its own children."""
    return [one for one in below(pid) if _parent_of(one) not in (0, pid)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _parent_of(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.NoSuchProcess:
        return 0
