"""From a database URL to sessions: SQLite in WAL for one machine, Postgres for many.

`reading()` gives a session that locks nothing, `writing()` a transaction that commits when its block ends and rolls
back if it raises. A database that is locked, away or full is `DatabaseBusy` or `StorageFull` wherever it shows.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.orm import Session

from app.errors import AppError, DatabaseBusy, DatabaseOutdated, StorageFull

SCHEMA = "0007"
"""The migration that `tables` describes; a test compares it with the newest in `migrations/`."""

BUSY_TIMEOUT_MS = 5_000
"""How long a statement waits for somebody else's lock."""

CONNECT_TIMEOUT_S = 5

UNKNOWN_TABLE_OR_COLUMN = ("42P01", "42703")
"""As Postgres names them. Our statements are built from `tables`, so it is the database that lacks something."""


@dataclass(frozen=True)
class Database:
    """One pool of connections. Make one per process, after any fork."""

    engine: sa.Engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that takes no lock. Each statement sees what is committed (on SQLite: all see the same)."""
        with named_errors(), Session(self.engine.execution_options(proofboard_reads=True)) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits when the block ends. On SQLite it holds the write lock from its first statement."""
        with named_errors(), Session(self.engine) as session, session.begin():
            yield session

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def dispose(self) -> None:
        self.engine.dispose()


def connect(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Database:
    """Opens nothing yet: the first session connects. Makes the folder of an SQLite file."""
    parsed = normal_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database is None or parsed.database == ":memory:":
            raise ValueError("An SQLite database needs a file: sqlite:///path/to/proofboard.db")
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = sa.create_engine(parsed, connect_args={"timeout": busy_timeout_ms / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Database(engine)
    options = f"-c lock_timeout={busy_timeout_ms} -c timezone=UTC"
    return Database(
        sa.create_engine(
            parsed,
            pool_pre_ping=True,
            pool_timeout=CONNECT_TIMEOUT_S,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options},
        )
    )


def normal_url(url: str) -> sa.URL:
    """The URL with our drivers: the standard library's for SQLite, psycopg for Postgres."""
    parsed = sa.make_url(url.replace("postgres://", "postgresql://", 1) if url.startswith("postgres://") else url)
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"{other!r} databases are not supported: use sqlite:///file or postgresql://…")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads before it writes cannot get the lock later if somebody wrote in between: take it first.
    reads = connection.get_execution_options().get("proofboard_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def named_errors() -> Iterator[None]:
    """Turns a database that is locked, away, full or of another version into the error that says so."""
    try:
        yield
    except (
        exc.OperationalError,
        exc.ProgrammingError,
        exc.InterfaceError,
        exc.InternalError,
        exc.TimeoutError,
    ) as error:
        named = name_error(error)
        if named is None:
            raise
        raise named from error


def name_error(error: exc.SQLAlchemyError) -> AppError | None:
    """What the database's complaint means for a person; None if it is a bug of ours."""
    if isinstance(error, exc.TimeoutError):
        return DatabaseBusy()
    if not isinstance(error, exc.DBAPIError):
        return None
    origin = error.orig
    state = getattr(origin, "sqlstate", None)
    text = str(origin).lower()
    if state == "53100" or "disk is full" in text or getattr(origin, "errno", None) == errno.ENOSPC:
        return StorageFull()
    if state in UNKNOWN_TABLE_OR_COLUMN or text.startswith(("no such table", "no such column")):
        return DatabaseOutdated()
    if state is not None:  # Postgres answered: connection, resources, deadlock, lock timeout, shutdown, starting up
        return DatabaseBusy() if state[:2] in ("08", "53", "57") or state in ("40001", "40P01", "55P03") else None
    away = ("locked", "busy", "unable to open", "disk i/o error", "connection", "server closed", "timeout", "could not")
    return DatabaseBusy() if error.connection_invalidated or any(word in text for word in away) else None


def revision_state(database: Database) -> tuple[str | None, str]:
    """The schema's revision in the database, None before the first upgrade, and the one that this version needs."""
    query = sa.text("SELECT version_num FROM alembic_version")
    with database.reading() as session:
        if not sa.inspect(session.connection()).has_table("alembic_version"):
            return None, SCHEMA
        return session.scalar(query), SCHEMA


def require_current(database: Database) -> None:
    """Raises `DatabaseOutdated` unless the schema is the one that this version needs."""
    found, needed = revision_state(database)
    if found != needed:
        raise DatabaseOutdated(
            f"The database has schema {found or 'none'}, this version needs {needed}. "
            "Run `proofboard db upgrade`, then start again."
        )
