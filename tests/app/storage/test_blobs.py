import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from app.errors import BlobNotFound, DamagedBlob, StorageFull
from app.storage.blobs import BlobStore

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "deep" / "blobs")


def files(store: BlobStore) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_a_blob_lies_under_its_hash(store: BlobStore) -> None:
    assert store.put(CONTENT) == DIGEST
    assert files(store) == [store.root / DIGEST[:2] / DIGEST]
    assert store.get(DIGEST) == CONTENT
    assert store.has(DIGEST)
    assert store.size(DIGEST) == len(CONTENT)


def test_a_file_is_stored_like_its_bytes(store: BlobStore, tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_bytes(CONTENT)
    assert store.put(file) == store.put(CONTENT) == DIGEST
    assert file.exists()
    assert len(files(store)) == 1


def test_pieces_are_stored_only_if_they_are_kept(store: BlobStore) -> None:
    with store.incoming() as blob:
        blob.write(CONTENT[:10])
        blob.write(CONTENT[10:])
        assert (blob.digest, blob.size) == (DIGEST, len(CONTENT))
    assert files(store) == []
    with store.incoming() as blob:
        blob.write(CONTENT)
        blob.keep()
    assert store.get(DIGEST) == CONTENT


def test_an_error_in_the_middle_leaves_nothing(store: BlobStore) -> None:
    def broken() -> None:
        with store.incoming() as blob:
            blob.write(CONTENT)
            blob.keep()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        broken()
    assert files(store) == []


def test_a_full_disk_is_named_and_leaves_no_partial_file(store: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        store.put(CONTENT)
    monkeypatch.undo()
    assert files(store) == []
    assert store.put(CONTENT) == DIGEST


def test_what_a_dead_upload_left_is_swept_away_later(store: BlobStore) -> None:
    store.put(CONTENT)
    left = store.root / "incoming" / "tmp123"
    left.write_bytes(b"half a file")
    assert store.sweep(older_than_s=3600) == 0
    os.utime(left, (0, 0))
    assert store.sweep(older_than_s=3600) == 1
    assert files(store) == [store.path(DIGEST)]


def test_sweeping_does_not_stumble_over_an_upload_that_ends_meanwhile(store: BlobStore) -> None:
    """A link to nowhere is as such a file is: listed, but gone when one looks."""
    store.put(CONTENT)
    (store.root / "incoming" / "tmp123").symlink_to("gone")
    assert store.sweep(older_than_s=0) == 0


def test_nobody_else_may_read_the_files(store: BlobStore) -> None:
    store.put(CONTENT)
    assert stat.S_IMODE(store.path(DIGEST).stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path(DIGEST).parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_a_missing_blob_is_not_found(store: BlobStore) -> None:
    with pytest.raises(BlobNotFound):
        store.get("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "A" * 64, "", "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_never_a_path(store: BlobStore, name: str) -> None:
    with pytest.raises(BlobNotFound):
        store.open(name)
    with pytest.raises(BlobNotFound):
        store.has(name)


def test_a_damaged_blob_is_noticed(store: BlobStore) -> None:
    store.put(CONTENT)
    store.path(DIGEST).write_bytes(b"other")
    with pytest.raises(DamagedBlob):
        store.get(DIGEST)


def test_the_same_content_at_the_same_time_is_one_blob(store: BlobStore) -> None:
    threads = [threading.Thread(target=store.put, args=(CONTENT,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(store) == [store.path(DIGEST)]
    assert store.get(DIGEST) == CONTENT
