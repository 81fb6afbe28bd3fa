"""`proofboard train`: a Max-of-K model by seed, written as safetensors."""

import os
from pathlib import Path

from app.cli.reports import progress
from worker.trainer import Recipe, checkpoint, train


def train_to(path: Path, recipe: Recipe) -> str:
    """Trains and writes the file, whole or not at all; the model's digest."""
    with progress() as bars:
        bar = bars.add_task("training", total=recipe.steps)

        def report(step: int, loss: float) -> None:
            bars.update(bar, completed=step, description=f"training, loss {loss:.4f}")

        model = train(recipe, report=report)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_bytes(checkpoint(model, recipe))
    os.replace(unfinished, path)
    return model.digest
