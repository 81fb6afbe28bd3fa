"""Every list is data, with full precision, and safe to open in a spreadsheet."""

import csv
import io

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.web import rows
from app.web.exports import cell
from app.web.site import Site
from tests.app.web import scenes


def table(client: TestClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_becomes_text(start: str) -> None:
    assert cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_numbers_stay_numbers(value: float) -> None:
    assert cell(value) == value


def test_a_hostile_name_is_defused_in_every_export(client: TestClient, site: Site) -> None:
    scenes.full_board(client, site, scenes.HOSTILE)
    for path, column in (("/models.csv", "name"), ("/proofs.csv", "model_name"), ("/front.csv", "model_name")):
        names = {row[column] for row in table(client, path)}
        assert names == {f"'{scenes.HOSTILE}"}, path


def test_exports_keep_every_digit(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    proof = scenes.request(client, digest, "cubic")
    scenes.finish(site, proof, correct=17, length=2**70)
    (row,) = table(client, "/proofs.csv")
    record = client.get(f"/api/v1/proofs/{proof}").json()
    assert row["length_measured_v1"] == str(2**70)
    assert float(row["bound"]) == record["bound"]
    assert row["correct"] == "17"


def test_csv_has_every_row_and_json_the_page(client: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    for seed in range(5):
        scenes.upload(client, f"m{seed}", seed=seed)
    assert [row["name"] for row in table(client, "/models.csv?sort=name")] == [f"m{n}" for n in range(5)]
    page = client.get("/models.json?sort=name&limit=2").json()
    assert [row["name"] for row in page["items"]] == ["m0", "m1"]
    assert page["total"] == 5
    assert [row["name"] for row in table(client, "/models.csv?name=m3")] == ["m3"]


def test_strategies_are_data_too(client: TestClient) -> None:
    names = [row["name"] for row in table(client, "/strategies.csv")]
    assert names == [one["name"] for one in client.get("/strategies.json").json()["items"]]
    assert "brute-force" in names
