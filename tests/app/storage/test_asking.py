"""Proofs that are asked for together, within a budget, or as a question: known by their key, kept apart by their attempts."""

from dataclasses import replace

import pytest

from app.errors import AlreadyFinished, InvalidParameter, ModelNotFound, ProofNotFound, UnknownVariant
from app.storage import asking, attempts, checks, models, proofs
from app.storage.asking import InDoubt
from app.storage.engine import Database
from app.storage.records import Job, Outcome, ProofRecord, State, Verdict
from proofs.questions import BEST_WITHIN
from proofs.strategies import SUBCUBIC
from proofs.subcubic.pieces import SearchTables
from tests.app.storage.samples import DIGESTS, ListQueue, add_model, finish, outcome, request

HUNDRED = [strategy.name for strategy in SUBCUBIC]
MODEL = DIGESTS[0]


@pytest.fixture
def queue(database: Database) -> ListQueue:
    add_model(database)
    return ListQueue()


def catalogue(
    database: Database, queue: ListQueue, variant: str = "strict", search: str | None = None
) -> list[ProofRecord]:
    with database.writing() as session:
        return asking.catalogue(session, queue, model_digest=MODEL, variant=variant, search=search)


def proof(database: Database, proof_id: int) -> ProofRecord:
    with database.reading() as session:
        return proofs.get(session, proof_id)


def started(database: Database, job: Job) -> tuple[str, ...]:
    with database.writing() as session:
        assert attempts.start(session, job) is not None
        return attempts.strategies(session, job)


def finish_each(database: Database, job: Job) -> bool:
    outcomes = {name: outcome(number) for number, name in enumerate(HUNDRED)}
    with database.writing() as session:
        return attempts.finish_each(session, job, outcomes)


def test_the_searches_are_those_of_the_engine() -> None:
    assert list(asking.SEARCHES) == [str(one) for one in SearchTables]


def test_the_catalogue_is_102_proofs_and_three_jobs(database: Database, queue: ListQueue) -> None:
    found = catalogue(database, queue)
    assert [one.strategy for one in found] == ["brute-force", "cubic", *HUNDRED]
    assert {one.state for one in found} == {State.QUEUED}
    assert queue.jobs == [Job(found[0].id, 1), Job(found[1].id, 1), Job(found[2].id, 1)]
    assert {one.leader for one in found[2:]} == {found[2].id}
    assert [one.leader for one in found[:2]] == [None, None]


def test_the_catalogue_asked_for_twice_is_once(database: Database, queue: ListQueue) -> None:
    first = catalogue(database, queue)
    assert catalogue(database, queue) == first
    assert len(queue.jobs) == 3


def test_every_search_has_its_own_proofs_and_strict_shares_brute_force_only(
    database: Database, queue: ListQueue
) -> None:
    strict = {one.id for one in catalogue(database, queue)}
    plain = {one.id for one in catalogue(database, queue, "as-published")}
    folded = catalogue(database, queue, "as-published", "mean-folded")
    assert len(strict & plain) == 1
    assert len(plain & {one.id for one in folded}) == 2  # brute force and cubic search for no gaps
    assert {one.parameters.get("search") for one in folded[2:]} == {"mean-folded"}
    assert plain == {one.id for one in catalogue(database, queue, "as-published", "uncentred")}


def test_a_published_strategy_asked_for_alone_is_that_of_the_catalogue(database: Database, queue: ListQueue) -> None:
    alone = request(database, queue, SUBCUBIC[4].code, "as-published")
    among = catalogue(database, queue, "as-published")
    assert among[6].id == alone.id
    assert among[6].leader is None  # it is under way by itself
    assert len(queue.jobs) == 4


def test_together_means_one_write(database: Database, queue: ListQueue) -> None:
    found = catalogue(database, queue)[2:]
    job = queue.jobs[-1]
    assert started(database, job) == tuple(HUNDRED)
    with database.writing() as session:
        assert attempts.progress(session, job, 0.5, "half")
    assert {(one.state, one.progress) for one in (proof(database, each.id) for each in found)} == {("running", 0.5)}
    assert finish_each(database, job)
    done = [proof(database, one.id) for one in found]
    assert [one.correct for one in done] == list(range(100))
    assert len({one.updated_at for one in done}) == 1
    assert not finish_each(database, job)
    assert [proof(database, one.id) for one in found] == done
    with database.reading() as session:
        assert models.get(session, MODEL).proofs_done == 100


def test_what_ends_the_work_ends_all_of_it(database: Database, queue: ListQueue) -> None:
    found = catalogue(database, queue)[2:]
    started(database, queue.jobs[-1])
    with database.writing() as session:
        assert attempts.finish(session, queue.jobs[-1], Outcome(Verdict.TIMEOUT, "too slow"))
    assert {proof(database, one.id).verdict for one in found} == {Verdict.TIMEOUT}
    again = catalogue(database, queue)[2:]
    assert {(one.state, one.attempt) for one in again} == {(State.QUEUED, 2)}
    assert queue.jobs[-1] == Job(found[0].id, 2)


def test_one_that_is_cancelled_leaves_and_the_others_go_on(database: Database, queue: ListQueue) -> None:
    found = catalogue(database, queue)[2:]
    job = queue.jobs[-1]
    started(database, job)
    with database.writing() as session:
        proofs.cancel(session, found[0].id)  # the leader
    with database.writing() as session:
        asking.again(session, queue, found[0].id)
    alone = queue.jobs[-1]
    assert alone == Job(found[0].id, 2)
    assert started(database, job) == tuple(HUNDRED[1:])
    with database.writing() as session:
        following = attempts.give_back(session, queue, job)
    assert following == Job(found[1].id, 2)
    assert started(database, alone) == (HUNDRED[0],)
    assert started(database, following) == tuple(HUNDRED[1:])
    assert finish_each(database, following)
    assert proof(database, found[0].id).state is State.RUNNING
    with database.writing() as session:
        assert attempts.finish(session, alone, outcome(7))
    assert proof(database, found[0].id).correct == 7


