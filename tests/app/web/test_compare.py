"""Proofs beside proofs, models beside models."""

import re

import pytest
from fastapi.testclient import TestClient

from app.web.site import Site
from tests.app.web import scenes


def two_proofs(client: TestClient, site: Site) -> tuple[str, int, int]:
    digest = scenes.upload(client)
    weak, strong = (scenes.request(client, digest, name) for name in ("cubic", "brute-force"))
    scenes.finish(site, weak, correct=15, length=500)
    scenes.finish(site, strong, correct=20, wrong=5, length=10_000)
    return digest, weak, strong


def first_column(text: str) -> list[str]:
    table = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[0]
    return re.findall(r'<th scope="row".*?href="([^"]+)"', table, re.DOTALL)


def test_proofs_stand_beside_each_other_best_bound_first(client: TestClient, site: Site) -> None:
    _, weak, strong = two_proofs(client, site)
    page = client.get(f"/compare?proof={weak}&proof={strong}&proof={weak}")
    assert page.status_code == 200
    assert first_column(page.text) == [f"/proofs/{strong}", f"/proofs/{weak}"]
    assert "2 proofs compared" in page.text
    assert re.findall(r'<td class="num">(1\.00|20\.0)</td>', page.text) == ["20.0", "1.00"]  # times the shortest


def test_models_stand_beside_each_other_with_their_fronts(client: TestClient, site: Site) -> None:
    digest, weak, strong = two_proofs(client, site)
    bare = scenes.upload(client, "bare", seed=3)
    text = client.get(f"/compare?model={digest}&model={bare}").text
    assert first_column(text) == [f"/models/{digest}", f"/models/{bare}"]
    assert f'href="/proofs/{strong}"' in text
    assert f'href="/proofs/{weak}"' in text


def test_other_ways_to_look_keep_what_is_compared(client: TestClient, site: Site) -> None:
    _, weak, strong = two_proofs(client, site)
    chosen = f"/compare?proof={weak}&proof={strong}"
    links = re.findall(r'href="(/compare\?[^"]+)"', client.get(chosen).text)
    assert links
    for link in links:
        address = link.replace("&amp;", "&")
        assert address.startswith(chosen)
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?proof=1", "?proof=1&proof=1", "?" + "&".join(f"proof={n}" for n in range(1, 53))]
)
def test_fewer_than_two_and_more_than_fifty_are_refused_with_what_to_do(client: TestClient, query: str) -> None:
    answer = client.get(f"/compare{query}")
    assert answer.status_code == 400
    assert "from 2 to 50" in answer.text


def test_proofs_and_models_are_not_mixed(client: TestClient, site: Site) -> None:
    digest, weak, _ = two_proofs(client, site)
    answer = client.get(f"/compare?proof={weak}&model={digest}")
    assert (answer.status_code, "not both" in answer.text) == (400, True)


def test_what_is_not_there_is_not_found(client: TestClient, site: Site) -> None:
    _, weak, _ = two_proofs(client, site)
    assert client.get(f"/compare?proof={weak}&proof=999").status_code == 404
    assert client.get(f"/compare?model={'0' * 64}&model={'1' * 64}").status_code == 404


def test_lists_have_boxes_that_send_what_the_page_understands(client: TestClient, site: Site) -> None:
    digest, weak, strong = two_proofs(client, site)
    for path, name, values in (
        ("/proofs", "proof", {str(weak), str(strong)}),
        (f"/models/{digest}", "proof", {str(weak), str(strong)}),
        ("/models", "model", {digest}),
    ):
        text = client.get(path).text
        boxes = re.findall(rf'<input type="checkbox" name="{name}" value="(\w+)" form="compare"', text)
        assert set(boxes) == values
        assert '<form id="compare" method="get" action="/compare">' in text
