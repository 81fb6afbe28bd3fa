"""Figures, reproduction and explanations: pages, their files, and what bad input gets."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save

from app.storage import explanations
from app.storage.records import Outcome, Verdict
from app.web.gallery import ENTRIES
from app.web.site import Site
from proofs.checkpoint import read_model
from proofs.explain import METHOD, Findings
from proofs.subcubic.options import BY_CODE
from tests.app.published.test_results import CUBIC, SUBCUBIC
from tests.app.web import scenes
from tests.app.web.test_pages import Reader, text_of
from tests.proofs.oracle import truth


def upload_paper_sized(client: TestClient, d_model: int = 32) -> str:
    """A (64, 4) model; its digest."""
    rng = np.random.default_rng(d_model)
    shapes: dict[str, tuple[int, ...]] = {"embed.W_E": (64, d_model), "pos_embed.W_pos": (4, d_model)}
    shapes |= {f"blocks.0.attn.W_{name}": (1, d_model, d_model) for name in "QKVO"} | {"unembed.W_U": (d_model, 64)}
    content = save({name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})
    answer = client.post("/api/v1/models", params={"name": "paper-sized"}, content=content)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["digest"])


def finish_large(site: Site, proof_id: int, *, correct: int, reference: int) -> None:
    lengths = {"measured-v1": 10**7, "reference-v1": reference}
    scenes.end(site, proof_id, Outcome(Verdict.PROVED, correct=correct, wrong=0, lengths=lengths, seconds=1.0))


FILES = ("svg", "csv", "tex", "json")
TASK = {"n_ctx": "5", "d_vocab": "64"}


def send(client: TestClient, content: str | bytes, **fields: str) -> Any:
    """An import form as a browser sends it."""
    data = content.encode() if isinstance(content, str) else content
    form = {"origin": "our runs", **TASK, **fields}
    return client.post(
        "/reproduction/results", data=form, files={"file": ("results.csv", io.BytesIO(data), "text/csv")}
    )


def origins(client: TestClient) -> list[str]:
    return re.findall(r'<span class="name" title="([^"]*)"', text_of(client, "/reproduction"))


def row(client: TestClient, name: str, source: str, *, task: str = "5-64") -> Mapping[str, Any]:
    rows = client.get("/reproduction.json", params={"task": task}).json()["rows"]
    found: Mapping[str, Any] = next(one for one in rows if one["row"] == name and one["source"] == source)
    return found


# --- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_figure_is_a_page_and_four_files(client: TestClient, site: Site, entry: Any) -> None:
    digest = scenes.full_board(client, site)
    query = f"?model={digest}" if entry.of_model else ""
    page = Reader(text_of(client, f"/figures/{entry.name}{query}"))
    for ending in FILES:
        address = f"/figures/{entry.name}.{ending}{query}"
        assert address in page.links
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
    assert ElementTree.fromstring(client.get(f"/figures/{entry.name}.svg{query}").text).tag.endswith("svg")
    assert set(client.get(f"/figures/{entry.name}.json{query}").json()) == {"data", "layout"}
    assert client.get(f"/figures/{entry.name}.csv{query}").text.startswith("series,x,y")
    assert "\\begin{axis}" in client.get(f"/figures/{entry.name}.tex{query}").text


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_figures_of_an_empty_board_say_so_or_are_empty(client: TestClient, entry: Any) -> None:
    answer = client.get(f"/figures/{entry.name}")
    assert answer.status_code == (404 if entry.of_model else 200)
    assert client.get(f"/figures/{entry.name}.svg").status_code == answer.status_code


def test_a_figure_that_does_not_exist_is_not_found(client: TestClient) -> None:
    assert client.get("/figures/nonsense").status_code == 404
    assert client.get("/figures/nonsense.svg").status_code == 404
    assert client.get("/figures/bound.pdf").status_code == 422


def test_a_drawing_by_itself_may_load_nothing(client: TestClient) -> None:
    headers = client.get("/figures/seeds.svg").headers
    assert headers["content-type"] == "image/svg+xml"
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_hostile_names_stay_names_in_every_file(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site, scenes.HOSTILE)
    for path in (f"/figures/EQKE.svg?model={digest}", "/figures/bound.svg"):
        root = ElementTree.fromstring(client.get(path).text)
        assert not [one for one in root.iter() if one.tag.endswith(("script", "img"))]
    tex = client.get(f"/figures/EQKE.tex?model={digest}").text
    assert "{{7*7}}" not in tex
    assert r"\{\{7*7\}\}" in tex


def test_unknown_words_in_the_address_are_noticed(client: TestClient) -> None:
    assert "Not understood and left out: colour" in text_of(client, "/figures/seeds?colour=red")


def test_the_overlay_lies_on_fronts_under_the_published_cost_model_only(client: TestClient, site: Site) -> None:
    digest = upload_paper_sized(client)
    finish_large(site, scenes.request(client, digest, "cubic"), correct=16_000_000, reference=35_087_840)
    shown = text_of(client, "/?overlay=published&length=reference-v1")
    assert "published sub-cubic, 0.699 ± 0.036" in shown
    assert "published before the fix" not in re.sub(r"<a [^>]*>[^<]*</a>", "", shown)
    assert "reference-v1 only" in text_of(client, "/?overlay=published&length=measured-v1")
    assert "wrong query embedding" in text_of(client, "/?overlay=published-before-the-fix&length=reference-v1")
    assert "Not understood and left out: overlay" in text_of(client, "/?overlay=mine")
    assert "published sub-cubic" in client.get("/figures/bound.tex?overlay=published&length=reference-v1").text


# --- reproduction ---------------------------------------------------------------------------------------------------


def test_the_page_sets_ours_beside_theirs(client: TestClient, site: Site) -> None:
    digest = upload_paper_sized(client)
    asked = scenes.request(client, digest, "cubic", "as-published")
    finish_large(site, asked, correct=64**4 // 2, reference=35_087_840)
    page = text_of(client, "/reproduction")
    assert "0.9531 ± 0.0087" in page
    assert "400 to the unit" in page
    rows = client.get("/reproduction.json").json()["rows"]
    ours = next(one for one in rows if (one["row"], one["source"], one["variant"]) == ("cubic", "here", "as-published"))
    assert (ours["mean"], ours["models"]) == (0.5, 1)
    assert (ours["shortest"], row(client, "cubic", "published", task="4-64")["shortest"]) == ("35087840", "35181664")


def test_models_of_another_width_are_left_out_and_said_to_be(client: TestClient, site: Site) -> None:
    digest = upload_paper_sized(client, d_model=16)
    finish_large(site, scenes.request(client, digest, "cubic"), correct=1, reference=1)
    assert "1 of another width left out" in text_of(client, "/reproduction")


def test_both_generations_are_shown_apart(client: TestClient) -> None:
    assert "0.820 ± 0.013" in text_of(client, "/reproduction?generation=pre")
    after = re.sub(r"(?s)<section id=\"differences\">.*", "", text_of(client, "/reproduction"))
    assert "0.820 ± 0.013" not in after


def test_other_tasks_and_the_csv(client: TestClient) -> None:
    assert "0.885 ± 0.012" in text_of(client, "/reproduction?task=10-128")
    lines = client.get("/reproduction.csv?task=20-64").text.splitlines()
    assert lines[0].startswith("row,source,variant,mean,sd")
    assert any("0.563" in line for line in lines)
    assert client.get("/reproduction.csv?task=99-1").status_code == 400
    assert "Not understood and left out: task" in text_of(client, "/reproduction?task=99-1")


def test_a_group_loads_its_own_results(client: TestClient) -> None:
    answer = send(client, CUBIC)
    assert answer.status_code == 303
    assert "2 results were imported" in text_of(client, answer.headers["location"])
    assert origins(client) == ["our runs"]
    found = row(client, "cubic", "our runs")
    assert found["models"] == 2
    assert found["mean"] == pytest.approx((1007867879 + 1024704921) / 2 / 64**5)
    send(client, SUBCUBIC)
    assert row(client, "sub-cubic", "our runs")["mean"] == pytest.approx(0.42209415, abs=1e-7)
    assert row(client, "cubic", "our runs")["models"] == 2  # what was there stays


def test_a_partial_import_changes_nothing_and_names_line_and_column(client: TestClient) -> None:
    broken = CUBIC.replace("1024704921.0", "lots")
    answer = send(client, broken)
    assert answer.status_code == 422
    assert "Line 3, column &#39;correct-count-lower-bound&#39;" in answer.text
    assert origins(client) == []
    send(client, CUBIC)
    assert send(client, broken).status_code == 422
    assert row(client, "cubic", "our runs")["models"] == 2


@pytest.mark.parametrize(
    ("content", "fields", "says"),
    [
        (b"\xff\xfe\x00", {}, "not UTF-8"),
        (b"", {}, "missing"),
        (CUBIC, {"n_ctx": "4"}, "max-of-4"),
        (CUBIC, {"origin": "  "}, "name for the results"),
    ],
)
def test_bad_files_and_names_are_refused_with_a_sentence(
    client: TestClient, content: bytes | str, fields: dict[str, str], says: str
) -> None:
    answer = send(client, content, **fields)
    assert answer.status_code in (400, 422)
    assert says in answer.text
    assert origins(client) == []


def test_a_large_file_is_taken_as_uploads_are(client: TestClient) -> None:
    """A file over 151 seeds and 100 strategies is larger than a form may be elsewhere."""
    header, first, _ = SUBCUBIC.split("\n", 2)
    rows = [first.replace("50,", f"{seed},", 1) for seed in range(3600)]
    content = "\n".join([header, *rows])
    assert 2**20 > len(content) > 2**19
    assert send(client, content).status_code == 303


def test_imported_results_can_be_removed(client: TestClient) -> None:
    send(client, CUBIC)
    assert client.post("/reproduction/results/remove", data={"origin": "our runs", **TASK}).status_code == 303
    assert origins(client) == []
    assert client.post("/reproduction/results/remove", data={"origin": "our runs", **TASK}).status_code == 404


def test_hostile_names_of_imports_stay_names(client: TestClient) -> None:
    send(client, CUBIC, origin=scenes.HOSTILE)
    page = text_of(client, "/reproduction?task=5-64")
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page
    cells = client.get("/reproduction.csv?task=5-64").text
    assert "\n=1+1" not in cells
    assert ",=1+1" not in cells


# --- explanations ---------------------------------------------------------------------------------------------------


def test_a_model_is_explained_when_somebody_asks_and_once(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    page = f"/models/{digest}/explanations"
    assert "Test the account on this model" in text_of(client, page)
    assert client.get(f"{page}.json").status_code == 404
    assert "No model was explained yet" in text_of(client, "/explanations")
    answer = client.post(page)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "the account" in text_of(client, page).lower()
    with site.database.reading() as session:
        stored = explanations.find(session, digest, METHOD)
    assert stored is not None
    assert Findings.of_json(client.get(f"{page}.json").json()).model == digest
    assert "a model" in text_of(client, "/explanations")


def test_findings_are_data_too(client: TestClient) -> None:
    digest = scenes.upload(client)
    client.post(f"/models/{digest}/explanations")
    lines = client.get(f"/models/{digest}/explanations.csv").text.splitlines()
    assert lines[0].startswith("kind,name,correct,draws")
    assert len(lines) == 1 + 2 * 32 + 10
    found = client.get(f"/models/{digest}/explanations.json").json()
    assert found["ablations"]["zero"]["None"]["draws"] == "25"  # every input of a (5, 2) model
    assert found["ablations"]["zero"]["None"]["label"] == "exact"


def test_exact_numbers_agree_with_the_proved_accuracy(client: TestClient) -> None:
    """Two roads to one number: the ablation of nothing, and brute force."""
    digest = scenes.upload(client)
    client.post(f"/models/{digest}/explanations")
    found = client.get(f"/models/{digest}/explanations.json").json()["ablations"]["zero"]["None"]
    assert int(found["correct"]) == sum(truth(read_model(scenes.checkpoint())).surely.values())


def test_the_page_says_which_proofs_lean_on_a_statement(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    for code, correct in (("U1-A1-E9", 3), ("U4-A1-E9", 9)):
        scenes.finish(site, scenes.request(client, digest, BY_CODE[code].long_name), correct=correct)
    client.post(f"/models/{digest}/explanations")
    page = text_of(client, f"/models/{digest}/explanations")
    line = next(one for one in re.findall(r"(?s)<tr>.*?</tr>", page) if "What the query says by itself" in one)
    assert re.findall(r">(0\.\d+)</a>", line) == ["0.120", "0.360"]


def test_an_unknown_model_has_no_explanations(client: TestClient) -> None:
    for path in (f"/models/{'0' * 64}/explanations", f"/models/{'0' * 64}/explanations.csv"):
        assert client.get(path).status_code == 404
    assert client.post(f"/models/{'0' * 64}/explanations").status_code == 404


def test_every_link_on_these_pages_leads_somewhere(client: TestClient, site: Site) -> None:
    digest = scenes.full_board(client, site, scenes.HOSTILE)
    client.post(f"/models/{digest}/explanations")
    send(client, CUBIC, origin=scenes.HOSTILE)
    for path in ("/figures", "/explanations", "/reproduction", f"/models/{digest}/explanations", "/figures/bound"):
        for link in Reader(text_of(client, path)).links:
            if not link.startswith("#"):
                assert client.get(link).status_code == 200, f"{path} links to {link}"


def test_figures_in_pages_are_json_that_cannot_close_its_element(client: TestClient, site: Site) -> None:
    scenes.full_board(client, site, scenes.HOSTILE)
    for text in re.findall(r"(?s)data-figure>(.*?)</script>", text_of(client, "/figures/bound")):
        assert json.loads(text)["data"] is not None
