"""Brings a database to the schema that this version needs: ours (Alembic) and the queue's (DBOS).

Apart from `engine` because the web process never does it: it only asks `engine.revision_state`.
"""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from dbos import DBOS

from app.storage.engine import Database, connect, normal_url

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
LOCK = 0x70726F6F66  # any number of ours: two upgrades at once wait for each other


def upgrade(url: str, revision: str = "head") -> None:
    """Upgrades in one transaction; does nothing to a database that is up to date. Safe to run twice at once."""
    database = connect(url)
    try:
        _migrate(database, lambda config: command.upgrade(config, revision))
    finally:
        database.dispose()
    # DBOS speaks to the file through its own engine, so not while ours holds the lock.
    DBOS.migrate(normal_url(url).render_as_string(hide_password=False))


def downgrade(url: str, revision: str) -> None:
    """For tests and for going back by hand; leaves the queue's tables alone."""
    database = connect(url)
    try:
        _migrate(database, lambda config: command.downgrade(config, revision))
    finally:
        database.dispose()


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _migrate(database: Database, run: Callable[[Config], None]) -> None:
    with database.writing() as session:
        if not database.is_sqlite:
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        config = alembic_config()
        config.attributes["connection"] = session.connection()
        run(config)
