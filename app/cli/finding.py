"""`proofboard counterexamples`: inputs that a model answers wrongly for certain."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from app.cli import reports
from app.cli.answering import Unanswered, answers
from app.cli.proving import Piece, limits_of, request_of
from app.storage.records import Verdict
from proofs.checkpoint import read_model
from proofs.prove import task_of
from proofs.questions import COUNTEREXAMPLES
from proofs.strategies import Variant
from worker.work import prepare


def show(checkpoint: Path, data: bytes, most: int, *, timeout: float | None, as_json: bool) -> int:
    """Finds, prints, and says with which code to end. Raises `UnreadableCheckpoint` or `UnsupportedModel`."""
    model = read_model(data)
    prepare()
    piece = Piece("counterexamples", Variant.STRICT, (COUNTEREXAMPLES,), {"most": most})
    message = ""
    try:
        ((said, found),) = answers(
            request_of(model, checkpoint, data, piece), limits_of(timeout), lambda done, of: None
        )
        verdict, message = Verdict(said["verdict"]), said.get("message", "")
    except KeyboardInterrupt:
        verdict, message, found = Verdict.CANCELLED, "Stopped by Ctrl-C.", b""
    except Unanswered as trouble:
        verdict, message, found = trouble.verdict, str(trouble), b""
    inputs: list[dict[str, Any]] = json.loads(found)["inputs"] if found else []
    if as_json:
        record = {"model": model.digest, "task": task_of(model).name, "verdict": verdict, "message": message}
        print(json.dumps({**record, "inputs": inputs}, indent=2))
    else:
        _print(inputs, message)
    return reports.code_of({verdict})


def _print(inputs: list[dict[str, Any]], message: str) -> None:
    table = reports.table("input", ">right", ">answered", ">its logit", ">that of the answer", ">wrong by")
    for one in inputs:
        logits = (f"{one[name]:.4f}" for name in ("logit_right", "logit_answered", "by"))
        table.add_row(" ".join(map(str, one["tokens"])), str(one["right"]), str(one["answered"]), *logits)
    if inputs:
        reports.print_table(table)
    if message:
        Console().print(message)
