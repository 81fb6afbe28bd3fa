"""Files as people upload them, and results as a worker stores them."""

from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from safetensors.numpy import save

from app.storage import attempts, proofs
from app.storage.records import Job, Outcome, ProofRecord, Verdict
from app.web.site import Site
from proofs.bound import Bound, Counts
from proofs.certificate import certificate_of
from proofs.model import Array
from proofs.prove import Claim
from proofs.strategies import Variant
from proofs.task import MaxOfK

TASK = MaxOfK(d_vocab=5, n_ctx=2)
"""Of the models that `upload` uploads."""

HOSTILE = """=1+1|"><script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}%{x}"""
"""A name that tries HTML, attributes, templates, formulas and plot texts at once."""


def tensors(*, d_vocab: int = 5, n_ctx: int = 2, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    d_model, d_head = 4, 3
    shapes = {
        "embed.W_E": (d_vocab, d_model),
        "pos_embed.W_pos": (n_ctx, d_model),
        "blocks.0.attn.W_Q": (1, d_model, d_head),
        "blocks.0.attn.W_K": (1, d_model, d_head),
        "blocks.0.attn.W_V": (1, d_model, d_head),
        "blocks.0.attn.W_O": (1, d_head, d_model),
        "unembed.W_U": (d_model, d_vocab),
    }
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def checkpoint(*, d_vocab: int = 5, n_ctx: int = 2, seed: int = 0, metadata: dict[str, str] | None = None) -> bytes:
    return save(tensors(d_vocab=d_vocab, n_ctx=n_ctx, seed=seed), metadata)


def upload(client: TestClient, name: str = "a model", *, n_ctx: int = 2, seed: int = 0) -> str:
    """The model's digest."""
    answer = client.post("/api/v1/models", params={"name": name}, content=checkpoint(seed=seed, n_ctx=n_ctx))
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["digest"])


def request(client: TestClient, digest: str, strategy: str, variant: str = "strict") -> int:
    """The number of a queued proof."""
    wanted = [{"strategy": strategy, "variant": variant}]
    answer = client.post("/api/v1/proofs", json={"model": digest, "wanted": wanted})
    assert answer.status_code == 202, answer.text
    return int(answer.json()[0]["id"])


def finish(site: Site, proof_id: int, *, correct: int, length: int = 1000, wrong: int = 0, **more: Any) -> ProofRecord:
    """Ends a proof of a (5, 2) model with a result and a certificate, as the worker would."""
    with site.database.reading() as session:
        asked = proofs.get(session, proof_id)
    bound = Bound.of(TASK, blocks(correct, wrong))
    content = certificate_of(
        Claim(asked.model_digest, TASK, asked.strategy, Variant(asked.variant), {}, bound, {"measured-v1": length})
    )
    outcome = Outcome(
        Verdict.PROVED,
        correct=correct,
        wrong=wrong,
        lengths={"measured-v1": length},
        seconds=0.25,
        search_seconds=0.01,
        peak_memory_mb=100.0,
        certificate=site.blobs.put(content),
        certificate_bytes=len(content),
        **more,
    )
    return end(site, proof_id, outcome)


def end(site: Site, proof_id: int, outcome: Outcome) -> ProofRecord:
    with site.database.writing() as session:
        job = Job(proof_id, proofs.get(session, proof_id).attempt)
        assert attempts.start(session, job) is not None
        assert attempts.finish(session, job, outcome)
    with site.database.reading() as session:
        return proofs.get(session, proof_id)


def blocks(correct: int, wrong: int) -> list[Counts]:
    """Counts that add up: blocks are filled with correct inputs first, then with wrong ones."""
    rows: list[Counts] = []
    for query in range(TASK.d_vocab):
        certified, refuted = [], []
        for maximum in range(TASK.d_vocab):
            size = TASK.block_size(query, maximum)
            certified.append(min(size, correct))
            correct -= certified[-1]
            refuted.append(min(size - certified[-1], wrong))
            wrong -= refuted[-1]
        rows.append(Counts(query, tuple(certified), tuple(refuted)))
    assert correct == wrong == 0
    return rows


def full_board(client: TestClient, site: Site, name: str = "a model") -> str:
    """A model with proofs in every state; returns its digest."""
    digest = upload(client, name)
    finish(site, request(client, digest, "brute-force"), correct=20, wrong=5, length=10_000)
    finish(site, request(client, digest, "cubic"), correct=15, length=500)
    finish(site, request(client, digest, "cubic", "as-published"), correct=16, length=400)
    end(site, request(client, digest, "separable-cubic"), Outcome(Verdict.ERROR, f"It broke on {name}."))
    request(client, digest, "separable-quadratic")
    running = request(client, digest, "separable-quartic")
    with site.database.writing() as session:
        job = Job(running, 1)
        attempts.start(session, job)
        attempts.progress(session, job, 0.4, f"query 2 of 5 of {name}")
    return digest
