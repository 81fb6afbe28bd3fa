"""Models and proofs to store, and the short way to store them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.storage import attempts, models, proofs
from app.storage.engine import Database
from app.storage.records import Job, ModelRecord, NewModel, Outcome, ProofRecord, Verdict

TOTAL = 64**4
DIGESTS = ["a" * 64, "b" * 64, "c" * 64]


def new_model(digest: str = DIGESTS[0], name: str = "demo", *, n_ctx: int = 4, tags: tuple[str, ...] = ()) -> NewModel:
    return NewModel(
        digest=digest, name=name, task=f"max-of-{n_ctx}", n_ctx=n_ctx, d_vocab=64, d_model=32, d_head=32,
        has_biases=False, source="upload", blob=digest[::-1], size_bytes=1000, tags=tags,
    )  # fmt: skip


def add_model(database: Database, new: NewModel | None = None) -> ModelRecord:
    with database.writing() as session:
        return models.add(session, new or new_model())[0]


class ListQueue:
    """A queue that only remembers: what storage hands over, without DBOS."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def enqueue(self, session: Session, job: Job) -> None:
        self.jobs.append(job)


def request(
    database: Database,
    queue: ListQueue,
    strategy: str = "cubic",
    variant: str = "strict",
    *,
    digest: str = DIGESTS[0],
) -> ProofRecord:
    return request_all(database, queue, [(strategy, variant)], digest=digest)[0]


def request_all(
    database: Database, queue: ListQueue, wanted: Sequence[tuple[str, str]], *, digest: str = DIGESTS[0]
) -> list[ProofRecord]:
    with database.writing() as session:
        return proofs.request(session, queue, model_digest=digest, wanted=wanted)


def outcome(correct: int, wrong: int = 0, *, length: int = 1000, seconds: float = 1.0) -> Outcome:
    return Outcome(
        Verdict.PROVED, correct=correct, wrong=wrong, lengths={"measured-v1": length, "reference-v1": 10**30},
        seconds=seconds, search_seconds=0.5, peak_memory_mb=80.5, certificate="d" * 64, certificate_bytes=99,
    )  # fmt: skip


def finish(database: Database, proof: ProofRecord, how: Outcome) -> bool:
    with database.writing() as session:
        job = Job(proof.id, proof.attempt)
        attempts.start(session, job)
        return attempts.finish(session, job, how)


def get(database: Database, proof: ProofRecord) -> ProofRecord:
    with database.reading() as session:
        return proofs.get(session, proof.id)


def model(database: Database, digest: str = DIGESTS[0]) -> ModelRecord:
    with database.reading() as session:
        return models.get(session, digest)
