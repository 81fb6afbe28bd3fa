"""The database goes away while a proof runs, and comes back: the result is stored, once."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.storage import schema
from app.storage.engine import connect
from app.storage.records import State, Verdict
from tests import postgres
from tests.waiting import until
from tests.worker.behaviour import COUNTS, WAITS
from tests.worker.site import Site


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Site]:
    database = connect(url)
    site = Site(url, database, folder)
    try:
        yield site
    finally:
        site.close()
        database.dispose()


def test_a_result_waits_until_a_locked_database_is_free(tmp_path: Path, sqlite_template: Path) -> None:
    file = tmp_path / "proofboard.db"
    file.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{file}", tmp_path) as site, closing(sqlite3.connect(file, isolation_level=None)) as holder:
        proof = site.request(site.model(), WAITS)[0]
        site.worker()
        site.await_runs(1)
        holder.execute("BEGIN IMMEDIATE")
        site.open_gate()
        until(lambda: "trying again" in site.logs(), "the worker to fail once")
        assert site.proof(proof.id).state is State.RUNNING
        holder.execute("ROLLBACK")
        assert site.await_state(proof.id, State.DONE).verdict is Verdict.PROVED
        assert site.runs() == [WAITS]


def test_a_postgres_that_crashes_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    with postgres.server() as server:
        url = server.url("postgres")
        schema.upgrade(url)
        with opened(url, tmp_path) as site:
            model = site.model()
            running, waiting = site.request(model, WAITS, COUNTS)
            site.worker(worker_slots="1")
            site.await_runs(1)
            server.stop(signal.SIGQUIT)
            site.open_gate()
            until(lambda: "trying again" in site.logs(), "the worker to notice")
            server.start()
            for proof in (running, waiting):
                assert site.await_state(proof.id, State.DONE).verdict is Verdict.PROVED
            assert site.runs() == [WAITS, COUNTS]
            until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
            assert site.workers[0].stop() == 0


def test_a_worker_asked_to_stop_while_the_database_is_away_ends_and_loses_nothing(tmp_path: Path) -> None:
    with postgres.server() as server:
        url = server.url("postgres")
        schema.upgrade(url)
        with opened(url, tmp_path) as site:
            proof = site.request(site.model(), WAITS)[0]
            worker = site.worker()
            site.await_runs(1)
            server.stop(signal.SIGQUIT)
            assert worker.stop() == 0
            server.start()
            site.open_gate()
            site.worker()
            assert site.await_state(proof.id, State.DONE).verdict is Verdict.PROVED
