"""A long proof in shards: several workers at once, each shard stored once, put together once, whatever dies meanwhile."""

import json
import signal
from collections import Counter

import pytest
import sqlalchemy as sa

from app.storage import proofs
from app.storage.records import ProofRecord, State, Verdict
from app.storage.tables import ShardRow
from proofs import splitting
from proofs.certificate import certificate_of
from proofs.checkpoint import read_model
from proofs.prove import prove
from proofs.strategies import BY_NAME, Variant
from tests.processes import alive
from tests.waiting import until
from tests.worker.behaviour import COUNTS, RESULT
from tests.worker.site import Site
from tests.worker.test_outcomes import CHECKPOINT, real_model

LONG = "brute-force"
OF = 12
"""Shards of 64^5 inputs."""


def long(site: Site, *does: str) -> ProofRecord:
    """A proof in shards, which do what is named: `3-waits`."""
    digest = site.model(n_ctx=5)
    for one in does:
        (site.folder / "blobs" / one).touch()
    return site.request(digest, LONG)[0]


def all_wait() -> list[str]:
    return [f"{shard}-waits" for shard in range(OF)]


def rows(site: Site) -> int:
    with site.database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(ShardRow)) or 0


def stored(site: Site) -> list[int]:
    with site.database.reading() as session:
        return list(session.scalars(sa.select(ShardRow.number).where(ShardRow.result.is_not(None))))


def ran(site: Site) -> Counter[str]:
    return Counter(site.runs())


def assert_proved(site: Site, proof: ProofRecord) -> ProofRecord:
    """Put together from every shard once, and nothing is left."""
    done = site.await_state(proof.id, State.DONE)
    assert (done.verdict, done.correct) == (Verdict.PROVED, RESULT["correct"]), done.message
    assert done.certificate is not None
    said = [json.loads(one) for one in json.loads(site.blobs.get(done.certificate))]
    assert said == [{"shard": shard} for shard in range(OF)]
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert (site.proof(proof.id), rows(site)) == (done, 0)
    return done


def test_a_long_proof_is_computed_shard_by_shard_and_put_together_once(site: Site) -> None:
    proof = long(site)
    site.worker()
    assert_proved(site, proof)
    assert ran(site) == {f"{LONG}/{part}": 1 for part in [*range(OF), "together"]}
    with site.database.reading() as session:
        assert proofs.counts(session)[State.DONE] == 1


def test_several_workers_take_shards_at_once(site: Site) -> None:
    proof = long(site, *all_wait())
    workers = [site.worker(), site.worker()]
    until(lambda: all(len(worker.children()) == 2 for worker in workers), "two shards in each worker")
    site.open_gate()
    assert_proved(site, proof)


