"""Long proofs in shards: each stored once, put together once, gone when the proof has ended."""

import pytest
import sqlalchemy as sa

from app.storage import asking, attempts, proofs
from app.storage.engine import Database
from app.storage.records import Job, Outcome, ProofRecord, Shard, State, Verdict
from app.storage.tables import ModelRow, ProofRow, ShardRow
from proofs import splitting
from tests.app.storage.samples import DIGESTS, ListQueue, add_model, get, new_model, outcome, request

LONG = "brute-force"
OF = 12


@pytest.fixture
def queue() -> ListQueue:
    return ListQueue()


@pytest.fixture
def proof(database: Database, queue: ListQueue) -> ProofRecord:
    """64^5 inputs: long enough for twelve shards."""
    add_model(database, new_model(n_ctx=5))
    return request(database, queue, LONG)


def start(database: Database, job: Job) -> ProofRecord | None:
    with database.writing() as session:
        return attempts.start(session, job)


def store(database: Database, job: Job, result: str = "") -> tuple[str, ...]:
    with database.writing() as session:
        return attempts.store_shard(session, job, result or f"result {job.shard}")


def run(database: Database, job: Job) -> tuple[str, ...]:
    assert start(database, job) is not None
    return store(database, job)


def end(database: Database, job: Job, how: Outcome) -> bool:
    with database.writing() as session:
        return attempts.finish(session, job, how)


def rows(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(ShardRow)) or 0


def assigned(database: Database, job: Job) -> Shard:
    with database.reading() as session:
        return attempts.shard(session, job)


def test_a_long_proof_is_queued_as_one_job_for_each_shard(proof: ProofRecord, queue: ListQueue) -> None:
    assert queue.jobs == [Job(proof.id, 1, shard) for shard in range(OF)]
    assert len({job.id for job in queue.jobs}) == OF


