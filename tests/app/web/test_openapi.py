"""The published description of the API: frozen in the tree, with examples, and true (fuzzed)."""

import json
from pathlib import Path
from typing import Any

import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.app.web import scenes

FROZEN = Path(__file__).parents[3] / "docs" / "api" / "openapi.json"
HOST = {"host": "localhost"}
FREEZE = "PYTHONPATH=. python -m tests.app.web.freeze_openapi"


def test_the_description_in_the_tree_is_the_one_that_is_served(app: FastAPI) -> None:
    assert json.loads(FROZEN.read_text()) == app.openapi(), f"The API changed. If that is meant, run: {FREEZE}"


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, op) for path, item in app.openapi()["paths"].items() for method, op in item.items()]


def test_every_operation_says_what_it_is_for_and_how_it_fails(app: FastAPI) -> None:
    for path, method, operation in operations(app):
        assert operation["summary"], f"{method} {path}"
        if path.startswith("/api/"):
            assert "application/problem+json" in operation["responses"]["4XX"]["content"], f"{method} {path}"


def test_records_come_with_examples(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]
    for name in ("ModelOut", "ProofOut", "StrategyOut", "FrontOut", "Problem", "Wanted"):
        assert any("examples" in field for field in schemas[name]["properties"].values()), name


def test_no_request_breaks_the_description(app: FastAPI, client: TestClient) -> None:
    """Every operation with generated requests, on a board with a model and proofs: no 5xx, nothing undescribed.

    A generated page token or checkpoint fits its schema and is refused all the same: only ours are accepted.
    """
    scenes.full_board(client, app.state.site)
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=HOST)
    fuzzed = set()
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        fuzzed.add((operation.path, operation.method))

        @given(case=operation.as_strategy())
        @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def answers_as_described(case: Case[Any]) -> None:
            case.call_and_validate(headers=HOST, excluded_checks=[positive_data_acceptance])

        answers_as_described()
    assert fuzzed == {(path, method) for path, method, _ in operations(app)}
