"""The port to DBOS Transact, the durable queue: nothing else in `app` knows it.

The queue carries a proof's number and attempt, nothing more; the proof's row says everything else and is the truth
about it. A job is queued in the transaction that writes its row: both are there or neither. The same job twice is one
job. Cancelling is a change of the row alone: a worker looks there before, while and after it computes, so a cancelled
job that is still in the queue is dropped when its turn comes.
"""

from typing import Protocol

from dbos import DBOSClient, WorkflowSerializationFormat
from sqlalchemy.orm import Session

from app.storage.engine import Database
from app.storage.records import Job

NAME = "proofs"
WORKFLOW = "prove"
APPLICATION = "proofboard"
VERSION = "1"
"""Of the jobs' format. Raised by hand: a new one leaves the jobs of the old to the old workers."""


class Queue(Protocol):
    def enqueue(self, session: Session, job: Job) -> None:
        """Puts the job in when the session commits."""


class DBOSQueue:
    """Only enqueues: it opens no thread and no connection of its own."""

    def __init__(self, database: Database) -> None:
        self._client = DBOSClient(
            system_database_engine=database.engine,
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def enqueue(self, session: Session, job: Job) -> None:
        self._client.enqueue_in_transaction(
            session,
            {
                "workflow_name": WORKFLOW,
                "queue_name": NAME,
                "workflow_id": job.id,
                "app_version": VERSION,
                "serialization_type": WorkflowSerializationFormat.PORTABLE,
            },
            job.proof_id,
            job.attempt,
        )


def connect(database: Database) -> Queue:
    return DBOSQueue(database)
