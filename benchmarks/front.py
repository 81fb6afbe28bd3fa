"""Our front beside the published one, on the same weights, for each shared model.

    python -m benchmarks.front [MODEL ...]

For every point of the reference's own front (`tests/data/reference.json`: the strategies as published, their bounds on these
weights and their lengths under `reference-v1`) the table gives our shortest sound proof that is at least as tight, our
tightest that is at least as short (`measured-v1`), the ratio of operations at that bound and the difference of bounds
at that length.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.table import Table

from proofs.budget import candidates
from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.frontier import front
from proofs.model import Model
from proofs.prove import prove
from proofs.questions import MOST_BUDGET
from proofs.strategies import Variant

DATA = Path(__file__).parent.parent / "tests/data"
MOST_INPUTS = 2**31
"""Beyond this, exact strategies are left out: they would take minutes."""


@dataclass(frozen=True)
class Point:
    name: str
    length: int
    correct: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="folders of tests/data")
    reference = json.loads((DATA / "reference.json").read_text())
    for name in parser.parse_args().models or list(reference):
        model = read_model((DATA / name / "weights.safetensors").read_bytes())
        theirs = pareto(published(reference[name]))
        mine = pareto(ours(model, [point.length for point in theirs]))
        show(name, mine, theirs, model.d_vocab**model.n_ctx)


def published(record: dict) -> Iterator[Point]:  # type: ignore[type-arg]
    yield Point("cubic", record["cubic"]["flop"], record["cubic"]["correct"])
    for name, row in record["subcubic"].items():
        yield Point(name, row["flop"], row["correct"])


def ours(model: Model, budgets: list[int]) -> Iterator[Point]:
    made_to_measure = (one for budget in budgets for one in candidates(model, budget) if "blocks" in one.hints)
    for candidate in chain(candidates(model, MOST_BUDGET), made_to_measure):
        if candidate.strategy.name in ("brute-force", "separable-exact") and model.d_vocab**model.n_ctx > MOST_INPUTS:
            continue
        try:
            made = prove(model, candidate.strategy, Variant.STRICT, hints=candidate.hints)
        except NotApplicable:
            continue
        settings = " ".join(f"{key}={value}" for key, value in candidate.hints.items() if isinstance(value, int))
        yield Point(f"{candidate.strategy.name} {settings}", made.lengths["measured-v1"], made.bound.correct)


def pareto(points: Iterator[Point]) -> list[Point]:
    return front(list(points), length=lambda point: point.length, bound=lambda point: point.correct)


def show(name: str, mine: list[Point], theirs: list[Point], total: int) -> None:
    table = Table(title=name)
    for heading in (
        "published",
        "length",
        "bound",
        "ours, as tight",
        "length",
        "operations",
        "ours, as short",
        "bound",
        "gain",
    ):
        table.add_column(
            heading, justify="left" if heading in ("published", "ours, as tight", "ours, as short") else "right"
        )
    for point in theirs:
        tight = next((p for p in mine if p.correct >= point.correct), None)
        short = next((p for p in reversed(mine) if p.length <= point.length), None)
        table.add_row(
            point.name.replace("EUPU", "").replace("AttnErr", " ").replace("Attn", " ")[:44],
            f"{point.length:,}",
            f"{point.correct / total:.4f}",
            tight.name if tight else "none",
            f"{tight.length:,}" if tight else "",
            f"{tight.length / point.length:.3f}" if tight else "",
            short.name if short else "none",
            f"{short.correct / total:.6f}" if short else "",
            f"{(short.correct - point.correct) / total:+.4f}" if short else "",
        )
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
