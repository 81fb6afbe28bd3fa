"""Files of ours come from our origin, compressed, for ever, and nothing else comes."""

import re

import pytest
from fastapi.testclient import TestClient

from app.web.assets import FOLDER, PLOTLY


def test_a_page_names_its_files_with_their_digests(client: TestClient) -> None:
    addresses = re.findall(r'(?:src|href|content)="(/static/[^"]+)"', client.get("/").text)
    assert len(addresses) >= 6
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_plotly_is_served_compressed_and_whole(client: TestClient) -> None:
    packed = client.get(f"/static/{PLOTLY}", headers={"accept-encoding": "gzip"})
    plain = client.get(f"/static/{PLOTLY}", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 1_600_000
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # the client unpacks
    assert b"plotly.js v" in plain.content[:200]


def test_a_file_comes_as_it_is_in_the_tree(client: TestClient) -> None:
    assert client.get("/static/site.css").content == (FOLDER / "site.css").read_bytes()


@pytest.mark.parametrize(
    "name", ["nope.js", "..%2fapp%2fsettings.py", "%2e%2e%2fpyproject.toml", "site.css%00", "/etc/passwd"]
)
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