def test_a_short_proof_is_one_job_without_shards(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    queue.jobs.clear()
    short = request(database, queue, "separable-quadratic")
    assert queue.jobs == [Job(short.id, 1)]
    assert rows(database) == OF


def test_the_last_shard_gets_all_results_in_order_whoever_was_last(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    *others, last = reversed(queue.jobs)
    assert [run(database, job) for job in others] == [()] * (OF - 1)
    assert run(database, last) == tuple(f"result {shard}" for shard in range(OF))
    assert get(database, proof).state is State.RUNNING
    assert end(database, last, outcome(100))
    assert (get(database, proof).correct, rows(database)) == (100, 0)


def test_progress_is_that_of_all_shards(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    first, second, third, *_ = queue.jobs
    assert get(database, proof).state is State.QUEUED
    run(database, first)
    for job, checked in ((second, 3), (third, 1), (second, 4)):
        start(database, job)
        with database.writing() as session:
            assert attempts.shard_progress(session, job, checked)
    mine = len(splitting.queries(0, OF, 64))
    now = get(database, proof)
    assert now.message == f"{mine + 5} of 64 queries checked, 1 of 12 shards done"
    assert (now.state, now.progress) == (State.RUNNING, (mine + 5) / 64)


def test_a_stored_shard_is_over_and_its_result_stays(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    first, *others = queue.jobs
    run(database, first)
    assert start(database, first) is None
    assert store(database, first, "something else") == ()
    with database.writing() as session:
        assert not attempts.is_wanted(session, first)
        assert attempts.give_back(session, queue, first) is None
        assert attempts.take_over(session, queue, first) is None
        assert not attempts.fail(session, first, "too late")
    for job in others:
        found = run(database, job)
    assert found[0] == "result 0"


def test_a_shard_that_is_given_back_is_handed_out_again_alone(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    first, second, *_ = queue.jobs
    run(database, first)
    start(database, second)
    with database.writing() as session:
        following = attempts.give_back(session, queue, second)
    assert following == Job(proof.id, 1, 1, turn=2) == queue.jobs[-1]
    assert start(database, second) is None
    assert store(database, second) == ()
    now = get(database, proof)
    assert (now.attempt, now.state) == (1, State.RUNNING)
    assert "1 of 12 shards done" in now.message
    assert start(database, following) is not None


def test_a_proof_whose_every_shard_waits_again_is_queued(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    start(database, queue.jobs[0])
    assert get(database, proof).state is State.RUNNING
    with database.writing() as session:
        attempts.give_back(session, queue, queue.jobs[0])
    assert get(database, proof).state is State.QUEUED


def test_a_worker_that_dies_before_it_put_the_proof_together_leaves_that_to_the_next(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    *others, last = queue.jobs
    for job in others:
        run(database, job)
    assert len(run(database, last)) == OF
    assert start(database, last) is not None  # the same worker, started again
    assert len(assigned(database, last).results) == OF
    with database.writing() as session:
        following = attempts.take_over(session, queue, last)
    assert following == Job(proof.id, 1, OF - 1, turn=2)
    assert not end(database, last, outcome(1))
    assert start(database, following) is not None
    assert len(assigned(database, following).results) == OF
    assert end(database, following, outcome(100))
    assert not end(database, following, outcome(200))
    assert get(database, proof).correct == 100


def test_a_shard_that_kills_every_worker_ends_the_proof(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    other, poison, *_ = queue.jobs
    start(database, other)
    for _ in range(attempts.MAX_DEATHS):
        assert start(database, poison) is not None
    assert start(database, poison) is None
    done = get(database, proof)
    assert (done.verdict, rows(database)) == (Verdict.ERROR, 0)
    assert "died 3 times" in done.message
    with database.reading() as session:
        assert not attempts.is_wanted(session, other)


def test_deaths_over_one_shard_are_not_those_over_another(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    for job in queue.jobs:
        for _ in range(attempts.MAX_DEATHS):
            assert start(database, job) is not None


@pytest.mark.parametrize("verdict", [Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY, Verdict.ERROR, Verdict.NOT_APPLICABLE])
def test_a_shard_without_a_result_ends_the_proof_and_stops_the_others(
    database: Database, queue: ListQueue, proof: ProofRecord, verdict: Verdict
) -> None:
    first, second, third, *_ = queue.jobs
    for job in (first, second):
        start(database, job)
    assert end(database, first, Outcome(verdict, "why"))
    assert (get(database, proof).verdict, rows(database)) == (verdict, 0)
    with database.writing() as session:
        assert not attempts.is_wanted(session, second)
        assert not attempts.shard_progress(session, second, 2)
        assert attempts.store_shard(session, second, "late") == ()
        assert attempts.start(session, third) is None
    assert rows(database) == 0


@pytest.mark.parametrize("together", [False, True])
def test_a_cancelled_proof_has_no_shards_and_a_new_request_has_fresh_ones(
    database: Database, queue: ListQueue, proof: ProofRecord, together: bool
) -> None:
    old = queue.jobs[0]
    run(database, queue.jobs[1])
    start(database, old)
    with database.writing() as session:
        if together:
            asking.cancel_together(session, proof.id)
        else:
            proofs.cancel(session, proof.id)
    assert rows(database) == 0
    with database.reading() as session:
        assert not attempts.is_wanted(session, old)
    queue.jobs.clear()
    again = request(database, queue, LONG)
    assert (again.id, again.attempt) == (proof.id, 2)
    assert queue.jobs == [Job(proof.id, 2, shard) for shard in range(OF)]
    assert store(database, old) == ()
    assert assigned(database, queue.jobs[1]) == Shard(1, OF)


def test_what_is_deleted_takes_its_shards_along(database: Database, proof: ProofRecord) -> None:
    with database.writing() as session:
        session.execute(sa.delete(ProofRow).where(ProofRow.id == proof.id))
        session.execute(sa.delete(ModelRow).where(ModelRow.digest == DIGESTS[0]))
    assert rows(database) == 0
