import sqlalchemy as sa

from app.storage import workers
from app.storage.engine import Database
from app.storage.tables import WorkerRow


def known(database: Database) -> list[workers.WorkerRecord]:
    with database.reading() as session:
        return workers.known(session)


def beat(database: Database, executor: str, slots: int = 2) -> None:
    with database.writing() as session:
        workers.beat(session, executor, slots)


def test_a_worker_that_beats_is_alive(database: Database) -> None:
    beat(database, "a-0")
    beat(database, "b-0", 4)
    beat(database, "b-0", 8)
    assert [(worker.executor, worker.slots, worker.is_alive) for worker in known(database)] == [
        ("a-0", 2, True),
        ("b-0", 8, True),
    ]
    assert all(worker.silent_s < 5 for worker in known(database))


def test_a_silent_worker_is_dead_until_it_beats_again(database: Database) -> None:
    beat(database, "a-0")
    with database.writing() as session:
        session.execute(sa.update(WorkerRow).values(beat=WorkerRow.beat - workers.SILENCE_S - 1))
    assert [worker.is_alive for worker in known(database)] == [False]
    beat(database, "a-0")
    assert [worker.is_alive for worker in known(database)] == [True]


def test_a_forgotten_worker_is_unknown(database: Database) -> None:
    beat(database, "a-0")
    with database.writing() as session:
        workers.forget(session, "a-0")
    assert known(database) == []
