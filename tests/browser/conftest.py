"""A real server and a real worker as processes of their own, and a real browser in front of them."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from app.settings import Settings
from app.storage import schema
from tests.app.web import scenes

ROOT = Path(__file__).parents[2]
DEADLINE_S = 90
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Tab:
    """A page that remembers whatever the browser complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def listen(self) -> None:
        def heard(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{message.type}: {message.text}")

        self.page.on("console", heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))


def until(what: str, holds: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Waits for a condition; fails with its name, never sleeps for a fixed time."""
    end = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"Not within {deadline_s} s: {what}")
        time.sleep(0.05)


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


def has_worker(base: str) -> bool:
    parts = httpx.get(f"{base}/readyz").json()["parts"]
    return bool(parts.get("queue", {}).get("status") == "ok")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running board with one worker and an empty database."""
    folder = tmp_path_factory.mktemp("board")
    settings = Settings(data_dir=folder)
    schema.upgrade(settings.database_url)
    base = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PROOFBOARD_DATA_DIR": str(folder),
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }
    web = [sys.executable, "-m", "uvicorn", "app.asgi:app", "--port", str(port), "--timeout-graceful-shutdown", "1"]
    commands = {"web": web, "worker": [sys.executable, "-m", "worker"]}
    logs = {name: (folder / f"{name}.log").open("wb") for name in commands}
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=logs[name], stderr=subprocess.STDOUT)
        for name, command in commands.items()
    ]
    try:
        until("the server answers", lambda: answers(f"{base}/livez"))
        until("a worker is alive", lambda: has_worker(base))
        yield base
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=30)
        for log in logs.values():
            log.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one that CHROMIUM names (`make test` sets it), an installed one, or playwright's own. None is a failure, never a skip."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, INSTALLED)), None)
    with sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.fail("No Chromium: apt-get install chromium, or playwright install chromium.")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser, board: str) -> Iterator[Tab]:
    """A page in which nothing may go wrong unnoticed."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = Tab(context.new_page(), board)
    opened.listen()
    yield opened
    context.close()
    assert opened.complaints == []


@pytest.fixture(scope="session")
def model(board: str) -> str:
    """A model with one finished and one unfinished proof; its name is as hostile as names get."""
    answer = httpx.post(f"{board}/api/v1/models", params={"name": scenes.HOSTILE}, content=scenes.checkpoint(seed=5))
    digest = str(answer.json()["digest"])
    wanted = [{"strategy": "brute-force"}, {"strategy": "cubic", "variant": "as-published"}]
    asked = httpx.post(f"{board}/api/v1/proofs", json={"model": digest, "wanted": wanted}).json()
    addresses = [f"{board}/api/v1/proofs/{one['id']}" for one in asked]
    until("the proofs end", lambda: all(httpx.get(a).json()["state"] == "done" for a in addresses))
    return digest
