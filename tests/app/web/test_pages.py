"""What people see: every page, empty and full, and with texts that want to be something else."""

import json
import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from app.storage.records import Outcome, Verdict
from app.web.site import Site
from tests.app.web import scenes

LISTS = ["/", "/models", "/proofs", "/queue", "/strategies", "/upload"]


class Reader(HTMLParser):
    """Collects links, elements and attributes as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @property
    def links(self) -> set[str]:
        return {str(a["href"]) for tag, a in self.elements if tag in ("a", "link") and a.get("href")}


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[-500:]}"
    return answer.text


def all_pages(client: TestClient, digest: str) -> list[str]:
    ids = [proof["id"] for proof in client.get("/api/v1/proofs").json()["items"]]
    return [*LISTS, f"/models/{digest}", *(f"/proofs/{number}" for number in ids)]


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_board_says_what_to_do_next(client: TestClient, path: str) -> None:
    page = Reader(text_of(client, path))
    assert page.links & {"/upload", "/models", "/proofs"}


def test_every_link_on_every_page_leads_somewhere(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site)
    for path in all_pages(client, digest):
        for link in Reader(text_of(client, path)).links:
            if not link.startswith("#"):
                assert client.get(link).status_code == 200, f"{path} links to {link}"


def test_hostile_texts_stay_texts_on_every_page(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site, scenes.HOSTILE)
    note = f"{scenes.HOSTILE}\n\n[click](javascript:alert(1)) <b onmouseover=alert(1)>bold</b>"
    form = {"name": scenes.HOSTILE, "notes": note, "tags": f"{scenes.HOSTILE[:60]}, ok"}
    assert client.post(f"/models/{digest}/notes", data=form).status_code == 303
    for path in all_pages(client, digest):
        page = Reader(text_of(client, path))
        scripts = [attrs for tag, attrs in page.elements if tag == "script"]
        assert all("src" in attrs or attrs.get("type") == "application/json" for attrs in scripts), path
        assert not [tag for tag, attrs in page.elements if tag == "img" or any(name.startswith("on") for name in attrs)]
        assert not [link for link in page.links if link.startswith("javascript:")]
        assert "49" not in re.findall(r"\{\{(.*?)\}\}", client.get(path).text)


def test_hostile_names_are_shown_as_they_are(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site, scenes.HOSTILE)
    assert "{{7*7}}" in text_of(client, f"/models/{digest}")
    assert "&lt;script&gt;" in text_of(client, "/models")


def test_a_name_cannot_leave_the_figure_it_is_written_in(client: TestClient, site: Site) -> None:
    scenes.full_board(client, site, "</script><script>alert(1)</script>")
    text = text_of(client, "/")
    (figure,) = re.findall(r'<script type="application/json" data-figure>(.*?)</script>', text, re.DOTALL)
    texts = [t for trace in json.loads(figure)["data"] for t in trace.get("hovertext", [])]
    assert any("&lt;/script&gt;" in t for t in texts)


def test_the_claim_is_in_words_and_in_exact_numbers(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    proof = scenes.request(client, digest, "cubic")
    scenes.finish(site, proof, correct=15)
    text = " ".join(re.sub("<[^>]+>", "", text_of(client, f"/proofs/{proof}")).split())
    assert "At least 15 of the 52 = 25 sequences are answered correctly." in text  # 5², the exponent is an element
    assert "Accuracy ≥ 0.600, rounded down" in text
    assert "best constant answer is right on 9" in text


def test_a_float_result_never_claims_to_be_a_theorem(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    proof = scenes.request(client, digest, "cubic", "as-published")
    scenes.finish(site, proof, correct=15)
    text = text_of(client, f"/proofs/{proof}")
    assert "Computed without error bounds" in text
    assert "not a theorem" in text
    assert 'class="label proved"' not in text


def test_a_claim_about_executions_says_so(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    proof = scenes.request(client, digest, "cubic", "as-executed")
    scenes.finish(site, proof, correct=15)
    text = text_of(client, f"/proofs/{proof}")
    assert "every program that computes them in float32" in text
    assert "in real arithmetic" not in text
    assert 'class="label proved"' in text
    assert "The front as executed" in text_of(client, f"/models/{digest}")


def test_a_bound_just_below_one_is_not_shown_as_one(client: TestClient, site: Site) -> None:
    total = 5**20
    digest = scenes.upload(client, n_ctx=20)
    proof = scenes.request(client, digest, "cubic")
    scenes.end(site, proof, Outcome(Verdict.PROVED, correct=total - 1, wrong=0, lengths={"measured-v1": 9}))
    for path in ("/", "/proofs", f"/models/{digest}", f"/proofs/{proof}"):
        text = text_of(client, path)
        assert "1 − 1.05e-14" in text, path
        assert "1.000" not in re.sub("<script.*?</script>", "", text, flags=re.DOTALL), path


def test_an_unknown_parameter_is_noticed_and_the_page_goes_on(client: TestClient) -> None:
    for path in ("/models?colour=red", "/proofs?colour=red", "/?colour=red"):
        assert "Not understood and left out: colour." in text_of(client, path)


def test_the_address_is_the_state_of_a_list(client: TestClient) -> None:
    for seed, name in enumerate(["alpha", "beta", "gamma"]):
        scenes.upload(client, name, seed=seed)
    text = text_of(client, "/models?name__contains=a&sort=name&limit=2")
    assert text.index("alpha") < text.index("beta")
    assert "gamma" not in text.split("<table")[1]
    following = next(link for link in Reader(text).links if "next=" in link)
    assert "name__contains=a" in following
    assert "sort=name" in following
    assert "gamma" in text_of(client, following)


def test_an_error_page_has_a_request_id_and_a_way_out(client: TestClient) -> None:
    answer = client.get("/proofs/99")
    assert answer.status_code == 404
    assert "There is no proof 99" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "/" in Reader(answer.text).links


def test_strategies_are_queued_from_the_form_and_cancelled(client: TestClient) -> None:
    digest = scenes.upload(client)
    answer = client.post(f"/models/{digest}/proofs", data={"wanted": ["cubic:strict", "cubic:as-published"]})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/models/{digest}#proofs")
    assert client.get("/api/v1/proofs").json()["total"] == 2
    assert client.post("/proofs/1/cancel", data={"back": "queue"}).headers["location"] == "/queue"
    assert client.get("/api/v1/proofs/1").json()["verdict"] == "cancelled"
    assert "Run it again" in text_of(client, "/proofs/1")
    client.post("/proofs/1/again")
    assert client.get("/api/v1/proofs/1").json()["state"] == "queued"


def test_queue_all_queues_every_variant_of_every_strategy(client: TestClient) -> None:
    digest = scenes.upload(client)
    client.post(f"/models/{digest}/proofs", data={"all": "yes"})
    offered = sum(len(one["variants"]) for one in client.get("/api/v1/strategies").json()["items"])
    assert client.get("/api/v1/proofs").json()["total"] == offered


def test_the_form_uploads_without_javascript(client: TestClient) -> None:
    file = ("my model.safetensors", scenes.checkpoint(), "application/octet-stream")
    answer = client.post("/upload", files={"file": file})
    assert answer.status_code == 303
    assert "my model" in text_of(client, answer.headers["location"])


def test_a_duplicate_upload_leads_to_the_model_that_is_there(client: TestClient) -> None:
    scenes.upload(client, "first")
    file = ("again.safetensors", scenes.checkpoint(metadata={"other": "bytes"}), "application/octet-stream")
    answer = client.post("/upload", files={"file": file})
    text = text_of(client, answer.headers["location"])
    assert "These weights were already here" in text
    assert "<h1>first</h1>" in text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04rest of a torch archive", "Pickles can run code"),
        (b"\xff" * 8 + b"{}", "announces a header of"),
        (b"", "too few for a safetensors file"),
    ],
)
def test_the_form_refuses_with_the_sentence_and_keeps_the_page(client: TestClient, content: bytes, says: str) -> None:
    answer = client.post("/upload", files={"file": ("x.safetensors", content)})
    assert answer.status_code == 422
    assert says in answer.text
    assert "data-upload" in answer.text


def test_the_form_without_a_file_says_so(client: TestClient) -> None:
    answer = client.post("/upload", data={"name": "x"})
    assert answer.status_code == 400
    assert "choose a .safetensors file first" in answer.text


def test_circuits_and_blocks_are_data(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site)
    maps = client.get(f"/models/{digest}/circuits.json")
    assert set(maps.json()) == {"OV", "QK", "direct", "QK_position", "OV_position"}
    assert "immutable" in maps.headers["cache-control"]
    assert client.get("/proofs/1/blocks.json").json()["data"][0]["z"][0][0] == 1
    assert client.get("/proofs/4/blocks.json").json()["code"] == "not-found"


def test_a_long_front_is_listed_in_part_and_says_so(
    client: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.fronts.MOST_STEPS", 2)
    digest = scenes.upload(client)
    names = ["cubic", "separable-cubic", "separable-quartic", "brute-force"]
    numbers = [scenes.request(client, digest, name) for name in names]
    for place, number in enumerate(numbers):
        scenes.finish(site, number, correct=10 + place, length=100 * 2**place)
    text = text_of(client, f"/models/{digest}?y=bound")
    steps = re.findall(r'data-live="steps-front".*?</table>', text, re.DOTALL)[0]
    assert [f"/proofs/{number}" in steps for number in numbers] == [True, False, False, True]
    assert "of a front with more than 2, so many evenly spread ones are listed." in text


def form_of(client: TestClient, digest: str) -> dict[str, str]:
    """What a browser would send if somebody saved at once."""
    elements = Reader(text_of(client, f"/models/{digest}")).elements
    return {
        str(a["name"]): str(a["value"])
        for tag, a in elements
        if tag == "input" and a.get("name") in ("version", "name", "tags")
    }


def test_two_people_who_edit_notes_at_once_lose_nothing(client: TestClient) -> None:
    digest = scenes.upload(client, "shared")
    first, second = form_of(client, digest), form_of(client, digest)
    assert client.post(f"/models/{digest}/notes", data={**first, "notes": "from the first"}).status_code == 303
    conflict = client.post(f"/models/{digest}/notes", data={**second, "notes": "<b>second</b>\r\nline", "tags": "x"})
    assert conflict.status_code == 412
    assert "from the first" in conflict.text
    assert "&lt;b&gt;second&lt;/b&gt;\nline" in conflict.text
    assert "nothing is lost" in conflict.text
    assert client.get(f"/api/v1/models/{digest}").json()["notes"] == "from the first"
    renewed = {str(a["value"]) for tag, a in Reader(conflict.text).elements if a.get("name") == "version"}
    merged = {**second, "version": renewed.pop(), "notes": "both"}
    assert client.post(f"/models/{digest}/notes", data=merged).status_code == 303
    assert client.get(f"/api/v1/models/{digest}").json()["notes"] == "both"


def test_a_filter_that_has_no_field_stays_when_the_form_is_sent_again(client: TestClient, site: Site) -> None:
    scenes.full_board(client, site)
    address = "/proofs?bound__lte=0.9&strategy=U4-A1-E9&length__lte=1e6&sort=-bound"
    elements = Reader(text_of(client, address)).elements
    sent = {
        a["name"]: a.get("value")
        for tag, a in elements
        if tag == "input" and a.get("type") != "checkbox" and "name" in a
    }
    assert sent == {
        "model_name__contains": "", "bound__gte": "", "bound__lte": "0.9", "length__lte": "1e6", "sort": "-bound",
    }  # fmt: skip
    assert "<option selected>U4-A1-E9</option>" in text_of(client, address)


def test_a_front_knows_the_list_of_what_it_draws(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site)
    for path, filters in (
        ("/", "soundness_alarm=false"),
        (f"/models/{digest}", f"model_digest={digest}&soundness_alarm=false"),
        ("/?task=2-5", "n_ctx=2&d_vocab=5&soundness_alarm=false"),
    ):
        (plot,) = (a for tag, a in Reader(text_of(client, path)).elements if "data-box" in a)
        assert (plot["data-box"], plot["data-height"]) == (f"/proofs?{filters}", "bound")
        boxed = client.get(f"/proofs.json?{filters}&bound__gte=0.7&bound__lte=1&length__gte=1&length__lte=1e9").json()
        assert [proof["strategy"] for proof in boxed["items"]] == ["brute-force"]
    assert "data-box" not in text_of(client, "/?length=reference-v1")
