"""Migrations build what the code expects, forwards and backwards, and leave the queue's tables alone."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.storage import engine, models, schema
from app.storage.engine import Database, connect
from app.storage.tables import Base
from tests.app.storage.samples import add_model


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        ours = {"include_name": lambda name, kind, _: kind != "table" or name in Base.metadata.tables}
        context = MigrationContext.configure(connection, opts={"compare_type": True, **ours})
        return list(compare_metadata(context, Base.metadata))


def tables(database: Database) -> set[str]:
    return set(sa.inspect(database.engine).get_table_names())


def test_the_migrations_build_the_schema_that_the_code_expects(database: Database) -> None:
    assert differences(database) == []


def test_the_comparison_would_notice_a_difference(database: Database) -> None:
    with database.writing() as session:
        session.execute(sa.text("ALTER TABLE proofs ADD COLUMN extra INTEGER"))
    assert differences(database) != []


def test_there_is_one_newest_migration_and_the_code_knows_it() -> None:
    assert ScriptDirectory.from_config(schema.alembic_config()).get_heads() == [engine.SCHEMA]


def test_down_and_up_again_comes_back_to_the_same(database: Database, database_url: str) -> None:
    before = tables(database)
    database.dispose()
    schema.downgrade(database_url, "base")
    assert not tables(database) & set(Base.metadata.tables)
    schema.upgrade(database_url)
    assert tables(database) == before
    assert differences(database) == []
    assert engine.revision_state(database) == (engine.SCHEMA, engine.SCHEMA)


def test_upgrading_again_keeps_the_data(database: Database, database_url: str) -> None:
    record = add_model(database)
    schema.upgrade(database_url)
    with database.reading() as session:
        assert models.get(session, record.digest) == record


def test_a_new_file_is_made_by_upgrading(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'x.db'}"
    schema.upgrade(url)
    database = connect(url)
    engine.require_current(database)
    assert "workflow_status" in tables(database)  # the queue's
    database.dispose()
