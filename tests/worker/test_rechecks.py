"""A stored claim is checked again by a worker, in a process of its own, and the answer is kept with the proof."""

import signal
from pathlib import Path

import pytest

from app.storage import attempts, checks, models, proofs, rechecks
from app.storage.checks import CheckRecord
from app.storage.records import Doubt, Job, NewModel, Outcome, ProofRecord, State, Verdict
from proofs import ENGINE_VERSION
from proofs.certificate import certificate_of
from proofs.prove import prove
from proofs.questions import ENGINE, INDEPENDENT
from proofs.strategies import BY_NAME, Variant
from tests.certificates.bundles import canonical, certified, claim, copier
from tests.certificates.bundles import checkpoint as content_of
from tests.waiting import until
from tests.worker.site import Site
from worker.rechecks import examine

MODEL = copier(2)
CHECKPOINT = content_of(MODEL)


def certificate(strategy: str = "cubic", variant: Variant = Variant.STRICT) -> bytes:
    return certificate_of(prove(MODEL, BY_NAME[strategy], variant))


def too_much() -> bytes:
    """A certificate of one input more than follows."""
    return canonical(claim(certified(MODEL, "cubic"), 2, 2, correct=1))


def numbers(*, more: int = 0) -> tuple[int, int]:
    bound = prove(MODEL, BY_NAME["cubic"], Variant.STRICT).bound
    return bound.correct + more, bound.wrong


@pytest.mark.parametrize("program", [ENGINE, INDEPENDENT])
def test_both_programs_confirm_what_follows_and_refuse_what_does_not(program: str) -> None:
    assert examine(program, certificate(), CHECKPOINT, claimed=numbers()).accepted is True
    refusal = examine(program, too_much(), CHECKPOINT, claimed=numbers(more=1))
    assert refusal.accepted is False
    assert "expected" in refusal.message
    other = examine(program, certificate(), content_of(copier(1)), claimed=numbers())
    assert other.accepted is False


@pytest.mark.parametrize("program", [ENGINE, INDEPENDENT])
def test_the_database_must_say_what_the_certificate_says(program: str) -> None:
    refusal = examine(program, certificate(), CHECKPOINT, claimed=numbers(more=1))
    assert refusal.accepted is False
    assert "the stored proof" in refusal.message
    assert examine(program, b"{}\n", CHECKPOINT, claimed=numbers()).accepted is False


def test_the_engine_checks_what_is_computed_as_published_too() -> None:
    found = prove(MODEL, BY_NAME["cubic"], Variant.AS_PUBLISHED)
    answer = examine(ENGINE, certificate_of(found), CHECKPOINT, claimed=(found.bound.correct, found.bound.wrong))
    assert answer.accepted is True


def store(site: Site, content: bytes, claimed: tuple[int, int]) -> ProofRecord:
    new = NewModel(
        digest=MODEL.digest, name="copier", task="max-of-3", n_ctx=3, d_vocab=4, d_model=5, d_head=4,
        has_biases=False, source="upload", blob=site.blobs.put(CHECKPOINT), size_bytes=len(CHECKPOINT),
    )  # fmt: skip
    with site.database.writing() as session:
        models.add(session, new)
    (asked,) = site.request(MODEL.digest, "cubic")
    ended = Outcome(
        Verdict.PROVED, correct=claimed[0], wrong=claimed[1], lengths={"measured-v1": 9},
        certificate=site.blobs.put(content), certificate_bytes=len(content),
    )  # fmt: skip
    with site.database.writing() as session:
        job = Job(asked.id, asked.attempt)
        attempts.start(session, job)
        assert attempts.finish(session, job, ended)
    return site.proof(asked.id)


def ask(site: Site, proof: ProofRecord, program: str = ENGINE) -> ProofRecord:
    with site.database.writing() as session:
        return rechecks.ask(session, site.queue, proof.id, program=program)


def said(site: Site, proof: ProofRecord) -> list[CheckRecord]:
    with site.database.reading() as session:
        return list(checks.of(session, proof.id))


def test_a_worker_answers_with_both_programs(site: Site) -> None:
    proof = store(site, certificate(), numbers())
    jobs = [ask(site, proof), ask(site, proof, INDEPENDENT)]
    site.worker(module="worker")
    for job in jobs:
        assert site.await_state(job.id, State.DONE).verdict is Verdict.PROVED
    found = {one.checker: one for one in said(site, proof)}
    assert found.keys() == {f"{ENGINE} {ENGINE_VERSION}", f"{INDEPENDENT} {ENGINE_VERSION}"}
    assert all(one.accepted and one.seconds > 0 and one.asked_by == "local" for one in found.values())


def test_a_claim_that_does_not_follow_is_refused_and_an_alarm(site: Site) -> None:
    proof = store(site, too_much(), numbers(more=1))
    job = ask(site, proof)
    site.worker(module="worker")
    assert site.await_state(job.id, State.DONE).verdict is Verdict.REFUSED
    assert "expected at most" in said(site, proof)[0].message
    assert site.proof(proof.id).doubt is Doubt.REFUSED


def test_a_lost_certificate_is_no_answer(site: Site) -> None:
    proof = store(site, certificate(), numbers())
    assert proof.certificate is not None
    Path(site.blobs.path(proof.certificate)).unlink()
    job = ask(site, proof)
    site.worker(module="worker")
    assert site.await_state(job.id, State.DONE).verdict is Verdict.ERROR
    assert [one.accepted for one in said(site, proof)] == [None]
    assert site.proof(proof.id).doubt is None


@pytest.mark.parametrize("moment", ["after_claim", "before_save", "after_save_commit"])
def test_a_worker_killed_meanwhile_and_started_again_keeps_one_answer(site: Site, moment: str) -> None:
    proof = store(site, certificate(), numbers())
    job = ask(site, proof)
    marker = str(site.folder / "marker")
    assert site.worker(moment, marker).await_death() == -signal.SIGKILL
    site.worker(moment, marker)
    site.await_state(job.id, State.DONE)
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert len(said(site, proof)) == 1
    with site.database.reading() as session:
        assert rechecks.under_way(session, proofs.get(session, proof.id)) == []
