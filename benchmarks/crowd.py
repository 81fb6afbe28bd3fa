"""A database as large as wanted, with results that look like real ones: for measuring pages, never for reading numbers.

    python -m benchmarks.crowd FOLDER [--proofs 100000]

Models are of four tasks; each has the catalogue's strategies in both variants. Longer proofs are stronger, with noise. One
proof in a hundred ended without a result, a few wait or run, and the sub-cubic ones of a model were asked for together.
"""

import argparse
import hashlib
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.settings import Settings
from app.storage import schema
from app.storage.engine import connect
from app.storage.tables import ModelRow, ProofRow, RevisionRow
from proofs import ENGINE_VERSION
from proofs.strategies import CATALOGUE, SUBCUBIC, Strategy, Variant

TASKS = ((4, 64), (4, 64), (4, 64), (5, 64), (10, 64), (20, 64))
PER_MODEL = 250
BATCH = 5000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--proofs", type=int, default=100_000)
    given = parser.parse_args()
    fill(Settings(data_dir=given.folder), given.proofs)


def fill(settings: Settings, proofs: int) -> None:
    """Makes the database with so many proofs of a model for every 250."""
    schema.upgrade(settings.database_url)
    database = connect(settings.database_url)
    known = list(models(max(1, proofs // PER_MODEL)))
    rows = islice((row for model in known for row in of_model(model)), proofs)
    with database.writing() as session:
        session.execute(sa.insert(ModelRow), known)
        while batch := list(islice(rows, BATCH)):
            session.execute(sa.insert(ProofRow), batch)
        session.execute(sa.update(RevisionRow).values(last=proofs))
    database.dispose()


def models(number: int) -> Iterator[Row]:
    for seed in range(number):
        n_ctx, d_vocab = TASKS[seed % len(TASKS)]
        total = d_vocab**n_ctx
        digest = hashlib.sha256(f"model {seed}".encode()).hexdigest()
        yield {
            "digest": digest, "name": f"max-of-{n_ctx}, seed {seed}", "task": f"max-of-{n_ctx}", "n_ctx": n_ctx,
            "d_vocab": d_vocab, "d_model": 32, "d_head": 32, "has_biases": False, "seed": seed, "source": "train",
            "blob": digest, "size_bytes": 31_000, "total": total, "accuracy_lower": total * 99 // 100,
            "accuracy_upper": total, "accuracy": 0.99, "proofs_done": PER_MODEL, "best_bound": 0.99,
            "notes": "Made for measuring.", "tags": ["crowd", f"v{d_vocab}"], "created_at": BEGAN + timedelta(minutes=seed),
        }  # fmt: skip


def of_model(model: Row) -> Iterator[Row]:
    """Rows without end; the first of the sub-cubic ones leads the others."""
    first = model["seed"] * PER_MODEL + 1
    leader = first + sum(len(one.variants) for one in CATALOGUE)
    every = [(one, variant) for one in CATALOGUE + SUBCUBIC for variant in one.variants]
    for place in islice(count(), PER_MODEL):
        strategy, variant = every[place % len(every)]
        yield of_proof(model, strategy, variant, number=first + place, again=place // len(every), leader=leader)


def of_proof(model: Row, strategy: Strategy, variant: Variant, *, number: int, again: int, leader: int) -> Row:
    chance = random.Random(number)
    asked = BEGAN + timedelta(seconds=30 * number)
    row = {
        "model_digest": model["digest"], "strategy": strategy.name, "family": strategy.family, "variant": variant,
        "parameters": {"bins": again} if again else {}, "engine_version": ENGINE_VERSION, "trust": variant.trust,
        "message": "", "attempt": 1, "deaths": 0, "leader": leader if strategy.code and not again else None,
        "total": model["total"], "soundness_alarm": False, "revision": number, "requested_at": asked, "updated_at": asked,
    }  # fmt: skip
    if number % 2000 == 0:
        return {**EMPTY, **row, "state": "queued"}
    if number % 2000 == 1:
        return {**EMPTY, **row, "state": "running", "started_at": asked, "progress": 0.5}
    done = {**EMPTY, **row, "state": "done", "started_at": asked, "finished_at": asked, "progress": 1.0}
    if number % 100 == 2:
        return {**done, "verdict": "timeout", "message": "It took longer than 60 s."}
    return {**done, **result(model["total"], chance, published=strategy.family in ("cubic", "sub-cubic"))}


def result(total: int, chance: random.Random, *, published: bool) -> Row:
    length = int(10 ** chance.uniform(5.5, 9.5))
    loss = Fraction(min(0.99, chance.uniform(0.2, 1.0) * (10**5.5 / length) ** 0.3)).limit_denominator(10**6)
    correct = int(total * (1 - loss))
    bound = correct / total
    return {
        "verdict": "proved", "correct": correct, "wrong": 0, "bound": bound, "tightness": bound, "tightness_basis": "proved",
        "length_measured": length, "length_reference": length * 2 if published else None, "length": float(length),
        "seconds": length / 2e8, "search_seconds": 0.1, "peak_memory_mb": 120.0,
        "certificate": hashlib.sha256(str(length).encode()).hexdigest(), "certificate_bytes": 40_000,
    }  # fmt: skip


EMPTY: Row = {column.name: None for column in ProofRow.__table__.columns if column.name != "id"} | {"progress": 0.0}

if __name__ == "__main__":
    main()
