"""Databases for tests: everything about storage runs on SQLite and on Postgres.

A test that asks for `database` or `database_url` runs on both, on a copy of a migrated template that nobody else uses.
Postgres is started from a package; `PROOFBOARD_TEST_DATABASE_URL` names a running one instead (any database in it; its
user must be allowed to create databases).
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import settings

from app.storage import schema
from app.storage.engine import Database, connect, normal_url
from tests import postgres

# In CI the same change sees the same examples, so that red is about the change. Everywhere else they are new each time.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

Server = Callable[[str], str]
"""From a database's name to its URL."""

EXTERNAL = os.environ.pop("PROOFBOARD_TEST_DATABASE_URL", None)
for _name in [name for name in os.environ if name.startswith("PROOFBOARD_") and name != "PROOFBOARD_FUZZ"]:
    del os.environ[_name]  # a developer's settings are none of the tests'


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    if EXTERNAL is not None:
        url = normal_url(EXTERNAL)
        yield lambda database: url.set(database=database).render_as_string(hide_password=False)
        return
    with postgres.server() as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> Iterator[str]:
    name = f"proofboard_template_{uuid4().hex}"
    _administer(postgres_server, f"CREATE DATABASE {name}")
    schema.upgrade(postgres_server(name))
    yield name
    _administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "proofboard.db"
    schema.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of the test's own; the test runs once on each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "proofboard.db")
        yield f"sqlite:///{tmp_path / 'proofboard.db'}"
        return
    server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
    name = f"proofboard_test_{uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server(name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = connect(database_url)
    yield opened
    opened.dispose()


def _administer(server: Server, statement: str) -> None:
    engine = sa.create_engine(normal_url(server("postgres")), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
