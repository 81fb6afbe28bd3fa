"""A place with a database, blobs and workers, as a test needs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from app.storage import models, proofs, queue, workers
from app.storage.blobs import BlobStore
from app.storage.engine import Database
from app.storage.records import Job, NewModel, ProofRecord, State
from tests.processes import alive, below, proving
from tests.waiting import until

PATIENCE_S = 60.0


class Worker:
    """A worker process and everything below it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def family(self) -> list[psutil.Process]:
        return below(self.process.pid)

    def children(self) -> list[psutil.Process]:
        """The processes of its proofs."""
        return proving(self.process.pid)

    def kill(self) -> None:
        """As a power cut would; nothing of the family may be left."""
        family = self.family()
        self.process.kill()
        self.process.wait(PATIENCE_S)
        until(lambda: not any(alive(one) for one in family), "the killed worker's children to be gone")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def await_death(self) -> int:
        return self.process.wait(PATIENCE_S)


class Site:
    def __init__(self, url: str, database: Database, folder: Path) -> None:
        self.url = url
        self.database = database
        self.folder = folder
        self.queue = queue.connect(database)
        self.blobs = BlobStore(folder / "blobs")
        self.workers: list[Worker] = []
        self.settings = {"PROOFBOARD_DATABASE_URL": url, "PROOFBOARD_DATA_DIR": str(folder)}

    def worker(self, *arguments: str, module: str = "tests.worker", **settings: str) -> Worker:
        """Starts a worker; `settings` are environment variables without their prefix."""
        named = {f"PROOFBOARD_{name.upper()}": value for name, value in settings.items()}
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **self.settings, **named},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.workers.append(Worker(process))
        return self.workers[-1]

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGCONT)
                worker.kill()

    def model(self, content: bytes = b"no weights", digest: str = "a" * 64, n_ctx: int = 4) -> str:
        """A stored model of 64^n_ctx inputs, by its digest."""
        new = NewModel(
            digest=digest, name="demo", task=f"max-of-{n_ctx}", n_ctx=n_ctx, d_vocab=64, d_model=32, d_head=32, has_biases=False,
            source="upload", blob=self.blobs.put(content), size_bytes=len(content),
        )  # fmt: skip
        with self.database.writing() as session:
            return models.add(session, new)[0].digest

    def request(self, model: str, *strategies: str) -> list[ProofRecord]:
        with self.database.writing() as session:
            wanted = [(strategy, "strict") for strategy in strategies]
            return proofs.request(session, self.queue, model_digest=model, wanted=wanted)

    def proof(self, proof_id: int) -> ProofRecord:
        with self.database.reading() as session:
            return proofs.get(session, proof_id)

    def cancel(self, proof_id: int) -> ProofRecord:
        with self.database.writing() as session:
            return proofs.cancel(session, proof_id)

    def runs(self) -> list[str]:
        """The strategies that were begun in a child, in that order."""
        file = self.folder / "blobs" / "runs"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def open_gate(self) -> None:
        (self.folder / "blobs" / "gate").touch()

    def await_state(self, proof_id: int, *states: State) -> ProofRecord:
        def reached() -> ProofRecord | None:
            assert not self._fallen(), "a worker ended by itself"
            proof = self.proof(proof_id)
            return proof if proof.state in states else None

        try:
            return until(reached, f"proof {proof_id} to be {' or '.join(states)}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.proof(proof_id)}\n{self.logs()}") from None

    def _fallen(self) -> list[Worker]:
        """Workers that neither run, nor were asked to stop, nor were killed."""
        return [worker for worker in self.workers if worker.process.poll() not in (None, 0, -signal.SIGKILL)]

    def await_runs(self, count: int) -> None:
        until(lambda: len(self.runs()) >= count, f"{count} runs; there are {self.runs()}")

    def await_workers(self, count: int) -> None:
        def beating() -> bool:
            with self.database.reading() as session:
                return sum(worker.is_alive for worker in workers.known(session)) >= count

        until(beating, f"{count} workers to be alive")

    def in_queue(self, status: Sequence[str]) -> list[Job]:
        return self.queue._jobs(status=list(status))

    def logs(self) -> str:
        files = sorted(self.folder.glob("worker-*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-4000:]}" for file in files)
