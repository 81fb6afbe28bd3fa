from app.storage import engine
from app.storage.engine import Database


def test_a_migrated_database_is_current(database: Database) -> None:
    assert engine.revision_state(database) == (engine.SCHEMA, engine.SCHEMA)
