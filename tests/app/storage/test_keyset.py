"""Pages go through every row once, whatever the sort, the ties and the missing values."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import InvalidParameter
from app.storage import models, proofs
from app.storage.engine import Database, connect
from app.storage.records import ModelRecord
from app.storage.tables import ModelRow
from tests.app.storage.samples import new_model

BOUNDS = [0.5, None, 0.25, 0.5, None, 0.75, 0.5, None, 1.0]


@pytest.fixture
def nine(database: Database) -> Database:
    with database.writing() as session:
        for number, bound in enumerate(BOUNDS):
            models.add(session, new_model(f"{number:064x}", f"model {number}"))
            session.execute(sa.update(ModelRow).where(ModelRow.digest == f"{number:064x}").values(best_bound=bound))
    return database


def walk(database: Database, sort: str, limit: int) -> list[ModelRecord]:
    found: list[ModelRecord] = []
    token = None
    while True:
        with database.reading() as session:
            page = models.page(session, sort=sort, next=token, limit=limit)
        assert page.total == len(BOUNDS)
        assert len(page.items) == limit or page.next is None
        found += page.items
        token = page.next
        if token is None:
            return found


@pytest.mark.parametrize("sort", [sign + name for name in models.SORTS for sign in ("", "-")])
def test_every_row_comes_once_in_order(nine: Database, sort: str) -> None:
    for limit in (1, 2, 3, 9, 10):
        found = walk(nine, sort, limit)
        assert sorted(record.name for record in found) == [f"model {n}" for n in range(9)]
        values = [getattr(record, sort.removeprefix("-")) for record in found if not sort.endswith("accuracy")]
        present = [value for value in values if value is not None]
        assert present == sorted(present, reverse=sort.startswith("-"))
        assert values[: len(present)] == present  # rows without a value come last


def test_a_row_that_arrives_meanwhile_moves_nothing(nine: Database) -> None:
    with nine.reading() as session:
        first = models.page(session, sort="-best_bound", limit=3)
    with nine.writing() as session:
        models.add(session, new_model("f" * 64, "new"))
        session.execute(sa.update(ModelRow).where(ModelRow.name == "new").values(best_bound=0.9))
    with nine.reading() as session:
        second = models.page(session, sort="-best_bound", next=first.next, limit=3)
    assert not {record.name for record in first.items} & {record.name for record in second.items}
    assert [record.best_bound for record in second.items] == [0.5, 0.5, 0.25]


def test_an_unknown_sort_lists_the_known_ones(database: Database) -> None:
    for sort in ("nothing", "", "--name", "id;DROP TABLE models", "notes"):
        with pytest.raises(InvalidParameter, match="created_at"), database.reading() as session:
            models.page(session, sort=sort)


def token(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


FORGED = [
    "", "garbage", "é", "=", token("-name", "x", 1), token("name", 1, 1), token("name", None, 1), token("name", "x", "1"),
    token("name", "x", -1), token("name", "x", 2**70), token("name", "x", True), token("name"), token({}), "W" * 10_000,
    base64.urlsafe_b64encode(b"[" * 50_000).decode(),
]  # fmt: skip
MOMENTS = ["yesterday", 5, "2026-01-01T00:00:00", datetime.max.isoformat() + "-23:59", float("nan")]


def test_a_forged_page_is_refused(nine: Database) -> None:
    forged = [("name", next) for next in FORGED]
    forged += [("created_at", token("created_at", value, 1)) for value in MOMENTS]
    forged += [("best_bound", token("best_bound", value, 1)) for value in ["high", float("nan"), True, [1]]]
    for sort, next in forged:
        with pytest.raises(InvalidParameter), nine.reading() as session:
            models.page(session, sort=sort, next=next)


def test_a_limit_out_of_range_is_refused(database: Database) -> None:
    for limit in (0, -1, 1001):
        with pytest.raises(InvalidParameter), database.reading() as session:
            proofs.page(session, limit=limit)


@pytest.mark.parametrize("sort", ["-bound", "bound", "length", "-requested_at", "tightness"])
def test_deep_pages_are_ranges_of_an_index(sqlite_template: Path, sort: str) -> None:
    """The plan of a page far down must not sort or scan the table. (Postgres rightly scans a small one.)"""
    database = connect(f"sqlite:///{sqlite_template}")
    plans: list[str] = []

    def explain(connection: sa.Connection, cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "ORDER BY" in statement:
            plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in plan.fetchall())

    sa.event.listen(database.engine, "before_cursor_execute", explain)
    value = "2026-01-01T00:00:00+00:00" if sort.endswith("requested_at") else 0.5
    with database.reading() as session:
        proofs.page(session, sort=sort, next=token(sort, value, 5))
    database.dispose()
    assert not [
        step for step in plans if "TEMP B-TREE" in step or (step.startswith("SCAN proofs") and "INDEX" not in step)
    ]
    assert [step for step in plans if step.startswith("SEARCH proofs USING INDEX")]
