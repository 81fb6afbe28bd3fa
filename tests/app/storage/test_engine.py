import errno
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from app.errors import DatabaseBusy, DatabaseOutdated, StorageFull
from app.storage import checks, engine, models
from app.storage.engine import Database, connect
from tests.app.storage.samples import add_model, new_model
from tests.processes import finished


def test_a_migrated_database_is_current(database: Database) -> None:
    assert engine.revision_state(database) == (engine.SCHEMA, engine.SCHEMA)
    engine.require_current(database)


def test_an_empty_database_says_to_upgrade_it(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(DatabaseOutdated, match="proofboard db upgrade"):
        engine.require_current(database)
    database.dispose()


def test_writing_commits_what_the_block_did(database: Database) -> None:
    add_model(database)
    with database.reading() as session:
        assert models.page(session).total == 1


def test_writing_takes_everything_back_when_the_block_raises(database: Database) -> None:
    def broken() -> None:
        with database.writing() as session:
            models.add(session, new_model())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with database.reading() as session:
        assert models.page(session).total == 0


def test_sqlite_runs_in_wal_with_foreign_keys(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'x.db'}")
    with database.reading() as session:
        assert session.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1
        assert session.scalar(sa.text("PRAGMA busy_timeout")) == engine.BUSY_TIMEOUT_MS
    database.dispose()


def test_two_writers_that_read_first_both_succeed(database: Database) -> None:
    """On SQLite a deferred transaction would fail here: it cannot become a writer after somebody else wrote."""
    with database.writing() as session:
        assert models.page(session).total == 0
        models.add(session, new_model())
    with database.writing() as session:
        assert models.page(session).total == 1
        models.add(session, new_model("b" * 64))


def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    with database.writing() as writer:
        models.add(writer, new_model())
        with database.reading() as reader:
            assert models.page(reader).total == 0


def test_a_locked_database_is_busy_and_says_when_to_try_again(database_url: str, database: Database) -> None:
    impatient = connect(database_url, busy_timeout_ms=50)
    add_model(database)
    with database.writing() as session:
        models.annotate(session, "a" * 64, notes="mine")  # holds the row, on SQLite the file
        with pytest.raises(DatabaseBusy) as caught, impatient.writing() as other:
            models.annotate(other, "a" * 64, notes="theirs")
    impatient.dispose()
    assert caught.value.status == 503
    assert caught.value.retry_after_s
    with database.reading() as session:
        assert models.get(session, "a" * 64).notes == "mine"


def test_a_server_that_is_away_is_busy(tmp_path: Path) -> None:
    database = connect(f"postgresql://nobody@/nothing?host={tmp_path}")
    with pytest.raises(DatabaseBusy), database.reading() as session:
        session.execute(sa.text("SELECT 1"))
    database.dispose()


def test_a_full_disk_has_its_own_error() -> None:
    class Full(Exception):
        sqlstate = "53100"

    assert isinstance(engine.name_error(exc.OperationalError("INSERT", {}, Full())), StorageFull)
    full = exc.OperationalError("INSERT", {}, OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(engine.name_error(full), StorageFull)


def test_a_really_full_sqlite_file_is_named_and_loses_nothing(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "small.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = connect(f"sqlite:///{path}")
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))
    add_model(database)  # fits in the pages that are there
    with pytest.raises(StorageFull), database.writing() as session:
        models.annotate(session, "a" * 64, notes="long " * 4000)
    with database.reading() as session:
        assert models.get(session, "a" * 64).notes == ""
    database.dispose()


def test_a_bug_of_ours_is_not_called_busy(database: Database) -> None:
    with pytest.raises((exc.ProgrammingError, exc.OperationalError)), database.reading() as session:
        session.execute(sa.text("SELECT FROM WHERE"))


@pytest.mark.parametrize("lacks", ["DROP TABLE checks", "ALTER TABLE checks DROP COLUMN seconds"])
def test_a_database_of_another_version_says_what_to_run(database: Database, lacks: str) -> None:
    with database.writing() as session:
        session.execute(sa.text(lacks))
    with pytest.raises(DatabaseOutdated, match="proofboard db upgrade"), database.reading() as session:
        checks.of(session, 1)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused_with_what_is_accepted(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///"):
        connect(url)


def test_the_web_process_can_enqueue_without_threads_or_numerical_libraries() -> None:
    code = (
        "import sys, threading; from app.storage import models, proofs, queue, workers, blobs, engine; "
        "queue.connect(engine.connect('sqlite:////tmp/never-opened.db')); "
        "heavy = {'torch', 'numba', 'numpy', 'alembic', 'dbos'} & set(sys.modules); "
        "sys.exit(f'{heavy} {threading.enumerate()}' if heavy or threading.active_count() > 1 else 0)"
    )
    done = finished([sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr
