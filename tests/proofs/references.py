"""Models and numbers of the reference implementation, from `tests/data` (see its README)."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from proofs.checkpoint import read_model
from proofs.model import Model

DATA = Path(__file__).parent.parent / "data"

REFERENCE: dict[str, dict[str, Any]] = json.loads((DATA / "reference.json").read_text())
"""By model name."""
FIXTURE_A: dict[str, Any] = json.loads((DATA / "fixture-A.json").read_text())
FIXTURE_B: dict[str, Any] = json.loads((DATA / "fixture-B.json").read_text())

FIELDS = {"E": "W_E", "pos": "W_pos", "Q": "W_Q", "K": "W_K", "V": "W_V", "O": "W_O", "U": "W_U"}


@cache
def trained(name: str) -> Model:
    return read_model((DATA / name / "weights.safetensors").read_bytes())


def written_out(fixture: dict[str, Any]) -> Model:
    """The model of fixture A or B."""
    weights = fixture["weights"]
    return Model.of({field: np.array(weights[key], dtype=np.float32) for key, field in FIELDS.items()})


def published_flops() -> list[dict[str, str]]:
    with (DATA / "published-flops.csv").open() as file:
        return list(csv.DictReader(file))
