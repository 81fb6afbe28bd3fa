"""Migration 0006 on a database of before: alarms get their reason and their other side, refusals become alarms."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from app.storage import checks, models, proofs, schema, standing
from app.storage.engine import Database
from app.storage.records import Accuracy, Doubt, ModelRecord, ProofRecord
from app.storage.tables import CheckRow, ModelRow, ProofRow

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOTAL = 64**20
HALF, QUARTER = TOTAL // 2, TOTAL // 4
DIGESTS = {"contradicted": "a" * 64, "refused": "b" * 64, "fine": "c" * 64}

# model, trust, right, wrong, alarm of before, what checkers said
BEFORE: list[tuple[str, str, int, int, bool, list[tuple[str, bool]]]] = [
    ("contradicted", "proved", QUARTER, 5, False, []),
    ("contradicted", "proved", HALF, TOTAL - HALF, False, []),
    ("contradicted", "proved", HALF + 1, 0, True, []),
    ("contradicted", "float", TOTAL - 5, 0, True, []),
    ("contradicted", "float", TOTAL - 4, 0, True, []),
    ("refused", "proved", HALF, 0, False, [("engine 1", True), ("independent checker 1", False)]),
    ("refused", "proved", QUARTER, HALF, False, [("engine 1", False), ("engine 2", True)]),
    ("fine", "proved", HALF, QUARTER, False, [("engine 1", True)]),
]
AFTER = [None, Doubt.CONTRADICTED, Doubt.CONTRADICTED, None, Doubt.ABOVE_TRUTH, Doubt.REFUSED, None, None]


@pytest.fixture
def old(database: Database, database_url: str) -> Database:
    """A database at 0005, with what stood in it then."""
    schema.downgrade(database_url, "0005")
    with database.writing() as session:
        for name, digest in DIGESTS.items():
            _insert(session, ModelRow, **_model(name, digest))
        for number, (name, trust, right, wrong, alarm, said) in enumerate(BEFORE, start=1):
            _insert(session, ProofRow, **_proof(number, DIGESTS[name], trust, right, wrong, alarm))
            for checker, accepted in said:
                _insert(
                    session, CheckRow, proof_id=number, certificate="d" * 64, checker=checker, accepted=accepted, message="",
                    seconds=0.1, checked_at=NOW,
                )  # fmt: skip
    return database


def _insert(session: Any, table: Any, **values: Any) -> None:
    """Only these columns: those of later migrations are not there yet."""
    columns = [sa.column(name, table.__table__.c[name].type) for name in values]
    session.execute(sa.insert(sa.table(table.__tablename__, *columns)).values(values))


def _model(name: str, digest: str) -> dict[str, Any]:
    return {
        "digest": digest, "name": name, "task": "max-of-20", "n_ctx": 20, "d_vocab": 64, "d_model": 32, "d_head": 32,
        "has_biases": False, "source": "upload", "blob": digest, "size_bytes": 9, "total": TOTAL, "accuracy_lower": HALF,
        "accuracy_upper": HALF, "accuracy": 0.5, "proofs_done": 1, "best_bound": 0.5, "notes": "", "tags": [],
        "created_at": NOW,
    }  # fmt: skip


def _proof(number: int, digest: str, trust: str, right: int, wrong: int, alarm: bool) -> dict[str, Any]:
    return {
        "id": number, "model_digest": digest, "strategy": f"strategy-{number}", "family": "other", "trust": trust,
        "variant": "strict" if trust == "proved" else "as-published", "parameters": {}, "engine_version": "1",
        "state": "done", "verdict": "proved", "message": "", "attempt": 1, "deaths": 0, "progress": 1.0, "total": TOTAL,
        "correct": right, "wrong": wrong, "bound": 0.5, "tightness": 1.0, "tightness_basis": "exact",
        "soundness_alarm": alarm, "certificate": "d" * 64, "certificate_bytes": 9, "revision": 1, "requested_at": NOW,
        "finished_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def everything(database: Database) -> tuple[list[ProofRecord], list[ModelRecord]]:
    with database.reading() as session:
        return proofs.page(session, sort="id").items, [models.get(session, digest) for digest in DIGESTS.values()]


def test_what_was_known_becomes_doubts_with_their_reason(old: Database, database_url: str) -> None:
    schema.upgrade(database_url)
    found, (contradicted, refused, fine) = everything(old)
    assert [proof.doubt for proof in found] == AFTER
    assert contradicted.accuracy == Accuracy(QUARTER, TOTAL - 5, TOTAL, "proved")
    assert (contradicted.best_bound, refused.best_bound) == (0.25, 0.25)
    assert refused.accuracy == Accuracy(QUARTER, TOTAL - HALF, TOTAL, "proved")
    assert fine.accuracy.label == "exact"  # nobody was in doubt: left as it was
    with old.reading() as session:
        assert proofs.alarms(session) == 3
        assert {check.asked_by for number in (6, 7, 8) for check in checks.of(session, number)} == {"local"}


def test_it_finds_what_the_application_finds(old: Database, database_url: str) -> None:
    schema.upgrade(database_url)
    migrated = everything(old)
    with old.writing() as session:
        for name in ("contradicted", "refused"):
            standing.settle(session, DIGESTS[name], 1)
    settled = everything(old)
    assert settled[0] == migrated[0]
    assert [one.accuracy for one in settled[1]] == [one.accuracy for one in migrated[1]]
    assert [one.best_bound for one in settled[1]] == [one.best_bound for one in migrated[1]]
