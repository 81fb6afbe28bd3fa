"""Addresses equal the router's, and nothing in them is taken for more than it is."""

import pytest
from fastapi import FastAPI
from starlette.routing import NoMatchFound

from app.web.site import Site


def test_an_address_is_the_routers(app: FastAPI, site: Site) -> None:
    for _ in range(2):  # looked up, then remembered
        assert site.addresses("proof", proof_id=7) == app.url_path_for("proof", proof_id=7) == "/proofs/7"
        assert site.addresses("models") == app.url_path_for("models")


def test_a_part_cannot_add_to_the_path(site: Site) -> None:
    assert site.addresses("model", digest="a/../b?c#d{e}") == "/models/a%2F..%2Fb%3Fc%23d%7Be%7D"


def test_an_unknown_name_is_a_bug_that_shows(site: Site) -> None:
    with pytest.raises(NoMatchFound):
        site.addresses("nowhere")
