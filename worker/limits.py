"""Runs work in a child process under limits of time and memory, and names how it ended.

The child is a session of its own, forked from a process in which the numerical libraries are ready. It cannot outlive
the worker: the kernel kills it when the fork server dies, and the fork server when the worker dies. It speaks through a
pipe: how far it is, then its result as bytes. What it says is data, never unpickled.
"""

import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.machinery import ModuleSpec
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any

TICK_S = 0.2
"""How often the work is asked for, at least, while the child says nothing."""

PROGRESS_S = 0.25
"""How often the child reports, at most."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

WORKER = "PROOFBOARD_WORKER_PID"
"""Tells the fork server whose it is."""

Report = Callable[[int, int], None]
Work = Callable[[Any, Report], bytes]
"""Runs in the child: `work(argument, report)`, both importable by name."""


@dataclass(frozen=True)
class Limits:
    seconds: float
    """Of wall clock, for one piece of work."""
    memory_mb: int | None
    """MiB beyond what the child has when it starts; None for no limit of its own."""


class End(StrEnum):
    RESULT = "result"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    UNWANTED = "unwanted"
    """Stopped because `watch` said so."""
    ERROR = "error"


@dataclass(frozen=True)
class Ending:
    end: End
    content: bytes = b""
    """The result; for an error, what the child said about it."""


def prepare(preload: Sequence[str]) -> None:
    """Starts the fork server, which loads these modules. Call it from the main thread: the server dies with its thread."""
    for variable in THREADS:  # two threads on one core spin; proofs run side by side instead
        os.environ.setdefault(variable, "1")
    os.environ[WORKER] = str(os.getpid())
    forkserver.set_forkserver_preload(["worker.server", *preload])
    forkserver.ensure_running()


def run(work: Work, argument: Any, limits: Limits, *, watch: Callable[[tuple[int, int] | None], bool]) -> Ending:
    """Runs `work` to its end or its limits. When this returns or raises, the child is dead.

    `watch` hears each report (done, of), and None in between every `TICK_S`; the work stops when it returns False.
    """
    child, pipe = _start(work, argument, limits)
    with pipe:
        try:
            ending = _listen(pipe, limits, watch)
        finally:
            _kill(child)
    return _died(child.exitcode) if ending is None else ending


def _start(work: Work, argument: Any, limits: Limits) -> tuple[ForkServerProcess, Connection]:
    """A child at work, and our end of its pipe. If the fork server has just died, a new one is started, once."""
    context = multiprocessing.get_context("forkserver")
    for is_last in (False, True):
        ours, theirs = context.Pipe(duplex=False)
        with theirs:
            child = context.Process(target=_serve, args=(theirs, work, argument, limits), daemon=True)
            try:
                with _nothing_to_import():
                    child.start()
            except (OSError, EOFError):
                ours.close()
                if is_last:
                    raise
                continue
        return child, ours
    raise AssertionError("the loop returns or raises")


_starting = Lock()


@contextmanager
def _nothing_to_import() -> Iterator[None]:
    """Hides the program that runs here from multiprocessing, which would import it again in every child.

    The work comes by name from a module of its own, so a child needs neither a command line nor a queue.
    """
    main = sys.modules["__main__"]
    with _starting:
        spec = main.__spec__
        main.__spec__ = ModuleSpec("worker.__main__", None)  # a name that multiprocessing leaves alone
        try:
            yield
        finally:
            main.__spec__ = spec


def _listen(pipe: Connection, limits: Limits, watch: Callable[[tuple[int, int] | None], bool]) -> Ending | None:
    """What became of the child; None if it died without a word."""
    deadline = None
    while True:
        if not pipe.poll(TICK_S if deadline is None else min(TICK_S, max(0.0, deadline - monotonic()))):
            if deadline is not None and monotonic() >= deadline:
                return Ending(End.TIMEOUT)
            if not watch(None):
                return Ending(End.UNWANTED)
            continue
        try:
            kind, content = _split(pipe.recv_bytes())
        except EOFError:
            return None
        match kind:
            case b"b":  # begun: the clock starts when the child does, not while the libraries load
                deadline = monotonic() + limits.seconds
            case b"p":
                done, of = json.loads(content)
                if not watch((int(done), int(of))):
                    return Ending(End.UNWANTED)
            case b"r":
                return Ending(End.RESULT, content)
            case b"m":
                return Ending(End.OUT_OF_MEMORY)
            case _:
                return Ending(End.ERROR, content)


def _split(message: bytes) -> tuple[bytes, bytes]:
    return message[:1], message[1:]


def _died(exitcode: int | None) -> Ending:
    if exitcode == -signal.SIGKILL:  # not by us: then there is an ending
        return Ending(End.OUT_OF_MEMORY)
    if exitcode is not None and exitcode < 0:
        return Ending(End.ERROR, f"The process was ended by {signal.Signals(-exitcode).name}.".encode())
    return Ending(End.ERROR, f"The process ended with exit code {exitcode} and no result.".encode())


def _kill(child: ForkServerProcess) -> None:
    """Ends the child and whatever it started, and waits until it is gone."""
    if child.pid is not None and child.is_alive():
        with suppress(ProcessLookupError):  # its session is its process group
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
    child.join()


# --- in the fork server and its children ----------------------------------------------------------------------------

_server = 0
"""The fork server's process; set there, inherited by its children."""


def become_server() -> None:
    """Makes this process, the fork server, end with the worker that started it."""
    global _server
    _server = os.getpid()
    _die_with(int(os.environ[WORKER]))


PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


def _die_with(parent: int) -> None:
    """Asks the kernel to kill this process as soon as its parent is dead."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _serve(pipe: Connection, work: Work, argument: Any, limits: Limits) -> None:
    os.setsid()
    _die_with(_server)
    if limits.memory_mb is not None:
        _limit_memory(limits.memory_mb)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    pipe.send_bytes(b"b")
    try:
        result = work(argument, _Reporter(pipe))
        pipe.send_bytes(b"r" + result)
    except MemoryError:
        pipe.send_bytes(b"m")
    except Exception:  # the one place where a child's bug becomes an outcome
        pipe.send_bytes(b"e" + traceback.format_exc().encode("utf-8", "replace"))


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        sleep(TICK_S)
    os.kill(os.getpid(), signal.SIGKILL)


class _Reporter:
    """Sends the first report, the last one and some in between."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._next = 0.0

    def __call__(self, done: int, of: int) -> None:
        now = monotonic()
        if now >= self._next or done == of:
            self._next = now + PROGRESS_S
            self._pipe.send_bytes(b"p" + json.dumps([done, of]).encode())


def _limit_memory(megabytes: int) -> None:
    if sys.platform != "linux":  # others count what is reserved but never used
        return
    with open("/proc/self/statm", encoding="ascii") as file:
        present = int(file.read().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = present + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
