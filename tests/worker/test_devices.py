"""Where dynamic programmes run is the worker's to choose, and nothing that a proof shows depends on it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from app.storage.records import State, Verdict
from proofs import batched
from proofs.certificate import certificate_of
from proofs.devices import COMPILED
from proofs.prove import prove
from proofs.strategies import BY_NAME, Variant
from tests.certificates.bundles import checkpoint, copier
from tests.processes import proofboard
from tests.worker.site import Site
from worker.messages import Request
from worker.work import answer

MODEL = copier(2, n=5, v=6, noise=0.03, focus=3)
HAS_CUDA = torch.cuda.is_available()
COUNTED = ("separable-cubic", "separable-joint", "separable-quartic")
"""Strategies with a dynamic programme that torch runs too."""


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * HAS_CUDA])
def test_a_worker_computes_on_its_device_what_the_engine_computes(site: Site, device: str) -> None:
    site.worker(module="worker", device=device)
    requested = site.request(site.model(checkpoint(MODEL), MODEL.digest, n_ctx=5), *COUNTED)
    for proof in requested:
        done = site.await_state(proof.id, State.DONE)
        assert done.verdict is Verdict.PROVED, done.message
        assert done.certificate is not None
        assert site.blobs.get(done.certificate) == certificate_of(prove(MODEL, BY_NAME[proof.strategy], Variant.STRICT))


@pytest.mark.parametrize("device", ["cpu", COMPILED])
def test_an_answer_is_counted_where_it_is_asked_for(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    original = batched.reaching_for_answers

    def watched(*arguments: Any, **options: Any) -> Any:
        used.append(options["device"])
        return original(*arguments, **options)

    monkeypatch.setattr(batched, "reaching_for_answers", watched)
    file, data = tmp_path / "model.safetensors", checkpoint(MODEL)
    file.write_bytes(data)
    blob = hashlib.sha256(data).hexdigest()
    answer(Request(MODEL.digest, file, blob, "separable-joint", "strict", device=device), lambda done, of: None)
    assert set(used) == {device} - {COMPILED}


def test_a_worker_without_its_device_takes_no_work_and_says_what_to_do(site: Site) -> None:
    proof = site.request(site.model(), "cubic")[0]
    worker = site.worker(module="worker", device="cuda:99")
    assert worker.await_death() == 1
    assert "on the device cuda:99 (" in site.logs()
    assert "Choose `compiled`." in site.logs()
    assert site.proof(proof.id).state is State.QUEUED


@pytest.mark.parametrize(("device", "code"), [("cpu", 0), ("cuda:99", 1), ("gpu", 2)])
def test_the_command_line_computes_on_a_device_or_says_why_not(device: str, code: int, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(checkpoint(MODEL))
    arguments = ("prove", file, "-s", "separable-joint", "--json")
    done = proofboard(*arguments, "--device", device)
    assert done.returncode == code, done.stderr
    if code == 0:
        (there,), (here,) = json.loads(done.stdout), json.loads(proofboard(*arguments).stdout)
        assert (there["correct"], there["length"]) == (here["correct"], here["length"])
    else:
        assert device in done.stderr
        assert "compiled" in done.stderr
        assert "Traceback" not in done.stderr
