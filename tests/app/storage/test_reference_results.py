"""Imported results: all or none, replaced by name, apart from everything else."""

import pytest
from sqlalchemy.exc import IntegrityError

from app.errors import InvalidParameter
from app.storage import reference_results
from app.storage.engine import Database
from app.storage.reference_results import NewResult, OriginNotFound


def result(seed: int = 1, strategy: str = "cubic", correct: int = 7) -> NewResult:
    return NewResult(seed, strategy, correct, 64**20, correct / 64**20, None, 35, None, None, 1.5, False)


def put(database: Database, *results: NewResult, origin: str = "ours, 2024") -> None:
    with database.writing() as session:
        reference_results.put(session, origin=origin, n_ctx=20, d_vocab=64, results=results)


def stored(database: Database) -> list[tuple[str, int, str, int]]:
    with database.reading() as session:
        found = reference_results.of_task(session, n_ctx=20, d_vocab=64)
    return [(one.origin, one.seed, one.strategy, one.correct) for one in found]


def test_counts_come_back_exactly(database: Database) -> None:
    put(database, result(correct=64**20 - 1), result(seed=2))
    assert stored(database) == [("ours, 2024", 1, "cubic", 64**20 - 1), ("ours, 2024", 2, "cubic", 7)]


def test_the_same_name_again_replaces_what_it_said_and_keeps_the_rest(database: Database) -> None:
    put(database, result(), result(strategy="U1-A1-E1"))
    put(database, result(correct=9))
    put(database, result(correct=3), origin="theirs")
    assert stored(database) == [
        ("ours, 2024", 1, "U1-A1-E1", 7), ("ours, 2024", 1, "cubic", 9), ("theirs", 1, "cubic", 3),
    ]  # fmt: skip


def test_more_rows_than_a_statement_holds(database: Database) -> None:
    put(database, *(result(seed=seed) for seed in range(1201)))
    with database.reading() as session:
        (origin,) = reference_results.origins(session)
    assert (origin.rows, origin.seeds) == (1201, 1201)
    assert origin.imported_at.tzinfo is not None


def test_a_failed_import_leaves_nothing(database: Database) -> None:
    """The second of the two rows has no place: its seed and strategy are the first one's."""
    with pytest.raises(IntegrityError):
        put(database, result(), result())
    assert stored(database) == []


def test_removing_an_origin_removes_only_it(database: Database) -> None:
    put(database, result())
    put(database, result(), origin="theirs")
    with database.writing() as session:
        assert reference_results.remove(session, origin="theirs", n_ctx=20, d_vocab=64) == 1
    assert [one[0] for one in stored(database)] == ["ours, 2024"]
    with pytest.raises(OriginNotFound), database.writing() as session:
        reference_results.remove(session, origin="theirs", n_ctx=20, d_vocab=64)


@pytest.mark.parametrize("name", ["", "  \n", "x" * 201])
def test_a_name_is_needed(database: Database, name: str) -> None:
    with pytest.raises(InvalidParameter, match="name"):
        put(database, result(), origin=name)


def test_names_with_what_databases_cannot_hold_are_kept_readable(database: Database) -> None:
    put(database, result(), origin="a\0b \ud800")
    assert stored(database)[0][0].startswith("a\ufffdb")
