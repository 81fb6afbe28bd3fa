"""Dynamic programmes compiled with numba beside the same in torch, on the processor and on a GPU where there is one.

    python -m benchmarks.kernels [MODEL.safetensors] [--queries 4]

Prints seconds for a few queries and says whether counts and operations are the same, as they must be.
"""

import argparse
import time
from pathlib import Path

import torch

from proofs.checkpoint import read_model
from proofs.devices import COMPILED, counting_on
from proofs.prove import check, task_of
from proofs.strategies import BY_NAME, Variant
from proofs.tally import Tally

MODEL = Path(__file__).parent.parent / "tests/data/k10_v64_d32_seed123/weights.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=MODEL)
    parser.add_argument("--queries", type=int, default=4)
    chosen = parser.parse_args()
    model = read_model(chosen.model.read_bytes())
    task = task_of(model)
    queries = [task.d_vocab * place // chosen.queries for place in range(chosen.queries)]
    for name in ("separable-cubic", "separable-joint", "separable-quartic"):
        strategy = BY_NAME[name]
        hints = strategy.search()(model, task)
        expected = None
        for device in (COMPILED, "cpu", *(["cuda"] if torch.cuda.is_available() else [])):
            with counting_on(device):
                list(
                    check(model, strategy, Variant.STRICT, hints, queries[-1:], Tally())
                )  # compiles, or wakes the device
                tally, start = Tally(), time.perf_counter()
                found = list(check(model, strategy, Variant.STRICT, hints, queries, tally)), tally.operations
            seconds = time.perf_counter() - start
            expected = expected or found
            label = device if device == COMPILED else f"torch {device}"
            print(f"{name:18} {label:10} {seconds:8.2f} s  {'same' if found == expected else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
