"""What holds for every request."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.app.web import scenes

PATHS = ["/", "/models", "/api/v1/models", "/static/site.css", "/nope", "/livez"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example:8000"])
def test_another_host_name_gets_no_answer(client: TestClient, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:9", "[::1]:8000", "[::1]"])
def test_the_own_host_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:1234"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    ],
)
def test_another_sites_page_changes_nothing(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/models", content=scenes.checkpoint(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-origin")
    assert client.get("/api/v1/models", headers=headers).json()["total"] == 0


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "http://localhost"}, {"origin": "null", "sec-fetch-site": "same-origin"}]
)
def test_own_pages_and_programs_may(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/models", content=scenes.checkpoint(), headers=headers).status_code == 201


def test_every_changing_route_is_guarded(client: TestClient, app: FastAPI) -> None:
    changing = [
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if method not in ("get", "head")
    ]
    forms = [("POST", f"/models/{'0' * 64}/proofs"), ("POST", "/upload"), ("POST", "/proofs/1/cancel")]
    assert len(changing) >= 4
    for method, path in changing + forms:
        address = path.replace("{digest}", "0" * 64).replace("{sha256}", "0" * 64).replace("{proof_id}", "1")
        answer = client.request(method, address, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403, f"{method} {path}"


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-request-id"]


def test_a_form_may_not_be_as_large_as_a_file(client: TestClient) -> None:
    digest = scenes.upload(client)
    answer = client.post(f"/models/{digest}/notes", data={"name": "x", "notes": "y" * 2_000_000})
    assert answer.status_code in (413,) or "larger" in answer.text


def test_a_request_id_that_is_no_id_is_replaced(client: TestClient) -> None:
    given = "x<script>"
    assert client.get("/livez", headers={"x-request-id": given}).headers["x-request-id"] != given
