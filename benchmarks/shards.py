"""How long one long proof takes one process, and several that share it; and that they make the same certificate.

    python -m benchmarks.shards [MODEL.safetensors] [--strategy NAME] [--processes 1 2]

The seconds are wall-clock, fork server and putting together included, in the same run: compare them, not runs.
"""

import argparse
import hashlib
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from app.cli.answering import answers_of_several
from app.cli.proving import limits_of
from proofs.certificate import digest_of
from proofs.checkpoint import read_model
from proofs.prove import task_of
from proofs.splitting import shards
from proofs.strategies import BY_NAME, Variant
from worker.messages import Request
from worker.work import prepare

DATA = Path(__file__).parent.parent / "tests/data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=DATA / "k5_v64_d32_seed123/weights.safetensors")
    parser.add_argument("--strategy", choices=list(BY_NAME), default="brute-force", metavar="NAME")
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2], metavar="N")
    asked = parser.parse_args()
    task = task_of(read_model(asked.model.read_bytes()))
    request = request_of(asked.model, asked.strategy)
    if (of := shards(asked.strategy, task)) == 1:
        parser.error(f"{asked.strategy} is too short on this model to be split.")
    prepare()
    small = DATA / "k3_v10_d8_seed123/weights.safetensors"
    timed(request_of(small, "separable-quadratic"), 1)  # until the fork server has loaded and compiled everything
    table = Table(title=f"{asked.strategy}, d_vocab {task.d_vocab}, n_ctx {task.n_ctx}, {of} shards")
    for heading in ("processes", "seconds", "faster", "certificate"):
        table.add_column(heading, justify="right")
    first = 0.0
    for processes in asked.processes:
        seconds, certificate = timed(request, processes)
        first = first or seconds
        table.add_row(str(processes), f"{seconds:.1f}", f"{first / seconds:.2f}x", digest_of(certificate)[:16])
    Console().print(table)


def request_of(checkpoint: Path, strategy: str) -> Request:
    data = checkpoint.read_bytes()
    return Request(read_model(data).digest, checkpoint, hashlib.sha256(data).hexdigest(), strategy, Variant.STRICT)


def timed(request: Request, processes: int) -> tuple[float, bytes]:
    """Seconds and the certificate."""
    task = task_of(read_model(request.checkpoint.read_bytes()))
    started = perf_counter()
    ((_, certificate),) = answers_of_several(
        request, limits_of(None), lambda done, of: None, task=task, processes=processes
    )
    return perf_counter() - started, certificate


if __name__ == "__main__":
    main()
