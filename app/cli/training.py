"""`proofboard train`: a Max-of-K model by seed, written as safetensors."""

import os
from pathlib import Path

from app.cli.reports import progress
from proofs.model import Model
from worker.trainer import Recipe, checkpoint, train


def train_to(path: Path, recipe: Recipe) -> str:
    """Trains and writes the file, whole or not at all; the model's digest. Raises `OSError`."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.touch()  # a folder that is missing or read-only shows before the training, not after it
    try:
        model = _train(recipe)
        unfinished.write_bytes(checkpoint(model, recipe))
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return model.digest


def _train(recipe: Recipe) -> Model:
    with progress() as bars:
        bar = bars.add_task("training", total=recipe.steps)

        def report(step: int, loss: float) -> None:
            bars.update(bar, completed=step, description=f"training, loss {loss:.4f}")

        return train(recipe, report=report)
