from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.engine import Database
from tests.worker.site import Site


@pytest.fixture
def site(database_url: str, database: Database, tmp_path: Path) -> Iterator[Site]:
    made = Site(database_url, database, tmp_path)
    yield made
    made.close()
