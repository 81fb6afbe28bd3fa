"""The port to DBOS Transact, the durable queue: nothing else in `app` knows it.

The queue carries a proof's number and attempt, and a shard's number and turn, nothing more; the proof's row says
everything else and is the truth about it. A job is queued in the transaction that writes its row: both are there or
neither. The same job twice is one job. Cancelling is a change of the row alone: a worker looks there before, while and
after it computes, so a cancelled job that is still in the queue is dropped when its turn comes.
"""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.orm import Session

from app.storage.engine import Database, named_errors
from app.storage.records import Job

if TYPE_CHECKING:
    from dbos import DBOSClient

NAME = "proofs"
WORKFLOW = "prove"
APPLICATION = "proofboard"
VERSION = "1"
"""Of the jobs' format. Raised by hand: a new one leaves the jobs of the old to the old workers."""

WHOLE, IN_SHARDS = 1, 2
"""Priorities: what is short does not wait until every shard of a long proof has had its turn."""

BATCH = 500
FAILED = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
ENDED = ["SUCCESS", "CANCELLED", *FAILED]


class Queue(Protocol):
    def enqueue(self, session: Session, job: Job) -> None:
        """Puts the job in when the session commits."""


class DBOSQueue:
    """Speaks through the database's own connections and opens no thread.

    Only `enqueue` may be called inside a transaction of ours: the others take a connection of their own, and on SQLite
    two of one thread would wait for each other.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    @cached_property
    def _client(self) -> "DBOSClient":
        # 18 MB and a fifth of the start, which a server needs only once somebody asks for a proof.
        from dbos import DBOSClient

        return DBOSClient(
            system_database_engine=self._engine,
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def enqueue(self, session: Session, job: Job) -> None:
        from dbos import WorkflowSerializationFormat  # as above

        self._client.enqueue_in_transaction(
            session,
            {
                "workflow_name": WORKFLOW,
                "queue_name": NAME,
                "workflow_id": job.id,
                "app_version": VERSION,
                "serialization_type": WorkflowSerializationFormat.PORTABLE,
                "priority": WHOLE if job.shard is None else IN_SHARDS,
            },
            *((job.proof_id, job.attempt) if job.shard is None else astuple(job)),
        )

    def register(self, *, jobs_at_once: int, poll_s: float) -> None:
        """Says how workers serve the queue: how many jobs each takes at once, and how often they ask."""
        with named_errors():
            self._client.register_queue(NAME, worker_concurrency=jobs_at_once, polling_interval_sec=poll_s)

    def claimed_by(self, executor: str) -> list[Job]:
        """The jobs that a worker took and has not ended."""
        return self._jobs(status=["PENDING"], executor_id=executor)

    def failed(self) -> list[Job]:
        """The latest jobs that ended in the queue without a result of ours: bugs, or workers that kept dying."""
        return self._jobs(status=FAILED)

    def drop(self, job: Job) -> None:
        """Forgets a job that nobody needs to run; does nothing to one that has ended."""
        with named_errors():
            self._client.cancel_workflow(job.id)

    def forget_ended(self, older_than: timedelta) -> int:
        """Deletes the oldest jobs that ended long ago, at most `BATCH`; our rows stay. Returns how many."""
        before = (datetime.now(UTC) - older_than).isoformat()
        with named_errors():
            old = self._client.list_workflows(
                status=ENDED, name=WORKFLOW, end_time=before, limit=BATCH, load_input=False, load_output=False
            )
            if old:
                self._client.delete_workflows([status.workflow_id for status in old])
        return len(old)

    def _jobs(self, *, status: list[str], executor_id: str | None = None) -> list[Job]:
        with named_errors():
            found = self._client.list_workflows(
                status=status, executor_id=executor_id, name=WORKFLOW, limit=BATCH, sort_desc=True,
                load_input=False, load_output=False,
            )  # fmt: skip
        return [_job(status.workflow_id) for status in found]


def connect(database: Database) -> DBOSQueue:
    return DBOSQueue(database)


def _job(workflow_id: str) -> Job:
    return Job(*map(int, workflow_id.removeprefix("proof-").split(":")))
