"""What each strategy proves about one model, what it costs, and how that compares with the published cubic proof.

    python -m benchmarks.strategies [MODEL.safetensors]

The published cubic proof of a (64, 4, 32) model takes 35.2 million operations; its mean bound over 151 seeds is 0.953.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from proofs.catalogue import prove_catalogue
from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.prove import Claim, prove
from proofs.strategies import BY_NAME, CATALOGUE, Variant

DATA = Path(__file__).parent.parent / "tests/data"
PUBLISHED_LENGTH = 35_181_664
PUBLISHED_BOUND = 0.953
HEADINGS = ["strategy", "variant", "seconds", "measured-v1", "reference-v1", "bound", "tightness", "length", "gain"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=DATA / "k4_v64_d32_seed123/weights.safetensors")
    model = read_model(parser.parse_args().model.read_bytes())
    small = read_model((DATA / "k3_v10_d8_seed123/weights.safetensors").read_bytes())
    results = []
    for strategy, variant in ((s, variant) for s in CATALOGUE for variant in s.variants):
        prove(small, strategy, variant)  # compiles the kernels
        claims, seconds = timed(lambda s=strategy, v=variant: [prove(model, s, v)])
        results.append((strategy.name, variant, claims, seconds))
    for variant in Variant:
        list(prove_catalogue(small, variant))
        claims, seconds = timed(lambda v=variant: list(prove_catalogue(model, v)))
        results.append(("100 sub-cubic, the best", variant, claims, seconds))
    show(results)


def timed(run: Callable[[], list[Claim]]) -> tuple[list[Claim] | str, float]:
    started = perf_counter()
    try:
        return run(), perf_counter() - started
    except NotApplicable as reason:
        return str(reason), perf_counter() - started


def show(results: Sequence[tuple[str, Variant, list[Claim] | str, float]]) -> None:
    every = [claim for _, _, claims, _ in results if isinstance(claims, list) for claim in claims]
    exact = next((claim.bound.correct for claim in every if claim.bound.is_exact), None)
    table = Table(title="d_vocab {0.d_vocab}, n_ctx {0.n_ctx}".format(every[0].task))
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in ("strategy", "variant") else "right")
    for name, variant, claims, seconds in results:
        table.add_row(name, variant, f"{seconds:.2f}", *cells(claims, exact))
    console = Console(width=160)
    console.print(table)
    console.print("length, gain: measured operations and bound relative to the published cubic proof.")


def cells(claims: list[Claim] | str, exact: int | None) -> list[str]:
    if isinstance(claims, str):
        return [claims]
    claim = max(claims, key=lambda claim: claim.bound.correct)
    measured, reference = claim.lengths["measured-v1"], claim.lengths.get("reference-v1")
    bound = f"{claim.bound.accuracy:.6f}"
    return [
        f"{measured:,}",
        "" if reference is None else f"{reference:,}",
        bound if len(claims) == 1 else f"{BY_NAME[claim.strategy].code} {bound}",
        "" if exact is None else f"{claim.bound.correct / exact:.6f}",
        f"{measured / PUBLISHED_LENGTH:.3g}",
        f"{claim.bound.accuracy / PUBLISHED_BOUND:.3g}",
    ]


if __name__ == "__main__":
    main()
