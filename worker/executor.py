"""A worker's name: this machine and a slot number, guarded by a lock on a file.

The queue gives a worker that starts again the jobs of the one with the same name; two living workers with one name
would strand each other's. The lock goes when the process does, however it ends.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_WORKERS = 64
"""Per machine and data folder."""


@contextmanager
def claimed(lock_dir: Path) -> Iterator[str]:
    """The first free name of this machine, ours until the block ends."""
    lock_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    host = socket.gethostname()
    for slot in range(MOST_WORKERS):
        name = f"{host}-{slot}"
        descriptor = os.open(lock_dir / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield name
        finally:
            os.close(descriptor)
        return
    raise RuntimeError(f"{MOST_WORKERS} workers already run on {host} with {lock_dir.parent}: stop one first.")
