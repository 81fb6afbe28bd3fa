"""Every way in which a proof can end has its name, and leaves no process behind."""

import json
from pathlib import Path

from app.storage import models
from app.storage.records import NewModel, ProofRecord, State, Verdict
from proofs.checkpoint import read_model
from proofs.strategies import CATALOGUE
from tests.waiting import until
from tests.worker.behaviour import CERTIFICATE, COUNTS, DIES, EATS_MEMORY, NEVER_ENDS, RAISES, RESULT, WAITS
from tests.worker.site import Site

CHECKPOINT = Path(__file__).parents[1] / "data" / "k2_v16_d16_seed123" / "weights.safetensors"


def ends(site: Site, strategy: str, **settings: str) -> ProofRecord:
    proof = site.request(site.model(), strategy)[0]
    worker = site.worker(**settings)
    done = site.await_state(proof.id, State.DONE)
    until(lambda: not worker.children(), "the children to be gone")
    return done


def test_a_result_is_stored_with_its_certificate(site: Site) -> None:
    done = ends(site, COUNTS)
    assert (done.verdict, done.correct, done.wrong) == (Verdict.PROVED, RESULT["correct"], RESULT["wrong"])
    assert (done.lengths, done.seconds, done.message) == ({"measured-v1": 42}, 0.5, "")
    assert done.certificate is not None
    assert site.blobs.get(done.certificate) == CERTIFICATE
    assert done.certificate_bytes == len(CERTIFICATE)


def test_a_proof_that_takes_too_long_is_stopped_and_says_how_to_get_more_time(site: Site) -> None:
    done = ends(site, NEVER_ENDS, proof_time_limit_s="0.6")
    assert done.verdict is Verdict.TIMEOUT
    assert "0.6 s" in done.message
    assert "PROOFBOARD_PROOF_TIME_LIMIT_S" in done.message


def test_a_proof_that_wants_too_much_memory_ends_and_says_how_to_get_more(site: Site) -> None:
    done = ends(site, EATS_MEMORY, proof_memory_limit_mb="128")
    assert done.verdict is Verdict.OUT_OF_MEMORY
    assert "128 MiB" in done.message
    assert "PROOFBOARD_PROOF_MEMORY_LIMIT_MB" in done.message


def test_a_proof_whose_process_dies_is_an_error(site: Site) -> None:
    done = ends(site, DIES)
    assert done.verdict is Verdict.ERROR
    assert "SIGSEGV" in done.message


def test_a_proof_that_raises_is_an_error_with_the_reason(site: Site) -> None:
    done = ends(site, RAISES)
    assert done.verdict is Verdict.ERROR
    assert "RuntimeError: nothing works today" in done.message


def test_a_cancelled_proof_stops_and_its_slot_is_free_again(site: Site) -> None:
    model = site.model()
    worker = site.worker(worker_slots="1")
    endless, following = site.request(model, NEVER_ENDS, COUNTS)
    site.await_runs(1)
    assert worker.children()
    assert site.cancel(endless.id).verdict is Verdict.CANCELLED
    until(lambda: not worker.children(), "the child to be gone", seconds=20)
    assert site.await_state(following.id, State.DONE).verdict is Verdict.PROVED
    assert site.proof(endless.id).verdict is Verdict.CANCELLED


def test_a_proof_cancelled_while_it_waits_never_runs_until_it_is_requested_again(site: Site) -> None:
    model = site.model()
    cancelled, other = site.request(model, WAITS, COUNTS)
    site.cancel(cancelled.id)
    site.worker(worker_slots="1")
    site.await_state(other.id, State.DONE)
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert site.runs() == [COUNTS]
    site.open_gate()
    assert site.request(model, WAITS)[0].attempt == 2
    assert site.await_state(cancelled.id, State.DONE).verdict is Verdict.PROVED


def test_a_running_proof_shows_its_progress(site: Site) -> None:
    proof = site.request(site.model(), WAITS)[0]
    site.worker()
    until(lambda: site.proof(proof.id).progress == 0.25, "a quarter to be done")
    assert site.proof(proof.id).message == "1 of 4 queries checked"
    site.open_gate()
    assert site.await_state(proof.id, State.DONE).progress == 1.0


def test_a_damaged_checkpoint_is_an_error_not_a_result(site: Site) -> None:
    model = real_model(site)
    with site.database.reading() as session:
        blob = models.get(session, model).blob
    site.blobs.path(blob).write_bytes(b"something else")
    proof = site.request(model, "cubic")[0]
    site.worker(module="worker")
    done = site.await_state(proof.id, State.DONE)
    assert done.verdict is Verdict.ERROR
    assert "damaged" in done.message


def test_real_strategies_run_and_agree_with_each_other(site: Site) -> None:
    model = real_model(site)
    wanted = [strategy.name for strategy in CATALOGUE]
    site.worker(module="worker")
    requested = site.request(model, *wanted)
    done = [site.await_state(proof.id, State.DONE) for proof in requested]
    assert [proof.strategy for proof in done] == wanted
    assert {proof.verdict for proof in done} == {Verdict.PROVED}
    assert not any(proof.soundness_alarm for proof in done)
    with site.database.reading() as session:
        truth = models.get(session, model).accuracy
    exact = site.proof(requested[0].id)  # brute force
    assert (truth.lower, truth.upper, truth.label) == (exact.correct, exact.correct, "exact")
    for proof in map(site.proof, (one.id for one in requested)):
        assert proof.correct is not None
        assert 0 < proof.correct <= truth.upper
        assert proof.tightness_basis == "exact"
        assert proof.lengths["measured-v1"] > 0
        assert proof.seconds is not None
        assert proof.peak_memory_mb is not None
        assert proof.certificate is not None
        certificate = json.loads(site.blobs.get(proof.certificate))
        assert sum(int(n) for row in certificate["blocks"]["correct"] for n in row) == proof.correct


def real_model(site: Site) -> str:
    data = CHECKPOINT.read_bytes()
    model = read_model(data)
    new = NewModel(
        digest=model.digest, name="max of two", task=f"max-of-{model.n_ctx}", n_ctx=model.n_ctx, d_vocab=model.d_vocab,
        d_model=model.d_model, d_head=model.d_head, has_biases=model.has_biases, source="upload",
        blob=site.blobs.put(data), size_bytes=len(data),
    )  # fmt: skip
    with site.database.writing() as session:
        return models.add(session, new)[0].digest
