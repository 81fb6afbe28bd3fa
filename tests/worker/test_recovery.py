"""A worker may die anywhere: nothing is lost, nothing is stored twice, nothing is left running."""

import signal

import pytest
import sqlalchemy as sa

from app.storage import attempts, proofs, schema
from app.storage.records import Job, State, Verdict
from tests.processes import alive, kill
from tests.waiting import until
from tests.worker.behaviour import COUNTS, RESULT, WAITS
from tests.worker.site import Site


@pytest.mark.parametrize("moment", ["after_claim", "in_compute", "before_save", "after_save_commit"])
def test_a_worker_killed_at_any_moment_and_started_again_finishes_its_job_once(site: Site, moment: str) -> None:
    proof = site.request(site.model(), COUNTS)[0]
    marker = str(site.folder / "marker")
    assert site.worker(moment, marker).await_death() == -signal.SIGKILL
    stored = site.proof(proof.id)
    site.worker(moment, marker)
    done = site.await_state(proof.id, State.DONE)
    assert (done.verdict, done.correct) == (Verdict.PROVED, RESULT["correct"])
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    after = site.proof(proof.id)
    if moment == "after_save_commit":
        assert after == stored == done  # the second run changed nothing
        assert site.runs() == [COUNTS]
    with site.database.reading() as session:
        assert proofs.counts(session) == {State.QUEUED: 0, State.RUNNING: 0, State.DONE: 1}


def test_a_worker_killed_from_outside_leaves_no_process_and_its_job_is_done_after_a_restart(site: Site) -> None:
    proof = site.request(site.model(), WAITS)[0]
    worker = site.worker()
    site.await_runs(1)
    assert worker.children()
    worker.kill()  # waits until the family is gone
    site.open_gate()
    site.worker()
    assert site.await_state(proof.id, State.DONE).verdict is Verdict.PROVED
    assert site.runs() == [WAITS, WAITS]


def test_a_worker_that_never_comes_back_is_replaced_by_a_living_one(site: Site) -> None:
    model = site.model()
    dying = site.worker(worker_slots="1")
    site.await_workers(1)
    proof = site.request(model, WAITS)[0]
    site.await_runs(1)
    site.worker(worker_slots="1")
    site.await_workers(2)
    dying.kill()
    site.await_runs(2)
    site.open_gate()
    done = site.await_state(proof.id, State.DONE)
    assert (done.verdict, done.attempt) == (Verdict.PROVED, 2)


def test_a_worker_that_was_stopped_and_wakes_late_stores_nothing(site: Site) -> None:
    model = site.model()
    sleeper = site.worker(worker_slots="1")
    site.await_workers(1)
    proof = site.request(model, WAITS)[0]
    site.await_runs(1)
    site.worker(worker_slots="1")
    site.await_workers(2)
    sleeper.process.send_signal(signal.SIGSTOP)
    site.await_runs(2)  # the other has taken over
    site.open_gate()
    done = site.await_state(proof.id, State.DONE)
    sleeper.process.send_signal(signal.SIGCONT)
    until(lambda: not sleeper.children(), "the late worker to give up its child")
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert site.proof(proof.id) == done


def test_a_job_that_kills_every_worker_ends(site: Site) -> None:
    proof = site.request(site.model(), COUNTS)[0]
    for _ in range(attempts.MAX_DEATHS):
        assert site.worker("after_claim", "-").await_death() == -signal.SIGKILL
    site.worker("after_claim", "-")
    done = site.await_state(proof.id, State.DONE)
    assert done.verdict is Verdict.ERROR
    assert "died 3 times" in done.message
    again = site.request(done.model_digest, COUNTS)[0]
    assert (again.id, again.attempt, again.state) == (proof.id, 2, State.QUEUED)


def test_a_worker_asked_to_stop_queues_its_jobs_anew(site: Site) -> None:
    proof = site.request(site.model(), WAITS)[0]
    worker = site.worker()
    site.await_runs(1)
    family = worker.family()
    assert worker.stop() == 0
    until(lambda: not any(alive(one) for one in family), "the worker's children to be gone")
    waiting = site.proof(proof.id)
    assert (waiting.state, waiting.attempt) == (State.QUEUED, 2)
    assert site.in_queue(["ENQUEUED"]) == [Job(proof.id, 2)]
    site.open_gate()
    site.worker()
    assert site.await_state(proof.id, State.DONE).verdict is Verdict.PROVED


def test_a_worker_whose_fork_server_died_starts_another(site: Site) -> None:
    model = site.model()
    worker = site.worker()
    first = site.request(model, COUNTS)[0]
    site.await_state(first.id, State.DONE)
    servers = worker.family()
    kill(servers)
    until(lambda: not any(alive(server) for server in servers), "the fork server to be gone")
    site.open_gate()
    second = site.request(model, WAITS)[0]
    assert site.await_state(second.id, State.DONE).verdict is Verdict.PROVED


def test_a_worker_that_finds_an_old_schema_says_what_to_do(site: Site) -> None:
    schema.downgrade(site.url, "base")
    worker = site.worker(module="worker")
    assert worker.await_death() == 1
    assert "proofboard db upgrade" in site.logs()


def test_a_job_that_the_queue_gave_up_on_ends_its_proof(site: Site) -> None:
    proof = site.request(site.model(), COUNTS)[0]
    table = "workflow_status" if site.database.is_sqlite else "dbos.workflow_status"
    with site.database.writing() as session:
        session.execute(sa.text(f"UPDATE {table} SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'"))
    site.worker()
    done = site.await_state(proof.id, State.DONE)
    assert done.verdict is Verdict.ERROR
    assert "Request it again" in done.message
