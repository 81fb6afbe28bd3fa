"""The published catalogue, a budget, counterexamples and what to try next: as pages, forms and API."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.storage import attempts
from app.storage import proofs as stored
from app.storage.records import Job, Outcome, Verdict
from app.web import asking, models, overview, proofs, queue, strategies, upload
from app.web.site import Site
from app.web.subcubic import table
from proofs.questions import BEST_WITHIN, COUNTEREXAMPLES
from proofs.strategies import BY_NAME, SUBCUBIC
from tests.app.web import scenes

HUNDRED = [strategy.name for strategy in SUBCUBIC]
ROOT = Path(__file__).parents[3]


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text[-500:]
    return answer.text


def section(text: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', text, re.DOTALL)
    assert found, name
    return found[0]


def plain(text: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", text).split())


def run_catalogue(client: TestClient, digest: str, **body: str) -> list[dict[str, object]]:
    answer = client.post(f"/api/v1/models/{digest}/catalogue", json=body)
    assert answer.status_code == 202, answer.text
    found: list[dict[str, object]] = answer.json()
    return found


def finish_catalogue(client: TestClient, site: Site, digest: str, **body: str) -> list[int]:
    """Runs it and ends the 100 as a worker would; their numbers."""
    ids = [int(str(one["id"])) for one in run_catalogue(client, digest, **body)[2:]]
    outcomes = {
        name: Outcome(Verdict.PROVED, correct=number % 20 + 1, wrong=0, lengths={"measured-v1": 1000 + number})
        for number, name in enumerate(HUNDRED)
    }
    with site.database.writing() as session:
        job = Job(ids[0], 1)
        attempts.start(session, job)
        assert attempts.finish_each(session, job, outcomes)
    return ids


def test_one_call_queues_the_catalogue_once(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    first = run_catalogue(client, digest, variant="as-published", search="mean-folded")
    assert [one["strategy"] for one in first] == ["brute-force", "cubic", *HUNDRED]
    assert {one["leader"] for one in first[2:]} == {first[2]["id"]}
    assert first[2]["parameters"] == {"search": "mean-folded"}
    assert run_catalogue(client, digest, variant="as-published", search="mean-folded") == first


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("catalogue", {"variant": "loose"}),
        ("catalogue", {"variant": "as-published", "search": "deep"}),
        ("catalogue", {"variant": "strict", "search": "uncentred"}),
        ("best", {"budget": 0}),
        ("best", {}),
        ("counterexamples", {"most": 0}),
        ("counterexamples", {"least": 3}),
    ],
)
def test_what_makes_no_sense_is_refused_and_queues_nothing(
    client: TestClient, path: str, body: dict[str, object]
) -> None:
    digest = scenes.upload(client)
    answer = client.post(f"/api/v1/models/{digest}/{path}", json=body)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]
    assert client.get("/api/v1/proofs").json()["total"] == 0


def test_an_unknown_model_is_not_found(client: TestClient) -> None:
    for path, body in (("catalogue", {}), ("best", {"budget": 5}), ("counterexamples", {})):
        assert client.post(f"/api/v1/models/{'f' * 64}/{path}", json=body).status_code == 404


def test_the_catalogue_runs_and_is_cancelled_from_the_models_page(client: TestClient) -> None:
    digest = scenes.upload(client)
    shown = section(text_of(client, f"/models/{digest}"), "catalogue")
    assert shown.count("Run all 100") == 4
    assert client.post(f"/models/{digest}/catalogue", data={"way": "as-published:uncentred"}).status_code == 303
    shown = section(text_of(client, f"/models/{digest}"), "catalogue")
    assert shown.count("Run all 100") == 3
    (cancel,) = re.findall(r'action="(/proofs/\d+/cancel-together)"', shown)
    assert client.post(cancel).status_code == 303
    ended = client.get("/api/v1/proofs?family=sub-cubic&verdict=cancelled").json()
    assert ended["total"] == 100
    assert client.post(f"/api/v1{cancel}").status_code == 409


def test_forms_lead_to_pages_and_never_to_the_api(client: TestClient) -> None:
    """Of two routes with one name the API's would be found first, and a form would be answered with JSON."""
    digest = scenes.upload(client)
    run_catalogue(client, digest, variant="strict")
    for path in (f"/models/{digest}", "/queue", "/proofs/3"):
        actions = set(re.findall(r'action="([^"]+)"', text_of(client, path)))
        assert actions
        assert [action for action in actions if action.startswith("/api")] == []


