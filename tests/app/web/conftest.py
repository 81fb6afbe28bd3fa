"""The application in-process on a database of its own, with what a person or a worker would put into it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.settings import Settings
from app.storage import queue
from app.storage.blobs import BlobStore
from app.storage.engine import connect
from app.web.main import create_app
from app.web.site import Site


@pytest.fixture
def app(tmp_path: Path, sqlite_template: Path) -> Iterator[FastAPI]:
    shutil.copy(sqlite_template, tmp_path / "proofboard.db")
    settings = Settings(data_dir=tmp_path, upload_max_bytes=2**20)
    database = connect(settings.database_url)
    yield create_app(
        settings=settings, database=database, queue_port=queue.connect(database), blobs=BlobStore(settings.blob_dir)
    )
    database.dispose()


@pytest.fixture
def site(app: FastAPI) -> Site:
    found: Site = app.state.site
    return found


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as opened:
        yield opened
