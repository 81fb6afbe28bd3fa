"""What each strategy proves about one model, what it costs, and how that compares with the published cubic proof.

    python -m benchmarks.strategies [MODEL.safetensors]

The published cubic proof of a (64, 4, 32) model takes 35.2 million operations; its mean bound over 151 seeds is 0.953.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.prove import Claim, prove
from proofs.strategies import CATALOGUE, Strategy, Variant

DEFAULT = Path(__file__).parent.parent / "tests/data/k4_v64_d32_seed123/weights.safetensors"
PUBLISHED_LENGTH = 35_181_664
PUBLISHED_BOUND = 0.953
WARM_UP = Path(__file__).parent.parent / "tests/data/k3_v10_d8_seed123/weights.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=DEFAULT)
    model = read_model(parser.parse_args().model.read_bytes())
    small = read_model(WARM_UP.read_bytes())
    rows = []
    for strategy, variant in ((s, variant) for s in CATALOGUE for variant in s.variants):
        timed(small, strategy, variant)  # compiles the kernels
        rows.append((strategy, variant, *timed(model, strategy, variant)))
    show(model, rows)


def timed(model: Model, strategy: Strategy, variant: Variant) -> tuple[Claim | str, float]:
    started = time.perf_counter()
    try:
        return prove(model, strategy, variant), time.perf_counter() - started
    except NotApplicable as reason:
        return str(reason), time.perf_counter() - started


def show(model: Model, rows: Sequence[tuple[Strategy, Variant, Claim | str, float]]) -> None:
    claims = [claim for _, _, claim, _ in rows if isinstance(claim, Claim)]
    exact = next((claim.bound.correct for claim in claims if claim.bound.is_exact), None)
    table = Table(title=f"d_vocab {model.d_vocab}, n_ctx {model.n_ctx}, d_model {model.d_model}")
    for heading in (
        "strategy",
        "variant",
        "seconds",
        "measured-v1",
        "reference-v1",
        "bound",
        "tightness",
        "length",
        "gain",
    ):
        table.add_column(heading, justify="left" if heading in ("strategy", "variant") else "right")
    for strategy, variant, claim, seconds in rows:
        table.add_row(strategy.name, variant, f"{seconds:.2f}", *cells(claim, exact))
    console = Console(width=160)
    console.print(table)
    console.print("length, gain: measured operations and bound relative to the published cubic proof.")


def cells(claim: Claim | str, exact: int | None) -> list[str]:
    if isinstance(claim, str):
        return [claim]
    measured = claim.lengths["measured-v1"]
    reference = claim.lengths.get("reference-v1")
    return [
        f"{measured:,}",
        "" if reference is None else f"{reference:,}",
        f"{claim.bound.accuracy:.6f}",
        "" if exact is None else f"{claim.bound.correct / exact:.6f}",
        f"{measured / PUBLISHED_LENGTH:.3g}",
        f"{claim.bound.accuracy / PUBLISHED_BOUND:.3g}",
    ]


if __name__ == "__main__":
    main()
