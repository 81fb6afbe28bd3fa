"""What the second statement costs: bound, operations and seconds of each strategy as executed, beside strict.

`python -m benchmarks.float32 [weights.safetensors …]`; without arguments the demo models.
"""

import sys
from pathlib import Path
from time import perf_counter

from proofs.checkpoint import read_model
from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.prove import Claim, prove
from proofs.strategies import CATALOGUE, SUBCUBIC, Strategy, Variant

DEMO = Path(__file__).parent.parent / "demo"
BEST_SUBCUBIC = SUBCUBIC[0]


def main(paths: list[Path]) -> None:
    for path in paths or sorted(DEMO.glob("*.safetensors")):
        model = read_model(path.read_bytes())
        print(f"\n{path.stem}: (d_vocab {model.d_vocab}, n_ctx {model.n_ctx}, d_model {model.d_model})")
        print(f"{'strategy':<22}{'strict':>14}{'loss of bound':>15}{'operations':>16}{'x':>7}{'seconds':>9}{'x':>7}")
        for strategy in (*CATALOGUE, BEST_SUBCUBIC):
            try:
                _compare(model, strategy)
            except NotApplicable as reason:
                print(f"{strategy.code or strategy.name:<22}{str(reason)[:90]}")


def _compare(model: Model, strategy: Strategy) -> None:
    prove(model, strategy, Variant.STRICT)  # compiles the kernels
    strict, strict_s = _timed(model, strategy, Variant.STRICT)
    executed, executed_s = _timed(model, strategy, Variant.AS_EXECUTED)
    loss = (strict.bound.correct - executed.bound.correct) / strict.bound.total
    before, after = strict.lengths["measured-v1"], executed.lengths["measured-v1"]
    print(
        f"{strategy.code or strategy.name:<22}{strict.bound.accuracy:>14.9f}{loss:>15.2e}{after:>16,}{after / before:>7.2f}"
        f"{executed_s:>9.3f}{executed_s / strict_s:>7.2f}"
    )


def _timed(model: Model, strategy: Strategy, variant: Variant) -> tuple[Claim, float]:
    started = perf_counter()
    made = prove(model, strategy, variant)
    return made, perf_counter() - started


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
