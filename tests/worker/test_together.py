"""The published catalogue as one piece of work: computed by one process, stored in one write, whatever dies meanwhile."""

import json
import signal
from pathlib import Path

import pytest

from app.storage import asking, models, proofs
from app.storage.records import Filter, NewModel, Op, ProofRecord, State, Verdict
from proofs.budget import best_within
from proofs.catalogue import prove_catalogue
from proofs.certificate import read
from proofs.checkpoint import read_model
from proofs.counterexamples import worst_inputs
from proofs.strategies import BY_NAME, SUBCUBIC, Variant
from proofs.subcubic.pieces import SearchTables
from tests.waiting import until
from tests.worker.site import Site

CHECKPOINT = Path(__file__).parents[1] / "data" / "k2_v16_d16_seed123" / "weights.safetensors"
NAMES = [strategy.name for strategy in SUBCUBIC]


def stored(site: Site) -> str:
    """A real model, by its digest."""
    content = CHECKPOINT.read_bytes()
    model = read_model(content)
    new = NewModel(
        digest=model.digest, name="real", task=f"max-of-{model.n_ctx}", n_ctx=model.n_ctx, d_vocab=model.d_vocab,
        d_model=model.d_model, d_head=model.d_head, has_biases=model.has_biases, source="upload",
        blob=site.blobs.put(content), size_bytes=len(content),
    )  # fmt: skip
    with site.database.writing() as session:
        return models.add(session, new)[0].digest


def hundred(site: Site, variant: str = "strict", search: str | None = None) -> list[ProofRecord]:
    """The 100 sub-cubic ones, asked for together."""
    with site.database.writing() as session:
        wanted = [asking.asked(name, variant, search) for name in NAMES]
        return asking.together(session, site.queue, stored_digest(site), wanted)


def stored_digest(site: Site) -> str:
    with site.database.reading() as session:
        return models.page(session).items[0].digest


def now(site: Site, asked: list[ProofRecord]) -> list[ProofRecord]:
    with site.database.reading() as session:
        first, last = asked[0].id, asked[-1].id
        wanted = [Filter("strategy", Op.IN, ",".join(one.strategy for one in asked))]
        found = proofs.page(session, filters=wanted, sort="id", limit=1000).items
    return [one for one in found if first <= one.id <= last]


def await_end(site: Site, asked: list[ProofRecord]) -> list[ProofRecord]:
    site.await_state(asked[-1].id, State.DONE)
    return now(site, asked)


def test_the_catalogue_is_computed_as_the_engine_computes_it(site: Site) -> None:
    stored(site)
    site.worker(module="worker")
    asked = hundred(site, "as-published", "mean-folded")
    done = await_end(site, asked)
    model = read_model(CHECKPOINT.read_bytes())
    claims = list(prove_catalogue(model, Variant.AS_PUBLISHED, tables=SearchTables.MEAN_FOLDED))
    assert [one.strategy for one in done] == NAMES
    for claim, proof in zip(claims, done, strict=True):
        assert (proof.correct, proof.lengths, proof.verdict) == (claim.bound.correct, claim.lengths, claim.verdict)
        assert proof.parameters == {"search": "mean-folded"}
        assert proof.certificate is not None
        certificate = read(site.blobs.get(proof.certificate))
        assert (certificate.strategy, certificate.correct) == (claim.strategy, claim.bound.correct)
    assert {one.attempt for one in done} == {1}


@pytest.mark.parametrize("moment", ["after_claim", "in_compute", "before_save", "after_save_commit"])
def test_a_worker_killed_in_mid_catalogue_and_started_again_stores_each_result_once(site: Site, moment: str) -> None:
    stored(site)
    asked = hundred(site)
    marker = str(site.folder / "marker")
    assert site.worker(moment, marker).await_death() == -signal.SIGKILL
    after_death = now(site, asked)
    whole = {State.DONE} if moment == "after_save_commit" else {State.RUNNING}
    assert {one.state for one in after_death} == whole  # all or nothing
    site.worker(moment, marker)
    done = await_end(site, asked)
    assert [one.correct for one in done] == list(range(1, 101))
    until(lambda: not site.in_queue(["ENQUEUED", "PENDING"]), "the queue to be empty")
    assert now(site, asked) == done
    if moment == "after_save_commit":
        assert done == after_death
        assert len(site.runs()) == 1


def test_a_worker_that_stops_leaves_the_whole_to_the_next(site: Site) -> None:
    stored(site)
    asked = hundred(site)
    (site.folder / "blobs" / "wait").touch()
    worker = site.worker()
    site.await_runs(1)
    assert worker.stop() == 0
    assert {(one.state, one.attempt) for one in now(site, asked)} == {(State.QUEUED, 2)}
    site.open_gate()
    site.worker()
    assert {one.verdict for one in await_end(site, asked)} == {Verdict.PROVED}


def test_the_whole_is_cancelled_at_once_and_its_process_stops(site: Site) -> None:
    stored(site)
    asked = hundred(site)
    (site.folder / "blobs" / "wait").touch()
    worker = site.worker()
    site.await_runs(1)
    until(lambda: now(site, asked)[70].progress == 0.25, "progress of every row")
    assert now(site, asked)[70].message == "25 of 100 strategies checked"
    with site.database.writing() as session:
        asking.cancel_together(session, asked[30].id)
    until(lambda: not worker.children(), "the child to be gone", seconds=20)
    assert {one.verdict for one in now(site, asked)} == {Verdict.CANCELLED}


def test_a_budget_and_counterexamples_are_answered(site: Site) -> None:
    digest = stored(site)
    model = read_model(CHECKPOINT.read_bytes())
    site.worker(module="worker")
    with site.database.writing() as session:
        bought = asking.best_within(session, site.queue, model_digest=digest, budget=200_000)
        wrong = asking.counterexamples(session, site.queue, model_digest=digest, most=5)
    proof = site.await_state(bought.id, State.DONE)
    claim = best_within(model, 200_000)
    assert claim is not None
    assert (proof.strategy, proof.correct, proof.lengths) == (claim.strategy, claim.bound.correct, claim.lengths)
    assert proof.parameters == {**claim.hints, "budget": 200_000}
    answered = site.await_state(wrong.id, State.DONE)
    found = worst_inputs(model, 5)
    assert (answered.wrong, answered.correct) == (len(found), None)
    assert answered.certificate is not None
    inputs = json.loads(site.blobs.get(answered.certificate))["inputs"]
    assert [tuple(one["tokens"]) for one in inputs] == [one.tokens for one in found]
    assert proof.strategy in BY_NAME
