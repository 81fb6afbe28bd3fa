"""Contracts with DBOS that everything rests on: an upgrade of it must keep these."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.storage import proofs, queue
from app.storage.engine import Database
from app.storage.queue import DBOSQueue
from app.storage.records import Job
from app.storage.tables import ProofRow
from tests.app.storage.samples import DIGESTS, add_model


@pytest.fixture
def real(database: Database) -> DBOSQueue:
    add_model(database)
    return queue.connect(database)


def waiting(real: DBOSQueue) -> list[Job]:
    return real._jobs(status=["ENQUEUED"])


def test_a_row_and_its_job_are_committed_together(database: Database, real: DBOSQueue) -> None:
    with database.writing() as session:
        proof = proofs.request(session, real, model_digest=DIGESTS[0], wanted=[("cubic", "strict")])[0]
        with database.reading() as other:
            assert proofs.page(other).total == 0
    assert waiting(real) == [Job(proof.id, 1)]


def test_a_rolled_back_request_leaves_neither_row_nor_job(database: Database, real: DBOSQueue) -> None:
    def broken() -> None:
        with database.writing() as session:
            proofs.request(session, real, model_digest=DIGESTS[0], wanted=[("cubic", "strict")])
            raise ConnectionError

    with pytest.raises(ConnectionError):
        broken()
    assert waiting(real) == []
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ProofRow)) == 0


def test_the_same_job_twice_is_one(database: Database, real: DBOSQueue) -> None:
    for _ in range(2):
        with database.writing() as session:
            real.enqueue(session, Job(7, 1))
    with database.writing() as session:
        real.enqueue(session, Job(7, 2))
    assert sorted(waiting(real), key=lambda job: job.attempt) == [Job(7, 1), Job(7, 2)]


def test_a_dropped_job_does_not_wait_any_more(database: Database, real: DBOSQueue) -> None:
    with database.writing() as session:
        real.enqueue(session, Job(7, 1))
    real.drop(Job(7, 1))
    real.drop(Job(8, 1))  # not there: nothing happens
    assert waiting(real) == []


def test_our_rows_and_the_queue_share_one_transaction_without_changing_its_settings(
    database: Database, real: DBOSQueue
) -> None:
    """DBOS names its schema through an option of the connection: ours must not follow it there."""
    with database.writing() as session:
        proofs.request(session, real, model_digest=DIGESTS[0], wanted=[("cubic", "strict")])
        proofs.request(session, real, model_digest=DIGESTS[0], wanted=[("brute-force", "strict")])
    with database.reading() as session:
        assert proofs.page(session).total == 2


def test_jobs_that_ended_long_ago_are_forgotten_and_others_kept(database: Database, real: DBOSQueue) -> None:
    with database.writing() as session:
        real.enqueue(session, Job(7, 1))
        real.enqueue(session, Job(8, 1))
    real.drop(Job(7, 1))
    assert real.forget_ended(timedelta(days=1)) == 0
    assert real.forget_ended(timedelta(seconds=-5)) == 1
    assert waiting(real) == [Job(8, 1)]
    assert real.forget_ended(timedelta(seconds=-5)) == 0


def test_a_shards_job_comes_back_as_it_was(database: Database, real: DBOSQueue) -> None:
    job = Job(7, 2, shard=3, turn=4)
    with database.writing() as session:
        real.enqueue(session, job)
    assert waiting(real) == [job]
