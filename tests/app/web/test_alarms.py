"""A soundness alarm is on every page, on no front, and gone with its cause. A published float above the truth is none."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.storage import checks, proofs
from app.web.site import Site
from proofs.questions import ENGINE, INDEPENDENT
from tests.app.web import scenes

BANNER = "Soundness alarm:"


class Board:
    """A model with one good proof and two that contradict each other."""

    def __init__(self, client: TestClient, site: Site) -> None:
        self.client, self.site = client, site
        self.digest = scenes.upload(client)
        self.modest = self.prove("cubic", correct=15, length=500)
        self.good = self.prove("brute-force", correct=20, wrong=5, length=10_000)

    def prove(self, strategy: str, variant: str = "strict", **numbers: int) -> int:
        number = scenes.request(self.client, self.digest, strategy, variant)
        scenes.finish(self.site, number, **numbers)
        return number

    def contradict(self) -> int:
        """The number of a proof that leads everything and contradicts `good`."""
        return self.prove("separable-cubic", correct=24, length=10)

    def check(self, number: int, accepted: bool | None, program: str = ENGINE) -> None:
        with self.site.database.writing() as session:
            certificate = proofs.get(session, number).certificate or ""
            message = "" if accepted else "expected at most 14 right, found <15>"
            checks.add(session, checks.NewCheck(number, certificate, f"{program} 1", accepted, message, 0.1))

    def soundness(self) -> dict[str, str]:
        return dict(self.client.get("/readyz").json()["parts"]["soundness"])

    def page(self, number: int) -> str:
        return self.client.get(f"/proofs/{number}").text


@pytest.fixture
def board(client: TestClient, site: Site) -> Board:
    return Board(client, site)


def paths(router: Any) -> Iterator[str]:
    """Of every GET of the application, as far down as routers include others."""
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from paths(route.original_router)
        elif "GET" in (getattr(route, "methods", None) or ()):
            yield route.path


def pages(app: FastAPI, board: Board, *numbers: int) -> dict[str, str]:
    """The text of everything that is answered as a page, by its address."""
    parts = {"digest": board.digest, "name": "bound"}
    found = {}
    for path in sorted(set(paths(app.router))):
        if path == "/events":
            continue  # never ends
        for number in numbers:
            address = re.sub(r"{(\w+)}", lambda part: str(parts.get(part[1], number)), path)  # noqa: B023
            answer = board.client.get(address)
            if answer.headers.get("content-type", "").startswith("text/html") and answer.status_code == 200:
                found[address] = answer.text
    return found


def drawn(answer: Any) -> set[int]:
    """Every proof that a figure marks."""
    if isinstance(answer, dict):
        mine = answer.get("customdata", [])
        return {one for one in mine if isinstance(one, int)} | {n for v in answer.values() for n in drawn(v)}
    return {n for one in answer for n in drawn(one)} if isinstance(answer, list) else set()


def fronts(board: Board) -> dict[str, set[int]]:
    """The proofs on every front there is, by where it is."""
    get = board.client.get
    found = {
        "api": {step["proof_id"] for front in get("/api/v1/front").json()["items"] for step in front["steps"]},
        "api, one model": {
            step["proof_id"]
            for front in get("/api/v1/front", params={"model": board.digest}).json()["items"]
            for step in front["steps"]
        },
        "json": {row["proof_id"] for row in get("/front.json").json()},
        "csv": {int(row["proof_id"]) for row in csv.DictReader(io.StringIO(get("/front.csv").text))},
    }
    other = scenes.upload(board.client, "another", seed=1)
    everything = "&".join(f"proof={row['id']}" for row in get("/api/v1/proofs").json()["items"])
    compared = (f"/compare?model={board.digest}&model={other}", f"/compare?{everything}")
    for path in ("/", f"/models/{board.digest}", "/figures/bound", *compared):
        text = get(path).text
        figures = re.findall(r"<script[^>]*data-figure[^>]*>(.*?)</script>", text, flags=re.DOTALL)
        assert figures, path
        path = path.split("=")[0]
        found[f"figures of {path}"] = {number for figure in figures for number in drawn(json.loads(figure))}
        for table in re.findall(r'<div class="table"[^>]*aria-label="Front.*?</table>', text, flags=re.DOTALL):
            found.setdefault(f"tables of {path}", set()).update(map(int, re.findall(r'href="/proofs/(\d+)"', table)))
    return found


def test_there_is_no_banner_without_a_cause(app: FastAPI, board: Board) -> None:
    found = pages(app, board, board.good)
    assert len(found) > 10
    assert not [path for path, text in found.items() if BANNER in text]
    assert board.soundness()["status"] == "ok"


def test_a_contradiction_is_on_every_page(app: FastAPI, board: Board) -> None:
    bad = board.contradict()
    found = pages(app, board, board.good, board.modest, bad)
    assert {"/", "/models", "/proofs", "/queue", "/strategies", "/upload", "/figures", "/reproduction"} <= found.keys()
    assert {f"/models/{board.digest}", f"/proofs/{bad}", f"/proofs/{board.modest}"} <= found.keys()
    for path, text in found.items():
        assert f"{BANNER} 2 proofs" in text, path
        assert 'href="/proofs?soundness_alarm=true"' in text, path
    for missing in ("/proofs/77", "/nowhere", "/proofs?limit=many"):
        answer = board.client.get(missing)
        assert answer.status_code >= 400
        assert f"{BANNER} 2 proofs" in answer.text, missing
    listed = found_rows(board.client.get("/proofs?soundness_alarm=true").text)
    assert listed == {board.good, bad}
    assert board.soundness()["status"] == "warning"
    assert "contradict another: 2; refused when checked again: 0" in board.soundness()["detail"]


def found_rows(text: str) -> set[int]:
    return set(map(int, re.findall(r'data-live="proof-(\d+)"', text)))


def test_both_sides_of_a_contradiction_are_kept_off_every_front(board: Board) -> None:
    before = fronts(board)
    assert all(board.good in numbers for numbers in before.values()), before
    bad = board.contradict()
    after = fronts(board)
    assert after.keys() == before.keys()
    for where, numbers in after.items():
        assert numbers == {board.modest}, where
    assert board.client.get("/api/v1/front").json()["alarms"] == 2
    assert "Proofs under a soundness alarm, kept off every front: 2." in board.client.get("/").text
    assert bad not in {proof for numbers in after.values() for proof in numbers}


def test_nothing_in_doubt_is_the_true_accuracy(board: Board) -> None:
    address = f"/api/v1/models/{board.digest}"
    assert board.client.get(address).json()["accuracy"]["label"] == "exact"
    board.contradict()
    model = board.client.get(address).json()
    assert (model["accuracy"]["lower"], model["accuracy"]["upper"]) == ("15", "25")
    assert model["best_bound"] == 0.6 - 0.6 % 2**-52
    shown = board.client.get(f"/api/v1/proofs/{board.modest}").json()
    assert (shown["tightness"], shown["doubt"], shown["soundness_alarm"]) == (None, None, False)


def test_each_side_names_the_other_and_by_how_much(board: Board) -> None:
    bad = board.contradict()
    for mine, other in ((bad, board.good), (board.good, bad)):
        text = board.page(mine)
        assert "Soundness alarm: contradicted." in text
        assert f'href="/proofs/{other}"' in text
        assert "4 too many" in text
        assert f'href="/proofs/{board.modest}"' not in text
        assert board.client.get(f"/api/v1/proofs/{mine}").json()["doubt"] == "contradicted"
    assert "Soundness alarm: contradicted." not in board.page(board.modest)


def test_the_alarm_ends_when_one_is_refused_and_the_other_confirmed(app: FastAPI, board: Board) -> None:
    bad = board.contradict()
    board.check(bad, False)
    board.check(board.good, True, INDEPENDENT)
    for path, text in pages(app, board, board.good, bad).items():
        assert f"{BANNER} 1 proof is" in text, path
    assert all(numbers == {board.modest, board.good} for numbers in fronts(board).values())
    assert "Soundness alarm: refused." in board.page(bad)
    assert "expected at most 14 right, found &lt;15&gt;" in board.page(bad)
    assert "refused when checked again: 1" in board.soundness()["detail"]
    board.check(bad, True)  # the checker had the bug: now both are confirmed, and one of them is wrong
    assert "contradict another: 2" in board.soundness()["detail"]


def test_a_refusal_alone_is_an_alarm_and_ends_with_a_confirmation(app: FastAPI, board: Board) -> None:
    board.check(board.modest, False, INDEPENDENT)
    for path, text in pages(app, board, board.modest).items():
        assert f"{BANNER} 1 proof is" in text, path
    assert all(numbers == {board.good} for numbers in fronts(board).values())
    board.check(board.modest, True, INDEPENDENT)
    assert not [path for path, text in pages(app, board, board.modest).items() if BANNER in text]
    assert all(board.modest in numbers for where, numbers in fronts(board).items() if "table" not in where)


def test_a_published_float_above_the_truth_is_no_alarm_and_on_no_front(app: FastAPI, board: Board) -> None:
    before = fronts(board)
    float_ = board.prove("cubic", "as-published", correct=22, length=10)
    assert not [path for path, text in pages(app, board, float_).items() if BANNER in text]
    assert fronts(board) == before
    assert board.soundness()["status"] == "ok"
    text = board.page(float_)
    assert "Above the truth." in text
    assert "at most 20 inputs are answered correctly (2 fewer than this number)" in text
    assert "above the truth" in board.client.get("/proofs").text
    found = board.client.get("/api/v1/front").json()
    assert (found["alarms"], found["above_truth"]) == (0, 1)
    assert "As-published bounds above the truth, kept off every front: 1." in board.client.get("/").text
