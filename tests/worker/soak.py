"""Workers are killed at random while proofs, short and in shards, are requested and cancelled; nothing may be lost or
stored twice.

Not part of the suite: `python -m tests.worker.soak [SECONDS] [sqlite|postgresql] [SEED]`. Prints the seed first.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from app.errors import AlreadyFinished
from app.storage import asking, models, proofs, schema
from app.storage.engine import connect
from app.storage.records import State, Verdict
from app.storage.tables import ShardRow
from proofs.strategies import SUBCUBIC
from tests import postgres
from tests.waiting import until
from tests.worker.behaviour import RESULT
from tests.worker.site import Site

BATCH = 10
MOST_WAITING = 5
"""More is requested when so few are left: shards come last, and they are to be killed, too."""

LONG = "brute-force"
"""At 64^5 inputs in twelve shards."""


def soak(seconds: float, url: str, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    schema.upgrade(url)
    site = Site(url, connect(url), folder)
    requested: dict[int, bool] = {}
    kills = 0
    try:
        site.worker()
        site.worker()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if sum(site.proof(one).state is not State.DONE for one in requested) < MOST_WAITING:
                digest = site.model(digest=f"{chance.getrandbits(256):064x}")
                found = site.request(digest, *(one.name for one in chance.sample(SUBCUBIC, BATCH)))
                found += site.request(site.model(digest=f"{chance.getrandbits(256):064x}", n_ctx=5), LONG)
                requested |= {proof.id: False for proof in found}
                requested[cancel(site, chance.choice(found).id)] = True
            time.sleep(chance.uniform(0.2, 4.0))
            chance.choice(site.workers[-2:]).kill()
            kills += 1
            assert not site._fallen(), site.logs()
            site.workers = [worker for worker in site.workers if worker.process.poll() is None]
            site.worker()
        until(lambda: all_ended(site, requested), "every proof to end", seconds=300)
        ended = [site.proof(one) for one in requested]
        for proof in ended:
            right = (Verdict.PROVED, RESULT["correct"])
            assert (proof.verdict, proof.correct) == right or requested[proof.id], proof
            assert proof.strategy != LONG or proof.certificate is None or every_shard_once(site, proof.certificate)
        with site.database.reading() as session:
            assert proofs.counts(session)[State.DONE] == len(requested)
            assert session.scalar(sa.select(sa.func.count()).select_from(ShardRow)) == 0
            first = models.page(session, limit=1).items[0]
        print(f"{len(ended)} proofs ended once each, {kills} kills, first model: {first.proofs_done} results")
        print(f"highest attempt {max(proof.attempt for proof in ended)}")
    finally:
        site.close()


def all_ended(site: Site, requested: Iterable[int]) -> bool:
    """Asks once more for those over which workers died too often: no wonder here."""
    assert not site._fallen(), site.logs()
    found = [site.proof(one) for one in requested]
    for proof in found:
        if proof.verdict is Verdict.ERROR and "the worker died" in proof.message:
            with site.database.writing() as session:
                asking.again(session, site.queue, proof.id)
    return all(proof.state is State.DONE and proof.verdict is not Verdict.ERROR for proof in found)


def every_shard_once(site: Site, certificate: str) -> bool:
    said = [json.loads(one) for one in json.loads(site.blobs.get(certificate))]
    return said == [{"shard": shard} for shard in range(len(said))]


def cancel(site: Site, proof_id: int) -> int:
    with suppress(AlreadyFinished):
        site.cancel(proof_id)
    return proof_id


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv[1:]))
    seed = int(arguments.get(2, time.time()))
    print(f"seed {seed}", flush=True)
    length, kind = float(arguments.get(0, 60)), arguments.get(1, "sqlite")
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            soak(length, f"sqlite:///{folder}/proofboard.db", seed, Path(folder))
        else:
            with postgres.server() as server:
                soak(length, server.url("postgres"), seed, Path(folder))
