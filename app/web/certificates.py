"""Reads the counts out of a stored certificate, for display."""

import json
from typing import Any

from app.errors import DamagedBlob
from proofs.bound import Bound, Counts
from proofs.errors import CheckRefused
from proofs.task import MaxOfK


def blocks(content: bytes, task: MaxOfK) -> tuple[Counts, ...]:
    """What a proof certified, query by query. Raises `DamagedBlob` for anything that cannot be true of the task."""
    try:
        found = [_counts(row) for row in json.loads(content)["blocks"]]
        return Bound.of(task, found).blocks
    except (CheckRefused, ValueError, KeyError, TypeError) as error:
        raise DamagedBlob(
            f"The certificate cannot be read ({type(error).__name__}). Request the proof again."
        ) from error


def _counts(row: Any) -> Counts:
    wrong = row["wrong"]
    return Counts(
        query=row["query"],
        certified=tuple(int(count) for count in row["certified"]),
        wrong=None if wrong is None else tuple(int(count) for count in wrong),
    )
