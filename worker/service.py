"""The worker process: takes jobs from the queue, runs as many as it has slots, and looks after workers that died.

DBOS hands each job to exactly one living worker and, when a worker starts again under its name, the jobs that it held.
A worker that never comes back shows by its silent heartbeat: any other queues its jobs anew. Asked to stop, a worker
queues its own jobs anew, so nothing waits for it.
"""

import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from time import monotonic

from dbos import DBOS, DBOSConfig

from app.errors import AppError
from app.settings import Settings
from app.storage import attempts, engine, queue, workers
from app.storage.blobs import BlobStore
from app.storage.records import Job
from worker import executor, jobs
from worker.jobs import Bench, Stopped
from worker.limits import Work
from worker.work import answer, limits_on, prepare

logger = logging.getLogger(__name__)

AHEAD = 2
"""Jobs taken beyond the slots, so that a slot that gets free does not wait for the next poll."""

KEEP = timedelta(days=7)
"""How long the queue remembers a job that ended. Our rows stay."""

STALE_UPLOAD_S = 24 * 3600.0
"""Age at which a file that an upload left behind is removed."""

LOST = "The queue gave this proof up. Request it again; the worker's log says why."


@dataclass(frozen=True)
class Pace:
    """Seconds between things."""

    beat_s: float = 2.0
    silence_s: float = workers.SILENCE_S
    poll_s: float = 0.2
    """How often the queue is asked for work: the longest that a job waits while a slot is free."""
    sweep_s: float = 30.0
    """How often jobs that the queue gave up on are looked for."""
    goodbye_s: int = 10
    """How long stopping waits for jobs to be put away."""


def serve(
    settings: Settings,
    *,
    work: Work = answer,
    prepare: Callable[[str], None] = prepare,
    at: Callable[[str], None] = lambda moment: None,
    pace: Pace = Pace(),
) -> None:
    """Runs until SIGTERM or SIGINT. Call it from the main thread, once per process.

    Raises `DatabaseOutdated` or `NoSuchDevice` before it takes any work. `work`, how to `prepare` for it, `at` and `pace`
    are for tests.
    """
    with executor.claimed(settings.lock_dir) as name:
        database = engine.connect(settings.database_url)
        engine.require_current(database)
        prepare(settings.device)
        jobs_queue = queue.connect(database)
        bench = Bench(
            database=database,
            queue=jobs_queue,
            blobs=BlobStore(settings.blob_dir),
            limits=limits_on(settings.device, settings.proof_time_limit_s, settings.proof_memory_limit_mb),
            device=settings.device,
            work=work,
            slots=settings.worker_slots,
            at=at,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: bench.stopping.set())
        warden = Warden(bench, jobs_queue, name, settings.worker_slots, pace)
        warden.beat()  # before the first job: a job's worker must never look dead
        jobs_queue.register(jobs_at_once=settings.worker_slots + AHEAD, poll_s=pace.poll_s)
        _launch(settings, name, bench)
        try:
            while not bench.stopping.wait(pace.beat_s):
                warden.tend()
        finally:
            bench.stopping.set()
            DBOS.destroy(workflow_completion_timeout_sec=pace.goodbye_s)
            warden.leave()
            database.dispose()


def _launch(settings: Settings, name: str, bench: Bench) -> None:
    config: DBOSConfig = {
        "name": queue.APPLICATION,
        "system_database_url": engine.normal_url(settings.database_url).render_as_string(hide_password=False),
        "executor_id": name,
        "application_version": queue.VERSION,
        "run_migrations": False,
        "log_level": "WARNING",
    }
    DBOS(config=config)

    @DBOS.workflow(name=queue.WORKFLOW, max_recovery_attempts=100)  # `attempts.MAX_DEATHS` comes first
    def prove(proof_id: int, attempt: int, shard: int | None = None, turn: int = 1) -> None:
        try:
            jobs.run(bench, Job(proof_id, attempt, shard, turn))
        except Stopped:
            Event().wait()  # an end would be recorded: the job must stay unfinished, for whoever takes it next

    DBOS.listen_queues([queue.NAME])
    DBOS.launch()
    logger.info("worker ready", extra={"action": "ready", "executor": name, "slots": settings.worker_slots})


@dataclass
class Warden:
    """Keeps this worker's heartbeat and picks up what others left."""

    bench: Bench
    queue: queue.DBOSQueue
    name: str
    slots: int
    pace: Pace
    _sweep_at: float = 0.0

    def tend(self) -> None:
        """One round. A database that is away is a round without effect."""
        try:
            self.beat()
            self.take_over()
            if monotonic() >= self._sweep_at:
                self._sweep_at = monotonic() + self.pace.sweep_s
                self.sweep()
        except AppError as trouble:
            logger.warning("round skipped", extra={"action": "tend", "why": str(trouble)})

    def beat(self) -> None:
        with self.bench.database.writing() as session:
            workers.beat(session, self.name, self.slots)

    def take_over(self) -> None:
        """Queues the jobs of dead workers anew, then forgets those workers."""
        with self.bench.database.reading() as session:
            silent = [worker for worker in workers.known(session) if worker.silent_s > self.pace.silence_s]
        dead = [worker for worker in silent if worker.executor != self.name]
        for worker in dead:
            for job in self.queue.claimed_by(worker.executor):
                with self.bench.database.writing() as session:
                    following = attempts.take_over(session, self.queue, job)
                self.queue.drop(job)
                logger.warning(
                    "job taken over",
                    extra={
                        "action": "take-over",
                        "job": job.id,
                        "next": following and following.id,
                        "from": worker.executor,
                    },
                )
            with self.bench.database.writing() as session:
                workers.forget(session, worker.executor)

    def sweep(self) -> None:
        """Ends proofs whose job ended in the queue without saying so, lets the queue forget old jobs, tidies up."""
        failed = self.queue.failed()
        with self.bench.database.reading() as session:
            lost = [job for job in failed if attempts.is_wanted(session, job)]
        for job in lost:
            logger.error("job lost its proof", extra={"action": "sweep", "job": job.id})
            with self.bench.database.writing() as session:
                attempts.fail(session, job, LOST)
        self.queue.forget_ended(KEEP)
        self.bench.blobs.sweep(STALE_UPLOAD_S)

    def leave(self) -> None:
        """Says goodbye, unless jobs are left: then silence makes somebody take them over."""
        try:
            if self.queue.claimed_by(self.name):
                return
            with self.bench.database.writing() as session:
                workers.forget(session, self.name)
        except AppError as trouble:
            logger.warning("left without a word", extra={"action": "leave", "why": str(trouble)})
