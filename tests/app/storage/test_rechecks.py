"""Re-checks are asked for like proofs, answered once, and not listed among proofs when they have ended."""

import pytest

from app.errors import InvalidParameter, ProofNotFound
from app.storage import attempts, checks, proofs, rechecks
from app.storage.checks import CheckRecord
from app.storage.engine import Database
from app.storage.rechecks import NothingToCheck
from app.storage.records import Doubt, Filter, Job, Op, Outcome, ProofRecord, State, Verdict
from proofs import ENGINE_VERSION
from proofs.questions import ENGINE, INDEPENDENT, RECHECK
from tests.app.storage.samples import ListQueue, add_model, finish, get, outcome, request

ACCEPTED = Outcome(Verdict.PROVED, seconds=0.5)
REFUSED = Outcome(Verdict.REFUSED, "expected 4, found 5", seconds=0.5)


@pytest.fixture
def queue() -> ListQueue:
    return ListQueue()


@pytest.fixture
def proof(database: Database, queue: ListQueue) -> ProofRecord:
    add_model(database)
    asked = request(database, queue)
    finish(database, asked, outcome(5))
    return get(database, asked)


def ask(database: Database, queue: ListQueue, proof: ProofRecord, program: str = ENGINE, **more: str) -> ProofRecord:
    with database.writing() as session:
        return rechecks.ask(session, queue, proof.id, program=program, **more)


def said(database: Database, proof: ProofRecord) -> list[CheckRecord]:
    with database.reading() as session:
        return list(checks.of(session, proof.id))


def under_way(database: Database, proof: ProofRecord) -> list[int]:
    with database.reading() as session:
        return [job.id for job in rechecks.under_way(session, proof)]


def test_a_recheck_is_queued_once_while_it_is_under_way(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    first, again = ask(database, queue, proof), ask(database, queue, proof)
    other = ask(database, queue, proof, INDEPENDENT)
    assert first.id == again.id != other.id
    assert queue.jobs[-2:] == [Job(first.id, 1), Job(other.id, 1)]
    assert under_way(database, proof) == [first.id, other.id]
    assert (first.state, first.model_digest, first.parameters["by"]) == (State.QUEUED, proof.model_digest, "local")


def test_every_time_it_is_asked_for_is_one_more_answer(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    jobs = []
    for _ in range(3):
        jobs.append(ask(database, queue, proof, asked_by="kim"))
        finish(database, jobs[-1], ACCEPTED)
    assert len({job.id for job in jobs}) == 3
    found = said(database, proof)
    assert [(one.verdict, one.checker, one.asked_by, one.seconds) for one in found] == [
        ("confirmed", f"engine {ENGINE_VERSION}", "kim", 0.5)
    ] * 3
    assert {one.certificate for one in found} == {proof.certificate}
    assert under_way(database, proof) == []


def test_the_same_key_is_the_same_request_even_when_it_has_ended(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    first = ask(database, queue, proof, key="k1")
    finish(database, first, ACCEPTED)
    assert ask(database, queue, proof, key="k1").id == first.id
    assert ask(database, queue, proof, key="k2").id != first.id
    assert len(said(database, proof)) == 1


def test_an_answer_is_kept_once_whatever_a_worker_repeats(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    job = ask(database, queue, proof)
    assert finish(database, job, ACCEPTED)
    assert not finish(database, job, REFUSED)
    assert [one.accepted for one in said(database, proof)] == [True]


def test_a_refusal_is_an_alarm_on_the_proof_and_not_on_the_job(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    job = ask(database, queue, proof, INDEPENDENT)
    finish(database, job, REFUSED)
    assert get(database, proof).doubt is Doubt.REFUSED
    assert get(database, job).doubt is None
    assert said(database, proof)[0].message == "expected 4, found 5"
    with database.reading() as session:
        assert proofs.alarms(session) == 1


@pytest.mark.parametrize("verdict", [Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY, Verdict.ERROR, Verdict.NOT_APPLICABLE])
def test_an_end_without_an_answer_is_kept_and_is_no_alarm(
    database: Database, queue: ListQueue, proof: ProofRecord, verdict: Verdict
) -> None:
    finish(database, ask(database, queue, proof), Outcome(verdict, "Stopped."))
    (found,) = said(database, proof)
    assert (found.accepted, found.message) == (None, "Stopped.")
    assert 0 <= found.seconds < 300
    assert get(database, proof).doubt is None


def test_a_worker_that_keeps_dying_ends_it(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    job = ask(database, queue, proof)
    for _ in range(attempts.MAX_DEATHS + 1):
        with database.writing() as session:
            attempts.start(session, Job(job.id, job.attempt))
    assert said(database, proof)[0].message.startswith("Given up")


def test_a_cancelled_one_says_nothing(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    job = ask(database, queue, proof)
    with database.writing() as session:
        proofs.cancel(session, job.id)
    assert said(database, proof) == []
    assert under_way(database, proof) == []


def test_one_that_has_ended_is_not_among_proofs_unless_asked_for(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    job = ask(database, queue, proof)

    def listed(*filters: Filter) -> list[int]:
        with database.reading() as session:
            page = proofs.page(session, filters=filters, sort="id")
            assert page.total == len(page.items)
            return [one.id for one in page.items]

    assert listed() == [proof.id, job.id]
    finish(database, job, ACCEPTED)
    assert listed() == [proof.id]
    assert listed(Filter("strategy", Op.EQ, RECHECK)) == [job.id]
    with database.reading() as session:
        assert proofs.counts(session) == {State.QUEUED: 0, State.RUNNING: 0, State.DONE: 1}
        assert [point.proof_id for point in proofs.front(session)] == [proof.id]


def test_only_a_result_can_be_checked_again(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    failed = request(database, queue, "separable-cubic")
    with pytest.raises(NothingToCheck, match="no certificate"):
        ask(database, queue, failed)
    job = ask(database, queue, proof)
    finish(database, job, ACCEPTED)
    with pytest.raises(NothingToCheck, match="no certificate"):
        ask(database, queue, job)
    with pytest.raises(ProofNotFound), database.writing() as session:
        rechecks.ask(session, queue, 77)


def test_the_independent_checker_is_for_what_is_proved(
    database: Database, queue: ListQueue, proof: ProofRecord
) -> None:
    published = request(database, queue, "cubic", "as-published")
    finish(database, published, outcome(5))
    with pytest.raises(NothingToCheck, match="no theorem for proofs as published"):
        ask(database, queue, published, INDEPENDENT)
    assert ask(database, queue, published).state is State.QUEUED
    executed = request(database, queue, "separable-exact", "as-executed")
    finish(database, executed, outcome(5))
    records = [get(database, one) for one in (proof, executed, published)]
    assert [rechecks.covers(INDEPENDENT, record) for record in records] == [True, True, False]
    assert all(rechecks.covers(ENGINE, record) for record in records)


def test_an_unknown_checker_or_key_is_refused(database: Database, queue: ListQueue, proof: ProofRecord) -> None:
    with pytest.raises(InvalidParameter, match="Choose one of engine"):
        ask(database, queue, proof, "astrology")
    for key in ("", "k" * 201):
        with pytest.raises(InvalidParameter, match="characters"):
            ask(database, queue, proof, key=key)
