import threading

import pytest

from app.errors import AlreadyFinished, InvalidParameter, ModelNotFound, ProofNotFound, UnknownStrategy, UnknownVariant
from app.storage import attempts, proofs
from app.storage.engine import Database
from app.storage.records import Doubt, Filter, Job, Op, Outcome, State, Verdict
from proofs import ENGINE_VERSION
from proofs.strategies import SUBCUBIC
from tests.app.storage import samples
from tests.app.storage.samples import DIGESTS, TOTAL, ListQueue, finish, get, new_model, outcome, request, request_all


@pytest.fixture
def queue() -> ListQueue:
    return ListQueue()


@pytest.fixture(autouse=True)
def stored(database: Database) -> None:
    samples.add_model(database)


def test_a_requested_proof_is_queued_once(database: Database, queue: ListQueue) -> None:
    wanted = [("cubic", "strict"), ("cubic", "as-published"), ("cubic", "strict")]
    found = request_all(database, queue, wanted)
    assert [proof.id for proof in found] == [found[0].id, found[1].id, found[0].id]
    assert [proof.id for proof in request_all(database, queue, wanted)] == [proof.id for proof in found]
    assert queue.jobs == [Job(found[0].id, 1), Job(found[1].id, 1)]
    assert [(proof.state, proof.trust, proof.total) for proof in found[:2]] == [
        (State.QUEUED, "proved", TOTAL),
        (State.QUEUED, "float", TOTAL),
    ]
    assert found[0].engine_version == ENGINE_VERSION
    assert found[0].model_name == "demo"
    assert get(database, found[0]) == found[0]