MOMENTS = ["in_compute", "before_shard", "after_shard_commit", "before_assembling", "after_save_commit"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_at_any_moment_and_started_again_finishes_the_proof_once(site: Site, moment: str) -> None:
    proof = long(site)
    marker = str(site.folder / "marker")
    assert site.worker(moment, marker).await_death() == -signal.SIGKILL
    kept, runs, ended = stored(site), ran(site), site.proof(proof.id)
    assert (ended.state is State.DONE) == (moment == "after_save_commit")
    if moment == "before_assembling":
        assert len(kept) == OF
    if moment == "after_shard_commit":
        assert kept
    site.worker(moment, marker)
    done = assert_proved(site, proof)
    assert done.attempt == 1
    for shard in kept:  # what was stored is not computed again
        assert ran(site)[f"{LONG}/{shard}"] == runs[f"{LONG}/{shard}"]
    if moment == "after_save_commit":
        assert done == ended


def test_shards_of_a_worker_that_never_comes_back_are_taken_over_and_the_others_stay(site: Site) -> None:
    dying = site.worker(worker_slots="1")
    site.await_workers(1)
    proof = long(site, "0-waits")
    until(lambda: f"{LONG}/0" in site.runs(), "the first shard to run")
    site.worker()
    site.await_workers(2)
    until(
        lambda: len(stored(site)) >= OF - 4, "the other worker to do what is left"
    )  # three at most wait with the first
    kept = stored(site)
    dying.kill()
    site.open_gate()
    assert assert_proved(site, proof).attempt == 1
    assert all(ran(site)[f"{LONG}/{shard}"] == 1 for shard in kept)


def test_a_worker_that_was_stopped_and_wakes_late_stores_nothing(site: Site) -> None:
    sleeper = site.worker(worker_slots="1")
    site.await_workers(1)
    proof = long(site, *all_wait())
    site.await_runs(1)
    site.worker(worker_slots="1")
    site.await_workers(2)
    sleeper.process.send_signal(signal.SIGSTOP)
    site.open_gate()
    done = assert_proved_but_for_the_queue(site, proof)
    sleeper.process.send_signal(signal.SIGCONT)
    until(lambda: not sleeper.children(), "the late worker to give up its child")
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert (site.proof(proof.id), rows(site)) == (done, 0)


def assert_proved_but_for_the_queue(site: Site, proof: ProofRecord) -> ProofRecord:
    done = site.await_state(proof.id, State.DONE)
    assert (done.verdict, done.attempt) == (Verdict.PROVED, 1)
    return done


def test_a_worker_asked_to_stop_hands_its_shards_back_and_keeps_what_is_stored(site: Site) -> None:
    proof = long(site, *[f"{shard}-waits" for shard in range(4, OF)])
    worker = site.worker()
    until(lambda: len(stored(site)) == 4, "four shards to be stored")
    family = worker.family()
    assert worker.stop() == 0
    until(lambda: not any(alive(one) for one in family), "the worker's children to be gone")
    assert sorted(stored(site)) == [0, 1, 2, 3]
    site.open_gate()
    site.worker()
    assert assert_proved(site, proof).attempt == 1
    assert all(ran(site)[f"{LONG}/{shard}"] == 1 for shard in range(4))


def test_cancelling_stops_every_shard_of_every_worker(site: Site) -> None:
    proof = long(site, *all_wait())
    workers = [site.worker(), site.worker()]
    until(lambda: all(len(worker.children()) == 2 for worker in workers), "two shards in each worker")
    assert site.cancel(proof.id).verdict is Verdict.CANCELLED
    until(lambda: not any(worker.children() for worker in workers), "every child to be gone", seconds=20)
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert rows(site) == 0
    site.open_gate()
    again = site.request(proof.model_digest, LONG)[0]
    assert again.attempt == 2
    assert_proved(site, again)


@pytest.mark.parametrize(
    ("does", "verdict", "said"),
    [
        ("5-never-ends", Verdict.TIMEOUT, "0.8 s"),
        ("5-dies", Verdict.ERROR, "SIGSEGV"),
        ("5-does-not-apply", Verdict.NOT_APPLICABLE, "not for this model"),
    ],
)
def test_a_shard_that_cannot_end_ends_the_proof_and_stops_the_others(
    site: Site, does: str, verdict: Verdict, said: str
) -> None:
    waiting = [f"{shard}-waits" for shard in range(6, OF)] if verdict is not Verdict.TIMEOUT else []
    proof = long(site, does, *waiting)
    worker = site.worker(proof_time_limit_s="0.8" if verdict is Verdict.TIMEOUT else "60", worker_slots="3")
    done = site.await_state(proof.id, State.DONE)
    assert done.verdict is verdict
    assert said in done.message
    until(lambda: not worker.children(), "the children to be gone")
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert (site.proof(proof.id), rows(site)) == (done, 0)
    assert f"{LONG}/together" not in site.runs()


def test_progress_is_that_of_all_shards(site: Site) -> None:
    proof = long(site, *[f"{shard}-waits" for shard in range(2, OF)])
    site.worker()
    mine = sum(len(splitting.queries(shard, OF, 64)) for shard in range(2))
    expected = f"{mine + 2} of 64 queries checked, 2 of 12 shards done"  # each of the two that wait has checked one
    until(lambda: site.proof(proof.id).message == expected, expected)
    assert site.proof(proof.id).progress == (mine + 2) / 64
    site.open_gate()
    assert assert_proved(site, proof).progress == 1.0


def test_a_short_proof_does_not_wait_for_every_shard_of_a_long_one(site: Site) -> None:
    proof = long(site, *all_wait())
    short = site.request(site.model(b"other", "b" * 64), COUNTS)[0]
    site.worker(worker_slots="1")
    site.await_state(short.id, State.DONE)
    site.open_gate()
    assert_proved(site, proof)
    assert site.runs().index(COUNTS) <= 3  # behind those at most that a worker takes ahead


def test_the_result_is_that_of_the_whole_proof(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = real_model(site)
    monkeypatch.setattr(splitting, "shards", lambda strategy, task: 5)
    asked = site.request(digest, "separable-quartic", LONG)
    assert rows(site) == 10
    site.worker(module="worker")
    for proof in asked:
        done = site.await_state(proof.id, State.DONE)
        claim = prove(read_model(CHECKPOINT.read_bytes()), BY_NAME[proof.strategy], Variant.STRICT)
        assert (done.correct, done.wrong, done.lengths) == (claim.bound.correct, claim.bound.wrong, claim.lengths)
        assert done.certificate is not None
        assert site.blobs.get(done.certificate) == certificate_of(claim)
        assert None not in (done.seconds, done.search_seconds, done.peak_memory_mb)
    assert rows(site) == 0
