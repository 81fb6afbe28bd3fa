"""Findings about models, stored once."""

import pytest

from app.storage import explanations, models
from app.storage.engine import Database
from proofs.explain import METHOD, Findings, explain
from tests.app.storage.samples import new_model
from tests.proofs.references import trained


@pytest.fixture
def digest(database: Database) -> str:
    with database.writing() as session:
        return models.add(session, new_model())[0].digest


def put(database: Database, digest: str, findings: Findings, draws: int) -> None:
    with database.writing() as session:
        explanations.put(
            session, digest=digest, method=METHOD, draws=draws, story=0.5, ratio=None, findings=findings.as_json()
        )


def test_findings_come_back_as_they_were(database: Database, digest: str) -> None:
    findings = explain(trained("k3_v10_d8_seed123"), draws=200)
    put(database, digest, findings, 200)
    with database.reading() as session:
        found = explanations.find(session, digest, METHOD)
        assert found is not None
        assert Findings.of_json(found.findings) == findings
        assert explanations.find(session, digest, "another method") is None


def test_fewer_draws_never_replace_more(database: Database, digest: str) -> None:
    findings = explain(trained("k3_v10_d8_seed123"), draws=100)
    for draws in (500, 100, 700):
        put(database, digest, findings, draws)
        with database.reading() as session:
            found = explanations.find(session, digest, METHOD)
        assert found is not None
        assert found.draws == max(500, draws)


def test_models_without_an_explanation_are_known(database: Database, digest: str) -> None:
    with database.reading() as session:
        assert explanations.missing(session, METHOD) == [digest]
        assert explanations.explained(session, METHOD) == []
    put(database, digest, explain(trained("k3_v10_d8_seed123"), draws=100), 100)
    with database.reading() as session:
        assert explanations.missing(session, METHOD) == []
        (one,) = explanations.explained(session, METHOD)
        assert (one.model_digest, one.story, one.ratio) == (digest, 0.5, None)
        assert set(explanations.widths(session)) == {digest}
