"""A real server and a real worker as processes of their own, and a real browser in front of them."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from app.settings import Settings
from app.storage import schema
from tests.app.web import scenes
from tests.processes import running
from tests.waiting import until

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
    with ExitStack() as stack:
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            stack.enter_context(running(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
        until(lambda: answers(f"{base}/livez"), "the server to answer", seconds=DEADLINE_S)
        until(lambda: has_worker(base), "a worker to be alive", seconds=DEADLINE_S)
        yield base


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
    until(
        lambda: all(httpx.get(a).json()["state"] == "done" for a in addresses), "the proofs to end", seconds=DEADLINE_S
    )
    return digest