@pytest.mark.parametrize(
    ("digest", "wanted", "error"),
    [
        ("0" * 64, ("cubic", "strict"), ModelNotFound),
        (DIGESTS[0], ("alchemy", "strict"), UnknownStrategy),
        (DIGESTS[0], ("brute-force", "as-published"), UnknownVariant),
    ],
)
def test_a_request_that_cannot_be_met_queues_nothing(
    database: Database, queue: ListQueue, digest: str, wanted: tuple[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        request_all(database, queue, [("cubic", "strict"), wanted], digest=digest)
    with database.reading() as session:
        assert proofs.page(session).total == 0


@pytest.mark.parametrize("verdict", [Verdict.CANCELLED, Verdict.TIMEOUT, Verdict.OUT_OF_MEMORY, Verdict.ERROR])
def test_an_end_without_result_may_be_tried_again(database: Database, queue: ListQueue, verdict: Verdict) -> None:
    proof = request(database, queue)
    finish(database, proof, Outcome(verdict, "why", seconds=3.0))
    again = request(database, queue)
    assert (again.id, again.attempt, again.state, again.verdict) == (proof.id, 2, State.QUEUED, None)
    assert (again.message, again.seconds, again.finished_at) == ("", None, None)
    assert queue.jobs == [Job(proof.id, 1), Job(proof.id, 2)]


@pytest.mark.parametrize("verdict", [Verdict.PROVED, Verdict.VACUOUS, Verdict.NOT_APPLICABLE])
def test_a_result_is_not_computed_again(database: Database, queue: ListQueue, verdict: Verdict) -> None:
    proof = request(database, queue)
    finish(database, proof, Outcome(verdict, correct=None if verdict is Verdict.NOT_APPLICABLE else 5))
    again = request(database, queue)
    assert (again.attempt, again.verdict) == (1, verdict)
    assert len(queue.jobs) == 1


def test_a_finished_proof_has_every_exact_figure(database: Database, queue: ListQueue) -> None:
    samples.add_model(database, new_model(DIGESTS[1], "long", n_ctx=20))
    proof = request(database, queue, digest=DIGESTS[1])
    correct = 64**20 - 1
    assert finish(database, proof, outcome(correct, 1, length=2**80))
    done = get(database, proof)
    assert (done.correct, done.wrong, done.total) == (correct, 1, 64**20)
    assert done.bound is not None
    assert done.bound < 1  # rounded down
    assert done.lengths == {"measured-v1": 2**80, "reference-v1": 10**30}
    assert (done.state, done.verdict, done.progress) == (State.DONE, Verdict.PROVED, 1.0)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.requested_at <= done.started_at <= done.finished_at
    model = samples.model(database, DIGESTS[1])
    assert (model.accuracy.lower, model.accuracy.label, model.proofs_done) == (correct, "exact", 1)
    assert model.best_bound == done.bound


def test_the_first_end_stays(database: Database, queue: ListQueue) -> None:
    proof = request(database, queue)
    assert finish(database, proof, outcome(100))
    before = get(database, proof)
    with database.reading() as session:
        revision = proofs.revision(session)
    assert not finish(database, proof, outcome(200))
    with database.writing() as session:
        assert attempts.start(session, Job(proof.id, 1)) is None
    with database.writing() as session:
        assert not attempts.progress(session, Job(proof.id, 1), 0.5)
    assert get(database, proof) == before
    with database.reading() as session:
        assert proofs.changed_since(session, revision)[1] == []


def test_what_is_said_about_an_old_attempt_changes_nothing(database: Database, queue: ListQueue) -> None:
    proof = request(database, queue)
    old = Job(proof.id, 1)
    with database.writing() as session:
        attempts.start(session, old)
    with database.writing() as session:
        assert attempts.give_back(session, queue, old) == Job(proof.id, 2)
    before = get(database, proof)
    with database.writing() as session:
        assert not attempts.finish(session, old, outcome(100))
        assert not attempts.progress(session, old, 0.5)
        assert not attempts.is_wanted(session, old)
        assert attempts.start(session, old) is None
        assert attempts.give_back(session, queue, old) is None
        assert attempts.take_over(session, queue, old) is None
    assert get(database, proof) == before
    assert queue.jobs == [old, Job(proof.id, 2)]


def test_taking_over_counts_only_deaths_while_it_ran(database: Database, queue: ListQueue) -> None:
    job = Job(request(database, queue).id, 1)
    for _ in range(10):  # queued all the time: nobody died of it
        with database.writing() as session:
            job = attempts.take_over(session, queue, job) or pytest.fail("lost")
    for death in range(attempts.MAX_DEATHS):
        with database.writing() as session:
            assert attempts.start(session, job), f"given up after {death} deaths"
        with database.writing() as session:
            job = attempts.take_over(session, queue, job) or pytest.fail("lost")
    with database.writing() as session:
        assert attempts.start(session, job) is None
    with database.reading() as session:
        assert proofs.get(session, job.proof_id).verdict is Verdict.ERROR


def test_cancelling_ends_a_proof_once(database: Database, queue: ListQueue) -> None:
    proof = request(database, queue)
    with database.writing() as session:
        cancelled = proofs.cancel(session, proof.id)
    assert (cancelled.state, cancelled.verdict) == (State.DONE, Verdict.CANCELLED)
    assert "again" in cancelled.message
    with database.writing() as session:
        assert proofs.cancel(session, proof.id).finished_at == cancelled.finished_at
    assert not finish(database, proof, outcome(100))


def test_a_finished_proof_cannot_be_cancelled(database: Database, queue: ListQueue) -> None:
    proof = request(database, queue)
    finish(database, proof, outcome(100))
    with pytest.raises(AlreadyFinished, match="proved"), database.writing() as session:
        proofs.cancel(session, proof.id)


def test_an_unknown_proof_is_not_found(database: Database) -> None:
    for number in (0, -1, 1, 2**31, 2**63):
        with pytest.raises(ProofNotFound), database.reading() as session:
            proofs.get(session, number)
        with pytest.raises(ProofNotFound), database.writing() as session:
            proofs.cancel(session, number)


def test_a_later_proof_changes_the_tightness_of_earlier_ones(database: Database, queue: ListQueue) -> None:
    cubic = request(database, queue)
    finish(database, cubic, outcome(TOTAL // 2))
    assert (get(database, cubic).tightness, get(database, cubic).tightness_basis) == (None, None)
    quartic = request(database, queue, "separable-quartic")
    finish(database, quartic, outcome(TOTAL // 2 + 1, TOTAL // 4))
    assert get(database, cubic).tightness_basis == "proved"
    brute = request(database, queue, "brute-force")
    finish(database, brute, outcome(TOTAL * 5 // 8, TOTAL * 3 // 8))
    tightness = get(database, cubic).tightness
    assert tightness is not None
    assert 0.8 - 2**-52 <= tightness <= 0.8  # rounded down
    assert get(database, cubic).tightness_basis == "exact"
    assert samples.model(database).accuracy.label == "exact"


def test_proofs_that_contradict_each_other_raise_an_alarm_whichever_came_first(
    database: Database, queue: ListQueue
) -> None:
    published = request(database, queue, "cubic", "as-published")
    finish(database, published, outcome(TOTAL * 3 // 4))
    modest = request(database, queue, "cubic")
    finish(database, modest, outcome(TOTAL // 4))
    with database.reading() as session:
        assert proofs.alarms(session) == 0
    brute = request(database, queue, "brute-force")
    finish(database, brute, outcome(TOTAL // 2, TOTAL // 2))
    assert get(database, published).doubt is Doubt.ABOVE_TRUTH
    assert samples.model(database).accuracy.label == "exact"
    higher = request(database, queue, "separable-cubic")
    finish(database, higher, outcome(TOTAL // 2 + 1))
    with database.reading() as session:
        assert proofs.alarms(session) == 2
        alarmed = proofs.page(session, filters=[Filter("soundness_alarm", Op.EQ, "true")], sort="id")
        assert [proof.id for proof in alarmed.items] == [brute.id, higher.id]
        assert {proof.doubt for proof in alarmed.items} == {Doubt.CONTRADICTED}
        assert {point.proof_id for point in proofs.front(session)} == {modest.id, published.id}
        assert proofs.kept_off(session) == {Doubt.CONTRADICTED: 2}
        assert proofs.kept_off(session, variant="as-published") == {}
    model = samples.model(database)
    assert (model.accuracy.lower, model.accuracy.label, model.best_bound) == (TOTAL // 4, "proved", 0.25)
    assert get(database, modest).tightness is None


def test_a_published_bound_above_the_truth_is_kept_off_the_front_without_an_alarm(
    database: Database, queue: ListQueue
) -> None:
    brute = request(database, queue, "brute-force")
    finish(database, brute, outcome(TOTAL // 2, TOTAL // 2))
    published = request(database, queue, "cubic", "as-published")
    finish(database, published, outcome(TOTAL // 2 + 1))
    with database.reading() as session:
        assert proofs.alarms(session) == 0
        assert proofs.kept_off(session, model_digest=DIGESTS[0]) == {Doubt.ABOVE_TRUTH: 1}
        assert proofs.kept_off(session, model_digest=DIGESTS[1]) == {}
        assert [point.proof_id for point in proofs.front(session)] == [brute.id]
    assert get(database, published).tightness is None


def test_changes_are_told_once_and_in_order(database: Database, queue: ListQueue) -> None:
    first, second = request_all(database, queue, [("cubic", "strict"), ("brute-force", "strict")])
    with database.reading() as session:
        seen, changed = proofs.changed_since(session, 0)
        assert seen == proofs.revision(session)
    assert [proof.id for proof in changed] == [first.id, second.id]
    with database.writing() as session:
        attempts.start(session, Job(second.id, 1))
    with database.writing() as session:
        attempts.progress(session, Job(second.id, 1), 0.5, "half")
    with database.writing() as session:
        attempts.start(session, Job(first.id, 1))
    with database.reading() as session:
        now, changed = proofs.changed_since(session, seen)
    assert now > seen
    assert [(proof.id, proof.progress, proof.message) for proof in changed] == [
        (second.id, 0.5, "half"),
        (first.id, 0, ""),
    ]
    with database.reading() as session:
        assert proofs.changed_since(session, now) == (now, [])


def test_a_change_that_commits_late_is_not_missed(database: Database, queue: ListQueue) -> None:
    """Whoever takes a revision first commits first: nobody can see a later one and miss an earlier one."""
    first, second = request_all(database, queue, [("cubic", "strict"), ("brute-force", "strict")])
    with database.reading() as session:
        seen = proofs.revision(session)

    def other() -> None:
        with database.writing() as session:
            attempts.progress(session, Job(second.id, 1), 0.5)

    thread = threading.Thread(target=other)
    with database.writing() as session:
        attempts.progress(session, Job(first.id, 1), 0.5)
        thread.start()  # must wait for us
        with database.reading() as reader:
            seen, changed = proofs.changed_since(reader, seen)
        assert changed == []
        thread.join(timeout=0.3)
        assert thread.is_alive()
    thread.join()
    with database.reading() as session:
        assert [proof.id for proof in proofs.changed_since(session, seen)[1]] == [first.id, second.id]


def test_many_requests_for_the_same_proof_at_once_make_one(database: Database, queue: ListQueue) -> None:
    ids: list[int] = []

    def ask() -> None:
        ids.append(request(database, queue).id)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1
    assert queue.jobs == [Job(ids[0], 1)]


def test_counts_name_every_state(database: Database, queue: ListQueue) -> None:
    with database.reading() as session:
        assert proofs.counts(session) == {State.QUEUED: 0, State.RUNNING: 0, State.DONE: 0}
    done = request_all(database, queue, [("cubic", "strict"), ("brute-force", "strict")])[1]
    finish(database, done, outcome(5))
    with database.reading() as session:
        assert proofs.counts(session) == {State.QUEUED: 1, State.RUNNING: 0, State.DONE: 1}


def test_the_front_has_every_finished_bound_as_a_point(database: Database, queue: ListQueue) -> None:
    samples.add_model(database, new_model(DIGESTS[1], "other"))
    ours = request(database, queue)
    finish(database, ours, outcome(TOTAL // 2, TOTAL // 4, length=77))
    published = request(database, queue, "cubic", "as-published")
    finish(database, published, outcome(TOTAL // 4))
    theirs = request(database, queue, "separable-cubic", digest=DIGESTS[1])
    finish(database, theirs, outcome(TOTAL // 4))
    request(database, queue, "brute-force")
    finish(database, request(database, queue, "separable-sorted"), Outcome(Verdict.NOT_APPLICABLE, "no"))
    with database.reading() as session:
        points = proofs.front(session)
        assert [point.proof_id for point in points] == [ours.id, published.id, theirs.id]
        assert proofs.front(session, model_digest=DIGESTS[1]) == points[2:]
        assert proofs.front(session, variant="strict") == [points[0], points[2]]
    point = points[0]
    assert (point.model_name, point.n_ctx, point.family, point.variant, point.trust) == (
        "demo",
        4,
        "cubic",
        "strict",
        "proved",
    )
    assert (point.correct, point.total, point.bound) == (TOTAL // 2, TOTAL, 0.5)
    assert point.lengths == {"measured-v1": 77, "reference-v1": 10**30}
    assert point.seconds == 1.0
    assert point.tightness is not None
    assert point.tightness <= 2 / 3


def test_lists_filter_by_what_proofs_and_models_say(database: Database, queue: ListQueue) -> None:
    samples.add_model(database, new_model(DIGESTS[1], "other", n_ctx=5))
    low = request(database, queue)
    finish(database, low, outcome(TOTAL // 4))
    high = request(database, queue, "separable-cubic", digest=DIGESTS[1])
    finish(database, high, outcome(TOTAL // 2 * 64))

    def found(*filters: Filter, model_digest: str | None = None) -> list[int]:
        with database.reading() as session:
            page = proofs.page(session, filters=filters, sort="-bound", model_digest=model_digest)
        assert page.total == len(page.items)
        return [proof.id for proof in page.items]

    assert found() == [high.id, low.id]
    assert found(Filter("bound", Op.GTE, "0.3")) == [high.id]
    assert found(Filter("family", Op.EQ, "cubic")) == [low.id]
    assert found(Filter("n_ctx", Op.EQ, "5")) == [high.id]
    assert found(Filter("model_name", Op.CONTAINS, "OTH")) == [high.id]
    assert found(Filter("verdict", Op.IN, "proved,vacuous"), Filter("n_ctx", Op.LT, "5")) == [low.id]
    assert found(model_digest=DIGESTS[1]) == [high.id]
    with pytest.raises(InvalidParameter), database.reading() as session:
        proofs.page(session, filters=[Filter("password", Op.EQ, "x")])


def test_a_short_code_filters_as_the_name_it_stands_for(database: Database, queue: ListQueue) -> None:
    short = SUBCUBIC[0]
    request_all(database, queue, [("cubic", "strict"), (short.name, "strict"), (SUBCUBIC[1].name, "strict")])

    def found(op: Op, value: str) -> list[str]:
        with database.reading() as session:
            page = proofs.page(session, filters=[Filter("strategy", op, value)], sort="id")
        return [proof.strategy for proof in page.items]

    assert found(Op.EQ, short.code) == found(Op.EQ, short.code.lower()) == [short.name]
    assert found(Op.IN, f"cubic,{short.code}") == ["cubic", short.name]
    assert found(Op.NE, short.code) == ["cubic", SUBCUBIC[1].name]
    assert found(Op.EQ, "U9-A9-E9") == []


@pytest.mark.parametrize("few", [0, 100])
def test_filters_of_models_find_the_same_however_many_fit(
    database: Database, queue: ListQueue, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "FEW_MODELS", few)
    samples.add_model(database, new_model(DIGESTS[1], "long", n_ctx=20))
    mine = [request(database, queue, one, digest=DIGESTS[1]).id for one in ("cubic", "brute-force")]
    request(database, queue)
    for wanted in (
        [Filter("model_name", Op.CONTAINS, "LONG")],
        [Filter("n_ctx", Op.GT, "4"), Filter("d_vocab", Op.EQ, "64"), Filter("state", Op.EQ, "queued")],
    ):
        with database.reading() as session:
            found = proofs.page(session, filters=wanted, sort="id", limit=1)
            rest = proofs.page(session, filters=wanted, sort="id", limit=1, next=found.next)
            none = proofs.page(session, filters=[*wanted, Filter("n_ctx", Op.EQ, "3")])
        assert [proof.id for proof in found.items + rest.items] == mine
        assert (found.total, rest.total, rest.next) == (2, 2, None)
        assert (none.items, none.total) == ([], 0)