def test_every_name_of_a_page_is_found_before_one_of_the_api(app: FastAPI) -> None:
    parts = [asking, models, overview, proofs, queue, strategies, upload]
    routes = [route for part in parts for route in part.router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 20
    for route in routes:
        given = {name: 1 if name == "proof_id" else "f" * 64 for name in route.param_convertors}
        assert not app.url_path_for(route.name, **given).startswith("/api"), route.name


def test_the_queue_shows_what_is_computed_together_as_one_line(client: TestClient) -> None:
    run_catalogue(client, scenes.upload(client), variant="strict")
    text = text_of(client, "/queue")
    assert "and 99 others, computed together" in text
    assert len(re.findall(r'data-live="proof-\d+"', text)) == 3


def test_a_models_page_stays_short_with_hundreds_of_proofs(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    finish_catalogue(client, site, digest, variant="strict")
    scenes.finish(site, scenes.request(client, digest, "separable-joint"), correct=21)
    text = text_of(client, f"/models/{digest}")
    rows = re.findall(r'data-live="proof-(\d+)"', text)
    assert 3 <= len(rows) <= 35
    assert "103 proofs" in plain(section(text, "proofs"))
    assert "100 of 100" in plain(section(text, "catalogue"))


def test_an_as_published_proof_says_where_its_argument_is_no_proof(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    number = finish_catalogue(client, site, digest, variant="as-published")[0]
    text = text_of(client, f"/proofs/{number}")
    strategy = SUBCUBIC[0]
    for expected in (strategy.code, strategy.name, strategy.group, "uncentred"):
        assert expected in text
    for caveat in strategy.caveats:
        assert caveat in text.replace("&#39;", "'")
    strict = finish_catalogue(client, site, scenes.upload(client, seed=1), variant="strict")[0]
    assert "U-1" not in text_of(client, f"/proofs/{strict}")


def test_the_strategies_page_lists_the_hundred_and_what_each_option_computes(client: TestClient) -> None:
    text = text_of(client, "/strategies")
    for strategy in SUBCUBIC:
        assert f">{strategy.code}</a>" in text
        assert f"?strategy={strategy.name}" in text
    found = table()
    options = [*found.direct, *found.attention, *(row.error for row in found.rows)]
    assert len({option.formula for option in options}) == len(options) == 17
    page = (ROOT / "docs" / "strategies" / "subcubic.md").read_text()
    assert all(re.search(rf"\b{option.code}\b", page) for option in options)


def test_the_api_lists_the_hundred_on_request(client: TestClient) -> None:
    names = [one["name"] for one in client.get("/api/v1/strategies?published=true").json()["items"]]
    assert set(names) == set(BY_NAME)
    assert len(client.get("/api/v1/strategies").json()["items"]) == len(BY_NAME) - 100


@pytest.mark.parametrize("written", ["5000000", "5e6", "5,000,000", "5_000_000", "5 M", "5m"])
def test_a_budget_may_be_written_as_people_write_it(client: TestClient, written: str) -> None:
    digest = scenes.upload(client)
    answer = client.post(f"/models/{digest}/best", data={"budget": written})
    assert answer.status_code == 303
    (proof,) = client.get("/api/v1/proofs").json()["items"]
    assert (proof["strategy"], proof["parameters"]) == (BEST_WITHIN, {"budget": 5_000_000})
    assert "no more operations than the budget" in text_of(client, answer.headers["location"])


@pytest.mark.parametrize("written", ["", "many", "0", "-5", "1e99", "nan"])
def test_what_is_no_budget_is_refused_with_a_sentence(client: TestClient, written: str) -> None:
    answer = client.post(f"/models/{scenes.upload(client)}/best", data={"budget": written})
    assert answer.status_code in (400, 422)
    assert client.get("/api/v1/proofs").json()["total"] == 0


def test_the_answer_to_a_budget_is_an_ordinary_proof_with_what_was_chosen(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    asked = client.post(f"/api/v1/models/{digest}/best", json={"budget": 5_000}).json()
    chosen = {"bins": 30, "budget": 5_000}
    scenes.finish(site, asked["id"], correct=15, length=4_000, strategy="separable-joint", parameters=chosen)
    answered = client.post(f"/api/v1/models/{digest}/best", json={"budget": 5_000}).json()
    assert (answered["id"], answered["strategy"], answered["parameters"]) == (asked["id"], "separable-joint", chosen)
    page = plain(text_of(client, f"/models/{digest}"))
    assert "bins 30, budget 5,000" in page
    plain_one = scenes.request(client, digest, "separable-joint")  # without a budget: another proof
    assert plain_one != asked["id"]


def test_wrong_inputs_are_listed_on_the_model_and_on_their_own_page(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    assert client.post(f"/models/{digest}/counterexamples").status_code == 303
    (asked,) = client.get("/api/v1/proofs").json()["items"]
    one = {"tokens": [3, 1], "right": 3, "answered": 4, "logit_right": 1.25, "logit_answered": 3.5, "by": 2.25}
    content = json.dumps({"inputs": [one]}).encode()
    scenes.end(site, asked["id"], Outcome(Verdict.PROVED, wrong=1, certificate=site.blobs.put(content)))
    assert "3 1 3 4 1.25 3.50 2.25" in plain(section(text_of(client, f"/models/{digest}"), "wrong"))
    page = plain(text_of(client, f"/proofs/{asked['id']}"))
    assert "At least 1 of the 5 2 = 25 sequences are answered wrongly." in page
    assert "3 1 3 4 1.25 3.50 2.25" in page
    assert client.get("/front.json").json() == []


def test_a_model_without_wrong_inputs_is_said_to_have_none(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    asked = client.post(f"/api/v1/models/{digest}/counterexamples", json={}).json()
    assert asked["strategy"] == COUNTEREXAMPLES
    scenes.end(site, asked["id"], Outcome(Verdict.VACUOUS, "No input was found that is wrong for certain.", wrong=0))
    assert "No input was found" in section(text_of(client, f"/models/{digest}"), "wrong")


def test_the_largest_undecided_blocks_are_listed(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    proof = scenes.request(client, digest, "cubic")
    scenes.finish(site, proof, correct=15)  # blocks are filled from query 0 on: the last ones are open
    page = plain(text_of(client, f"/proofs/{proof}"))
    after = page[page.index("Largest undecided blocks") :]
    found = [int(number) for number in re.findall(r"\d+ \d+ (\d+) \d+ 0\.\d+", after)]
    assert found == sorted(found, reverse=True)
    assert sum(found) == 10
    whole = scenes.request(client, digest, "brute-force")
    scenes.finish(site, whole, correct=25)
    assert "Largest undecided blocks" not in text_of(client, f"/proofs/{whole}")


def test_the_next_best_proof_is_estimated_from_other_models_of_the_size(client: TestClient, site: Site) -> None:
    here = scenes.upload(client)
    scenes.finish(site, scenes.request(client, here, "separable-quadratic"), correct=10)
    for seed, bound in ((1, 20), (2, 22)):
        other = scenes.upload(client, seed=seed)
        scenes.finish(site, scenes.request(client, other, "separable-quadratic"), correct=12)
        scenes.finish(site, scenes.request(client, other, "separable-joint"), correct=bound, length=600)
        scenes.finish(site, scenes.request(client, other, "separable-cubic"), correct=11)  # adds nothing
    elsewhere = scenes.upload(client, n_ctx=3)  # another size says nothing about this one
    scenes.request(client, elsewhere, "brute-force")
    shown = plain(section(text_of(client, f"/models/{here}"), "budget"))
    assert "estimate" in shown
    assert "separable-joint ≈ 0.360 ≈ 600 2" in shown  # (8 + 10) / 2 of 25
    assert "separable-cubic" not in shown
    assert "brute-force" not in shown


def test_a_proof_that_ended_without_a_result_is_run_again_as_it_was_asked(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    asked = client.post(f"/api/v1/models/{digest}/best", json={"budget": 77}).json()
    scenes.end(site, asked["id"], Outcome(Verdict.ERROR, "It broke."))
    assert client.post(f"/proofs/{asked['id']}/again").status_code == 303
    again = client.get(f"/api/v1/proofs/{asked['id']}").json()
    assert (again["state"], again["attempt"], again["parameters"]) == ("queued", 2, {"budget": 77})
    with site.database.reading() as session:
        assert stored.get(session, asked["id"]).leader is None
