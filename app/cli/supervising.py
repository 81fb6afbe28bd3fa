"""`proofboard up`: everything that one machine needs, in one command."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from app.errors import AppError
from app.settings import Settings

GOODBYE_S = 15.0
"""How long a worker may take to put its jobs away before it is killed; killing loses nothing."""

RESTART_S = 2.0
"""Pause before a worker that ended by itself is started again."""


class NotPrepared(AppError):
    """The database could not be prepared: the reason stands above."""

    code = "not-prepared"


def up(settings: Settings) -> None:
    """Upgrades the database, loads the demo models, then runs a worker and the web server, until SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way of stopping takes the worker along
    command = [sys.executable, "-m", "app.cli.prepare"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as preparing:
        from app.cli import serving  # the server's libraries load while the database is prepared
    if preparing.returncode != 0:
        raise NotPrepared
    serving.serve(settings, beside=attended_worker())


@contextmanager
def attended_worker() -> Iterator[None]:
    """A worker beside the server, started again if it ends by itself, stopped with it."""
    leaving = Event()
    attendant = Thread(target=_attend, args=(leaving,))
    attendant.start()
    try:
        yield
    finally:
        leaving.set()
        attendant.join()


def _attend(leaving: Event) -> None:
    command = [sys.executable, "-m", "app.cli.attended"]
    while not leaving.is_set():
        # A session of its own: Ctrl-C is ours to pass on. The pipe tells it that we are gone, however we went.
        with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as worker:
            while worker.poll() is None and not leaving.wait(0.5):
                pass
            if leaving.is_set():
                _stop(worker)
                return
        print(f"The worker ended with exit code {worker.returncode}; starting it again.", file=sys.stderr)
        leaving.wait(RESTART_S)


def _stop(worker: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(GOODBYE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
