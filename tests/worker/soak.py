"""Workers are killed at random while proofs are requested and cancelled; nothing may be lost or stored twice.

Not part of the suite: `python -m tests.worker.soak [SECONDS] [sqlite|postgresql] [SEED]`. Prints the seed first.
"""

import random
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from app.errors import AlreadyFinished
from app.storage import models, proofs, schema
from app.storage.engine import connect
from app.storage.records import State, Verdict
from proofs.strategies import SUBCUBIC
from tests import postgres
from tests.waiting import until
from tests.worker.behaviour import RESULT
from tests.worker.site import Site

BATCH = 10


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
            digest = site.model(digest=f"{chance.getrandbits(256):064x}")
            found = site.request(digest, *(one.name for one in chance.sample(SUBCUBIC, BATCH)))
            requested |= {proof.id: False for proof in found}
            requested[cancel(site, chance.choice(found).id)] = True
            time.sleep(chance.uniform(0.2, 1.0))
            chance.choice(site.workers[-2:]).kill()
            kills += 1
            site.workers = [worker for worker in site.workers if worker.process.poll() is None]
            site.worker()
        until(lambda: all(site.proof(one).state is State.DONE for one in requested), "every proof to end", seconds=300)
        ended = [site.proof(one) for one in requested]
        for proof in ended:
            right = (Verdict.PROVED, RESULT["correct"])
            assert (proof.verdict, proof.correct) == right or requested[proof.id], proof
        with site.database.reading() as session:
            assert proofs.counts(session)[State.DONE] == len(requested)
            first = models.page(session, limit=1).items[0]
        print(f"{len(ended)} proofs ended once each, {kills} kills, first model: {first.proofs_done} results")
        print(f"highest attempt {max(proof.attempt for proof in ended)}")
    finally:
        site.close()


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
