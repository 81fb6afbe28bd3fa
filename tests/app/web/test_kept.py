"""An answer is kept while nobody writes, and never longer."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.storage import attempts, proofs
from app.storage.records import Job
from app.web.kept import Answer, Kept
from app.web.site import Site
from tests.app.web import scenes

PAGES = [
    "/",
    "/models",
    "/proofs",
    "/proofs?sort=-bound",
    "/api/v1/front",
    "/api/v1/proofs",
    "/api/v1/models?sort=name",
]


def progress(site: Site, digest: str) -> None:
    with site.database.writing() as session:
        (running,) = (p for p in proofs.page(session, model_digest=digest).items if p.state == "running")
        assert attempts.progress(session, Job(running.id, 1), 0.77, "further")


@pytest.mark.parametrize("path", PAGES)
def test_the_same_address_is_not_made_twice_while_nobody_writes(
    client: TestClient, site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.full_board(client, site)
    first = client.get(path)
    monkeypatch.setattr("app.web.pages.render", None)
    monkeypatch.setattr(proofs, "page", None)
    monkeypatch.setattr(proofs, "kept_off", None)
    again = client.get(path)
    assert (again.status_code, again.text, again.headers["content-type"]) == (
        200,
        first.text,
        first.headers["content-type"],
    )
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert plain.text == first.text
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_that_has_the_answer_is_told_so(client: TestClient, site: Site, path: str) -> None:
    digest = scenes.full_board(client, site)
    tag = client.get(path).headers["etag"]
    known = client.get(path, headers={"if-none-match": tag})
    assert (known.status_code, known.content) == (304, b"")
    progress(site, digest)
    assert client.get(path, headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "write", "shows"),
    [
        ("/", lambda client, site, digest: progress(site, digest), "77 %"),
        ("/proofs", lambda client, site, digest: progress(site, digest), "77 %"),
        ("/", lambda client, site, digest: scenes.upload(client, "second", seed=9), "2 models"),
        ("/models", lambda client, site, digest: scenes.upload(client, "second", seed=9), "second"),
        ("/", lambda client, site, digest: rename(client, digest), "Renamed"),
        ("/models", lambda client, site, digest: rename(client, digest), "Renamed"),
        ("/proofs", lambda client, site, digest: rename(client, digest), "Renamed"),
        ("/api/v1/front", lambda client, site, digest: rename(client, digest), "Renamed"),
        ("/api/v1/models", lambda client, site, digest: rename(client, digest), "Renamed"),
        ("/api/v1/proofs", lambda client, site, digest: progress(site, digest), "0.77"),
    ],
)
def test_whatever_is_written_shows_at_once(
    client: TestClient, site: Site, path: str, write: Callable[[TestClient, Site, str], None], shows: str
) -> None:
    digest = scenes.full_board(client, site)
    assert shows not in client.get(path).text
    write(client, site, digest)
    assert shows in client.get(path).text


def rename(client: TestClient, digest: str) -> None:
    assert client.patch(f"/api/v1/models/{digest}", json={"name": "Renamed"}).status_code == 200


def test_other_addresses_have_other_answers(client: TestClient, site: Site) -> None:
    scenes.full_board(client, site)
    assert client.get("/proofs").text != client.get("/proofs?strategy=cubic").text
    assert client.get("/proofs?colour=red").text != client.get("/proofs").text


def test_errors_are_not_kept(client: TestClient, site: Site) -> None:
    assert client.get("/proofs?limit=x").status_code == 400
    assert client.get("/proofs?limit=x").status_code == 400
    assert not site.kept._answers


def test_there_is_room_for_so_many_bytes_and_the_oldest_go() -> None:
    kept = Kept(most_bytes=10)
    for name in "abc":
        kept._keep(name, Answer(1, b"1234", "text/plain"))
    assert list(kept._answers) == ["b", "c"]
    kept._keep("b", Answer(2, b"12345678", "text/plain"))
    assert (list(kept._answers), kept._bytes) == (["b"], 8)
