"""`python -m app.cli.prepare`: what must stand before server and worker start. Safe to repeat, and to run twice at once.

A process of its own, so that the server that it prepares for stays small.
"""

import json
import sys
from pathlib import Path

from app.errors import AppError
from app.settings import Settings
from app.storage import engine, models, proofs, queue, schema
from app.storage.blobs import BlobStore
from app.storage.records import NewModel
from proofs.checkpoint import read_model
from proofs.prove import task_of
from proofs.strategies import USUAL

DEMO = Path(__file__).resolve().parents[2] / "demo"


def main() -> int:
    settings = Settings()
    try:
        schema.upgrade(settings.database_url)
        load_demo_models(settings)
    except AppError as error:
        print(f"proofboard: {error.message}", file=sys.stderr)
        return 1
    return 0


def load_demo_models(settings: Settings) -> None:
    """Stores the models that ship with Proofboard and queues the usual proofs for those that were not there yet."""
    blobs = BlobStore(settings.blob_dir)
    database = engine.connect(settings.database_url)
    jobs = queue.connect(database)
    try:
        for path in sorted(DEMO.glob("*.safetensors")):
            new = demo_model(path, blobs)
            with database.writing() as session:
                model, is_new = models.add(session, new)
                if is_new:
                    proofs.request(session, jobs, model_digest=model.digest, wanted=USUAL)
    finally:
        database.dispose()


def demo_model(path: Path, blobs: BlobStore) -> NewModel:
    content = path.read_bytes()
    model = read_model(content)
    return NewModel(
        digest=model.digest,
        name=path.stem,
        task=task_of(model).name,
        n_ctx=model.n_ctx,
        d_vocab=model.d_vocab,
        d_model=model.d_model,
        d_head=model.d_head,
        has_biases=model.has_biases,
        source="demo",
        blob=blobs.put(content),
        size_bytes=len(content),
        seed=seed_of(content),
        notes="Ships with Proofboard, trained by `make demo-models` with the published recipe.",
    )


def seed_of(content: bytes) -> int:
    """From the recipe that our trainer writes into the file."""
    length = int.from_bytes(content[:8], "little")
    recipe = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["recipe"])
    return int(recipe["seed"])


if __name__ == "__main__":
    sys.exit(main())
