"""How long pages and API answers take on a large database, beside the smallest answer there is (`/livez`) in the same run.

    python -m benchmarks.pages [--proofs 10000] [--folder FOLDER] [--requests 100] [--only /proofs]

A server of its own runs as a process; one client asks one thing after another and takes compressed answers, as browsers
do. "After a write" means that a proof was written before each request, so that nothing that was kept is of use.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from app.settings import Settings
from app.storage import proof_rows
from app.storage.engine import connect
from app.storage.tables import ProofRow
from benchmarks import crowd

BASELINE = "/livez"
DEEP = 40
"""Pages down a list."""
READY_WITHIN_S = 30
HEADINGS = ("address", "p50 ms", "p99 ms", "CPU ms", "kB", "× /livez")

LISTS = (
    "/proofs", "/proofs?sort=-bound", "/proofs?sort=length", "/proofs?strategy=cubic", "/proofs?bound__gte=0.9",
    "/proofs?model_name__contains=seed+1", "/proofs?length__lte=1e7&bound__gte=0.5", "/models", "/models?sort=-best_bound",
    "/models?tags__contains=v64", "/queue", "/api/v1/proofs", "/api/v1/proofs?sort=-bound", "/api/v1/models",
)  # fmt: skip
FRONTS = ("/", "/api/v1/front", "/api/v1/front?variant=strict", "/figures/bound", "/figures/bound.json")


@dataclass(frozen=True)
class Asked:
    address: str
    writes: bool = False
    """A proof is written before each request."""


@dataclass(frozen=True)
class Times:
    asked: Asked
    walls: list[float]
    cpu: float
    size: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proofs", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="keeps the database; one that is there already is used again")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--only", action="append", default=[], help="addresses that begin so")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(data_dir=given.folder or Path(temporary))
        if not (settings.data_dir / "proofboard.db").exists():
            crowd.fill(settings, given.proofs)
        with serving(settings) as server:
            wanted = [one for one in asked(server) if not given.only or one.address.startswith(tuple(given.only))]
            show([server.ask(one, given.requests) for one in [Asked(BASELINE), *wanted]])


def asked(server: "Server") -> Iterator[Asked]:
    for address in LISTS:
        yield from (Asked(address), Asked(address, writes=True))
        if deep := server.deep(address):
            yield Asked(deep, writes=True)
    digest = json.loads(server.get("/api/v1/models?limit=1")[1])["items"][0]["digest"]
    yield from (Asked(f"/models/{digest}"), Asked("/proofs/7"), Asked("/strategies"))
    for address in FRONTS:
        yield from (Asked(address), Asked(address, writes=True))


@dataclass(frozen=True)
class Server:
    process: psutil.Process
    port: int
    write: Callable[[], None]

    def get(self, address: str) -> tuple[float, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        return self._get(connection, address, {})

    def deep(self, address: str) -> str | None:
        """The same list some pages down; None where it has none."""
        if "/api/" not in address and address.partition("?")[0] not in ("/proofs", "/models"):
            return None
        path, _, query = address.partition("?")
        data, following = (path if "/api/" in path else f"{path}.json"), ""
        for _ in range(DEEP):
            token = json.loads(self.get(f"{data}?{query}{following}")[1])["next"]
            if token is None:
                break
            following = f"&next={quote(token)}"
        return f"{path}?{query}{following}" if following else None

    def ask(self, one: Asked, requests: int) -> Times:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"accept-encoding": "gzip"}
        self._get(connection, one.address, headers)
        walls, size, before = [], 0, self._cpu()
        for _ in range(requests):
            if one.writes:
                self.write()
            wall, body = self._get(connection, one.address, headers)
            walls.append(wall)
            size = len(body)
        return Times(one, walls, (self._cpu() - before) / requests, size)

    def _get(
        self, connection: http.client.HTTPConnection, address: str, headers: dict[str, str]
    ) -> tuple[float, bytes]:
        started = time.perf_counter()
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{address} answered {answer.status}: {body[:300]!r}")
        return time.perf_counter() - started, body

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {**os.environ, "PROOFBOARD_DATA_DIR": str(settings.data_dir)}
    command = [sys.executable, "-m", "uvicorn", "app.asgi:app", "--port", str(port), "--log-level", "warning"]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[1])
    database = connect(settings.database_url)

    def write() -> None:
        """As a worker that finishes a proof."""
        with database.writing() as session:
            revision = proof_rows.next_revision(session)
            changed = sa.update(ProofRow).where(ProofRow.id == 1 + revision % 100).values(revision=revision)
            session.execute(changed)

    try:
        until_ready(process, port, started)
        yield Server(psutil.Process(process.pid), port, write)
    finally:
        database.dispose()
        process.terminate()
        process.wait()


def until_ready(process: "subprocess.Popen[bytes]", port: int, started: float) -> None:
    while process.poll() is None and time.perf_counter() - started < READY_WITHIN_S:
        try:
            http.client.HTTPConnection("127.0.0.1", port).request("GET", BASELINE)
        except OSError:
            time.sleep(0.02)
            continue
        seconds, memory = time.perf_counter() - started, psutil.Process(process.pid).memory_info().rss / 2**20
        Console().print(f"Ready after {seconds:.2f} s with {memory:.0f} MB.")
        return
    raise SystemExit("The server did not start.")


def show(every: list[Times]) -> None:
    table = Table()
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "address" else "right")
    trivial = statistics.median(every[0].walls)
    for one in every:
        middle = statistics.median(one.walls)
        worst = sorted(one.walls)[-(-99 * len(one.walls) // 100) - 1]
        name = one.asked.address.replace("next=", "next=…")[:64] + (", after a write" if one.asked.writes else "")
        figures = (f"{middle * 1e3:.1f}", f"{worst * 1e3:.1f}", f"{one.cpu * 1e3:.1f}", f"{one.size / 1e3:.1f}")
        table.add_row(name, *figures, f"{middle / trivial:.1f}")
    console = Console(width=132)
    console.print(table)


if __name__ == "__main__":
    main()