def test_a_worker_that_dies_counts_once_for_all(database: Database, queue: ListQueue) -> None:
    found = catalogue(database, queue)[2:]
    job = queue.jobs[-1]
    for _ in range(attempts.MAX_DEATHS):
        started(database, job)
    with database.writing() as session:
        assert attempts.start(session, job) is None
    ends = {(one.verdict, one.message) for one in (proof(database, each.id) for each in found)}
    assert len(ends) == 1
    assert "died 3 times" in ends.pop()[1]


def test_the_whole_can_be_cancelled_at_any_of_its_proofs(database: Database, queue: ListQueue) -> None:
    found = catalogue(database, queue)
    started(database, queue.jobs[-1])
    with database.writing() as session:
        assert asking.cancel_together(session, found[50].id) == [one.id for one in found[2:]]
    assert {proof(database, one.id).verdict for one in found[2:]} == {Verdict.CANCELLED}
    assert proof(database, found[1].id).state is State.QUEUED
    with database.reading() as session:
        assert not attempts.is_wanted(session, queue.jobs[-1])
    with database.writing() as session, pytest.raises(AlreadyFinished):
        asking.cancel_together(session, found[50].id)
    with database.writing() as session, pytest.raises(ProofNotFound):
        asking.cancel_together(session, 10**6)


def test_a_budget_is_answered_by_a_proof_that_keeps_it(database: Database, queue: ListQueue) -> None:
    def within(budget: int) -> ProofRecord:
        with database.writing() as session:
            return asking.best_within(session, queue, model_digest=MODEL, budget=budget)

    asked, other = within(5_000), within(50)
    assert (asked.strategy, asked.parameters, asked.state) == (BEST_WITHIN, {"budget": 5_000}, State.QUEUED)
    assert within(5_000) == asked
    chosen = Outcome(
        Verdict.PROVED, correct=9, wrong=0, lengths={"measured-v1": 4_000}, strategy="separable-joint",
        parameters={"bins": 30, "budget": 5_000},
    )  # fmt: skip
    with database.writing() as session:
        attempts.start(session, queue.jobs[0])
        assert attempts.finish(session, queue.jobs[0], chosen)
    answered = within(5_000)
    assert (answered.id, answered.strategy, answered.parameters) == (
        asked.id, "separable-joint", {"bins": 30, "budget": 5_000},
    )  # fmt: skip
    assert within(50) == other
    plain = request(database, queue, "separable-joint")
    assert plain.id not in (asked.id, other.id)


def test_a_proof_in_doubt_answers_no_budget(database: Database, queue: ListQueue) -> None:
    with database.writing() as session:
        asked = asking.best_within(session, queue, model_digest=MODEL, budget=5_000)
    finish(database, asked, replace(outcome(9), strategy="separable-joint", parameters={"budget": 5_000}))
    for accepted in (False, True):
        with database.writing() as session:
            checks.add(session, checks.NewCheck(asked.id, "d" * 64, "engine 1", accepted, "", 0.1))
        with database.writing() as session:
            if accepted:
                assert asking.best_within(session, queue, model_digest=MODEL, budget=5_000).id == asked.id
            else:
                with pytest.raises(InDoubt, match=f"proof {asked.id}"):
                    asking.best_within(session, queue, model_digest=MODEL, budget=5_000)


@pytest.mark.parametrize("budget", [0, -1, 10**15 + 1])
def test_an_impossible_budget_is_refused(database: Database, queue: ListQueue, budget: int) -> None:
    with database.writing() as session, pytest.raises(InvalidParameter, match="whole number"):
        asking.best_within(session, queue, model_digest=MODEL, budget=budget)


def test_counterexamples_are_a_question_with_an_answer_that_is_no_bound(database: Database, queue: ListQueue) -> None:
    with database.writing() as session:
        asked = asking.counterexamples(session, queue, model_digest=MODEL, most=20)
    with database.writing() as session:
        attempts.start(session, queue.jobs[0])
        assert attempts.finish(session, queue.jobs[0], Outcome(Verdict.PROVED, wrong=20, certificate="e" * 64))
    done = proof(database, asked.id)
    assert (done.verdict, done.correct, done.wrong, done.bound) == (Verdict.PROVED, None, 20, None)
    with database.reading() as session:
        assert proofs.front(session) == []
        assert models.get(session, MODEL).proofs_done == 0
    with database.writing() as session, pytest.raises(InvalidParameter):
        asking.counterexamples(session, queue, model_digest=MODEL, most=0)


def test_what_does_not_exist_is_refused_before_anything_is_queued(database: Database, queue: ListQueue) -> None:
    with database.writing() as session:
        with pytest.raises(UnknownVariant):
            asking.catalogue(session, queue, model_digest=MODEL, variant="loose")
        with pytest.raises(InvalidParameter, match="uncentred, mean-folded"):
            asking.catalogue(session, queue, model_digest=MODEL, variant="as-published", search="deep")
        with pytest.raises(InvalidParameter, match="as-published"):
            asking.catalogue(session, queue, model_digest=MODEL, variant="strict", search="uncentred")
        with pytest.raises(ModelNotFound):
            asking.catalogue(session, queue, model_digest="f" * 64, variant="strict")
    assert queue.jobs == []
