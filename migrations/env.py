"""Runs migrations on the connection of `app.storage.schema`; there is no alembic.ini.

Only our tables count: DBOS keeps its own beside them (SQLite) or in a schema of its own (Postgres).
"""

from typing import Any

from alembic import context

from app.storage.tables import Base


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name in Base.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=ours,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
