"""Asking for a re-check from a proof's page and over the API, and reading what came of it."""

import re

import pytest
from fastapi.testclient import TestClient

from app import numbers
from app.storage import attempts, rechecks
from app.storage.records import Job, Outcome, Verdict
from app.web.site import Site
from proofs import ENGINE_VERSION
from proofs.questions import ENGINE, INDEPENDENT
from tests.app.web import scenes


@pytest.fixture
def proof(client: TestClient, site: Site) -> int:
    number = scenes.request(client, scenes.upload(client), "cubic")
    return scenes.finish(site, number, correct=15).id


def api(client: TestClient, proof: int, checker: str = ENGINE, **headers: str) -> dict[str, object]:
    answer = client.post(f"/api/v1/proofs/{proof}/checks", json={"checker": checker}, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1/proofs/{proof}/checks"
    return dict(answer.json())


def words(text: str) -> str:
    """What a person reads, with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", text.split('id="checks"')[1].split("</section>")[0]).split())


def test_the_form_asks_a_worker_and_comes_back_to_the_page(client: TestClient, site: Site, proof: int) -> None:
    page = client.get(f"/proofs/{proof}").text
    assert "Nobody has checked this proof again yet." in page
    assert page.count('<button name="checker"') == 2
    answer = client.post(f"/proofs/{proof}/checks", data={"checker": ENGINE})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/proofs/{proof}#checks")
    page = client.get(f"/proofs/{proof}").text
    assert "queued engine, since" in words(page)
    assert page.count('<button name="checker"') == 1  # the other one
    (job,) = client.get(f"/api/v1/proofs/{proof}/checks").json()["under_way"]
    scenes.end(site, job["job"], Outcome(Verdict.PROVED, seconds=0.25))
    shown = words(client.get(f"/proofs/{proof}").text)
    assert re.search(rf"Re-checked once, on \S+ \S+ .*by local with engine {ENGINE_VERSION}: confirmed", shown), shown
    assert "250 ms" in shown


def test_the_page_counts_and_tells_of_the_last(client: TestClient, site: Site, proof: int) -> None:
    ends = [
        Outcome(Verdict.PROVED, seconds=1),
        Outcome(Verdict.TIMEOUT, "Stopped after 5 s.", seconds=5),
        Outcome(Verdict.REFUSED, "expected <4>, found 5", seconds=1),
    ]
    for end in ends:
        scenes.end(site, int(str(api(client, proof)["job"])), end)
    shown = words(client.get(f"/proofs/{proof}").text)
    assert "Re-checked 3 times, last on" in shown
    assert "refused . expected &lt;4&gt;, found 5" in shown
    assert "no answer Stopped after 5 s." in shown


def test_other_sites_cannot_ask(client: TestClient, proof: int) -> None:
    answer = client.post(f"/proofs/{proof}/checks", data={"checker": ENGINE}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert client.get(f"/api/v1/proofs/{proof}/checks").json() == {"items": [], "under_way": []}


def test_the_api_tells_what_is_under_way_and_what_came_of_it(client: TestClient, site: Site, proof: int) -> None:
    first = api(client, proof)
    assert (first["state"], first["checker"], first["asked_by"], first["proof_id"]) == (
        "queued",
        ENGINE,
        "local",
        proof,
    )
    assert api(client, proof)["job"] == first["job"]
    other = api(client, proof, INDEPENDENT)
    number = int(str(first["job"]))
    with site.database.writing() as session:
        attempts.start(session, Job(number, 1))
        assert attempts.finish(session, Job(number, 1), Outcome(Verdict.PROVED, seconds=0.5))
    found = client.get(f"/api/v1/proofs/{proof}/checks").json()
    assert [job["job"] for job in found["under_way"]] == [other["job"]]
    (item,) = found["items"]
    assert (item["verdict"], item["checker"], item["seconds"]) == ("confirmed", f"engine {ENGINE_VERSION}", 0.5)
    assert item["certificate"] == client.get(f"/api/v1/proofs/{proof}").json()["certificate"]


def test_a_request_with_a_key_is_done_once(client: TestClient, site: Site, proof: int) -> None:
    first = api(client, proof, **{"idempotency-key": "a"})
    scenes.end(site, int(str(first["job"])), Outcome(Verdict.PROVED, seconds=1))
    again = api(client, proof, **{"idempotency-key": "a"})
    assert (again["job"], again["state"]) == (first["job"], "done")
    assert api(client, proof, **{"idempotency-key": "b"})["job"] != first["job"]
    long = {"idempotency-key": "k" * (rechecks.MOST_KEY_LENGTH + 1)}
    assert client.post(f"/api/v1/proofs/{proof}/checks", json={}, headers=long).status_code == 422


def test_what_cannot_be_checked_is_refused_with_a_sentence(client: TestClient, site: Site, proof: int) -> None:
    queued = scenes.request(client, client.get(f"/api/v1/proofs/{proof}").json()["model_digest"], "separable-cubic")
    answer = client.post(f"/api/v1/proofs/{queued}/checks", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-check")
    assert client.post("/api/v1/proofs/99/checks", json={}).status_code == 404
    assert client.get("/api/v1/proofs/99/checks").status_code == 404
    assert client.post(f"/api/v1/proofs/{proof}/checks", json={"checker": "luck"}).status_code == 422
    assert client.post(f"/proofs/{proof}/checks", data={"checker": "luck"}).status_code == 400
    assert 'id="checks"' not in client.get(f"/proofs/{queued}").text


def test_the_independent_checker_is_offered_for_strict_proofs_only(client: TestClient, site: Site) -> None:
    number = scenes.request(client, scenes.upload(client), "cubic", "as-published")
    scenes.finish(site, number, correct=15)
    page = client.get(f"/proofs/{number}").text
    assert 'value="engine"' in page
    assert 'value="independent checker"' not in page
    assert "python -m proofs.checker" not in page
    assert "records a computation without error bounds" in page


def test_the_page_of_a_re_check_leads_to_its_proof(client: TestClient, site: Site, proof: int) -> None:
    job = int(str(api(client, proof)["job"]))
    cancelled = client.post(f"/proofs/{job}/cancel", data={"back": "proof"})
    assert cancelled.headers["location"] == f"/proofs/{proof}"
    assert client.post(f"/proofs/{job}/again").status_code == 303
    scenes.end(site, job, Outcome(Verdict.PROVED, seconds=1))
    page = client.get(f"/proofs/{job}").text
    assert "Confirmed." in page
    assert f'href="/proofs/{proof}#checks"' in page


def test_the_page_names_the_bundle_and_the_command_that_checks_it(client: TestClient, proof: int) -> None:
    page = client.get(f"/proofs/{proof}").text
    name = f"proof-{proof}-cubic-strict.zip"
    assert f"python -m proofs.checker {name}" in page
    bundle = client.get(f"/api/v1/proofs/{proof}/bundle")
    assert name in bundle.headers["content-disposition"]
    certificate = client.get(f"/api/v1/proofs/{proof}").json()["certificate"]
    assert certificate in page
    assert f"weights, certificate and instructions, {numbers.size(len(bundle.content))}." in page
