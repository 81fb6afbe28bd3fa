"""Labels that are made once are those that the template would make each time."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from app.storage import proofs
from app.storage.records import Doubt, ProofRecord, State, Verdict
from app.web import labels, pages
from app.web.site import Site
from tests.app.web import scenes


@pytest.fixture
def proof(client: TestClient, site: Site) -> ProofRecord:
    number = scenes.request(client, scenes.upload(client), "cubic")
    scenes.finish(site, number, correct=15)
    with site.database.reading() as session:
        return proofs.get(session, number)


def test_labels_are_what_the_macros_make_of_any_proof(proof: ProofRecord) -> None:
    macros = pages.environment().get_template("_parts.html").module
    for state in State:
        for verdict in (None, *Verdict):
            for doubt in (None, *Doubt):
                for trust in ("proved", "float"):
                    one = replace(proof, state=state, verdict=verdict, doubt=doubt, trust=trust, progress=0.25)
                    for shown in (one, replace(one, correct=None)):
                        if state is not State.DONE or verdict is not None:
                            assert labels.status(shown) == macros.status(shown)  # type: ignore[attr-defined]
                        assert labels.trust(shown) == macros.trust(shown)  # type: ignore[attr-defined]
    for name in ("cubic", "no-longer-there", "<b>"):
        for variant in ("strict", "as-published"):
            assert labels.strategy(name, variant) == macros.strategy(name, variant)  # type: ignore[attr-defined]


def test_a_running_proof_shows_how_far_it_is_now(proof: ProofRecord) -> None:
    running = replace(proof, state=State.RUNNING, verdict=None, correct=None)
    assert "25 %" in labels.status(replace(running, progress=0.25))
    assert "50 %" in labels.status(replace(running, progress=0.5))
