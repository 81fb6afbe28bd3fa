"""Content-addressed files: checkpoints and certificates under `sha256[:2]/sha256`.

A blob appears whole or not at all: it is written beside its place, flushed to the disk, then renamed. The same
content twice is one file. No name that a person chose ever becomes a path.
"""

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import BinaryIO

from app.errors import BlobNotFound, DamagedBlob, StorageFull

CHUNK_BYTES = 2**20
DIGEST = re.compile("[0-9a-f]{64}")


class Incoming:
    """A blob while it arrives: hashed as it is written, kept only on `keep`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._kept = False
        self.size = 0
        """Bytes so far."""

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    @property
    def is_kept(self) -> bool:
        return self._kept

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def content(self) -> bytes:
        """Everything so far."""
        self._file.seek(0)
        return self._file.read()

    def keep(self) -> str:
        """The content is wanted: its digest. It is in the store when the block of `incoming` ends."""
        self._kept = True
        return self.digest


class BlobStore:
    def __init__(self, root: Path) -> None:
        """Makes nothing yet: folders come with the first blob."""
        self.root = root

    def put(self, content: bytes | Path) -> str:
        """Stores bytes, or a copy of a file, and returns their SHA-256. Raises `StorageFull`."""
        with self.incoming() as blob:
            if isinstance(content, bytes):
                blob.write(content)
            else:
                with content.open("rb") as source:
                    while chunk := source.read(CHUNK_BYTES):
                        blob.write(chunk)
            return blob.keep()

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """A blob to write piece by piece in constant memory; nothing stays behind unless `keep` was called."""
        with _full_disk_named():
            folder = _folder(self.root / "incoming")
            descriptor, name = tempfile.mkstemp(dir=folder)  # mode 0600
        path = Path(name)
        try:
            with _full_disk_named(), os.fdopen(descriptor, "w+b", buffering=CHUNK_BYTES) as file:
                blob = Incoming(file)
                yield blob
                if blob.is_kept:
                    file.flush()
                    os.fsync(file.fileno())
            if blob.is_kept:
                with _full_disk_named():
                    self._settle(path, blob.digest)
        finally:
            path.unlink(missing_ok=True)

    def _settle(self, path: Path, digest: str) -> None:
        place = self.path(digest)
        _folder(place.parent)
        os.replace(path, place)
        _sync_folder(place.parent)

    def sweep(self, older_than_s: float) -> int:
        """Removes what uploads that died left behind, and says how many files that were."""
        stale = [path for path in (self.root / "incoming").glob("*") if _age_s(path) > older_than_s]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def open(self, digest: str) -> BinaryIO:
        """The blob for reading. Raises `BlobNotFound`."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise BlobNotFound(
                f"The file {digest[:12]}… is not in the blob store: restore or upload it again."
            ) from None

    def get(self, digest: str) -> bytes:
        """The whole blob, compared with its digest. Raises `BlobNotFound` or `DamagedBlob`."""
        with self.open(digest) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != digest:
            raise DamagedBlob(
                f"The stored file {digest[:12]}… is damaged: restore it from a backup or upload it again."
            )
        return content

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def size(self, digest: str) -> int:
        """Bytes. Raises `BlobNotFound`."""
        with self.open(digest) as file:
            return os.fstat(file.fileno()).st_size

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be."""
        if not DIGEST.fullmatch(digest):
            raise BlobNotFound(f"{digest[:70]!r} is not a SHA-256 in lower-case hexadecimal.")
        return self.root / digest[:2] / digest


def _age_s(path: Path) -> float:
    """Seconds since the file was written; 0 if it has gone to its place meanwhile."""
    try:
        return time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _folder(path: Path) -> Path:
    for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        with suppress(FileExistsError):
            missing.mkdir(mode=0o700)
            _sync_folder(missing.parent)
    return path


def _sync_folder(path: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _full_disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise
