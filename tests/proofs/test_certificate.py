"""Certificates: canonical bytes that say what was proved, strict reading, bundles."""

import io
import json
import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs.certificate import MOST_BYTES, Certificate, bundle, certificate_of, digest_of, read
from proofs.errors import InvalidCertificate
from proofs.prove import prove
from proofs.strategies import CATALOGUE, Strategy, Variant, named
from tests.certificates.bundles import canonical, certified, checkpoint, claim, copier
from tests.proofs.references import DATA

MODEL = copier(2)
ROOT = Path(__file__).parents[2]
SUBCUBIC = named("U2-A1-E8")
assert SUBCUBIC is not None
STRATEGIES = [pytest.param(strategy, id=strategy.code or strategy.name) for strategy in (*CATALOGUE, SUBCUBIC)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_says_what_was_proved(strategy: Strategy) -> None:
    proved = prove(MODEL, strategy, Variant.STRICT)
    certificate = read(certificate_of(proved))
    assert (certificate.model_digest, certificate.task) == (MODEL.digest, proved.task)
    assert (certificate.strategy, certificate.variant) == (strategy.name, Variant.STRICT)
    assert (certificate.correct, certificate.wrong) == (proved.bound.correct, proved.bound.wrong)
    assert certificate.lengths == proved.lengths
    assert certificate.engine_version == proved.engine_version
    for row in proved.bound.blocks:
        assert certificate.blocks_correct[row.query] == row.certified[row.query :]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_its_hints_are_enough_to_prove_it_again(strategy: Strategy) -> None:
    certificate = read(certificate_of(prove(MODEL, strategy, Variant.STRICT)))
    again = prove(MODEL, strategy, Variant.STRICT, hints=certificate.hints)
    assert read(certificate_of(again)) == certificate


def test_the_name_of_a_certificate_is_the_hash_of_its_bytes() -> None:
    import hashlib

    data = canonical(certified(MODEL, "cubic"))
    assert digest_of(data) == hashlib.sha256(data).hexdigest()


MAKE = """
import sys
from pathlib import Path
import numba, torch
from proofs.certificate import certificate_of
from proofs.checkpoint import read_model
from proofs.prove import prove
from proofs.strategies import Variant, named
model = read_model(Path(sys.argv[1]).read_bytes())
for name in sys.argv[2:]:
    for variant in (Variant.STRICT, Variant.AS_EXECUTED):
        sys.stdout.buffer.write(certificate_of(prove(model, named(name), variant)))
print(numba.get_num_threads(), torch.get_num_threads(), file=sys.stderr)
"""


def test_the_same_bytes_on_one_thread_and_on_two() -> None:
    """All families and both statements, in processes of their own that really have so many threads."""
    names = [*(strategy.name for strategy in CATALOGUE), "U1-A1-E1", "U2-A2-E8"]
    weights = str(DATA / "lab-v64-k4-seed123" / "weights.safetensors")
    written = []
    for threads in ("1", "2"):
        limits = {f"{library}_NUM_THREADS": threads for library in ("OMP", "NUMBA", "OPENBLAS", "MKL")}
        command = [sys.executable, "-c", MAKE, weights, *names]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | limits, capture_output=True, check=True, timeout=600)
        assert done.stderr.split() == [threads.encode()] * 2
        written.append(done.stdout)
    assert written[0].count(b"\n") == 2 * len(names)
    assert written[0] == written[1]


def test_an_array_among_the_hints_is_written_the_same_in_any_byte_order() -> None:
    from proofs.certificate import _hint

    assert _hint(np.array([1, 2], dtype="<u2")) == _hint(np.array([1, 2], dtype=">u2"))
    with pytest.raises(TypeError, match="canonical"):
        _hint({1, 2})


def test_a_count_beyond_its_block_is_refused() -> None:
    with pytest.raises(InvalidCertificate, match=r"Block \(3, 3\).*16"):
        read(canonical(claim(certified(MODEL, "cubic"), 3, 3, correct=17)))


@pytest.mark.parametrize("kind", ["correct", "wrong", "total"])
def test_a_claim_that_is_not_the_sum_of_its_blocks_is_refused(kind: str) -> None:
    root = certified(MODEL, "cubic")
    root["claim"][kind] = str(int(root["claim"][kind]) + 1)
    with pytest.raises(InvalidCertificate, match=rf"claim\.{kind}: expected"):
        read(canonical(root))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", "ABC"), ("model", "0" * 63), ("engine_version", ""), ("engine_version", "x" * 300), ("lengths", []),
        ("lengths", {"measured-v1": 5}), ("lengths", {"<script>": "5"}), ("hints", []), ("statement", "anything"),
        ("task", {"name": "max-of-3", "d_vocab": 5000, "n_ctx": 3}), ("task", {"name": "max-of-4", "d_vocab": 4, "n_ctx": 3}),
    ],
)  # fmt: skip
def test_entries_out_of_range_are_refused(key: str, value: object) -> None:
    with pytest.raises(InvalidCertificate):
        read(canonical(certified(MODEL, "cubic") | {key: value}))


def test_more_bytes_than_a_certificate_may_have_are_refused_unparsed() -> None:
    with pytest.raises(InvalidCertificate, match="at most"):
        read(b"[" * (MOST_BYTES + 1))


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_are_refused_or_harmless(data: st.DataObject) -> None:
    honest = canonical(certified(MODEL, "separable-quadratic"))
    spoilt = bytearray(honest)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(spoilt) - 1))
        spoilt[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with suppress(InvalidCertificate):
        certificate = read(bytes(spoilt))
        assert isinstance(certificate, Certificate)
        assert certificate.correct <= certificate.task.total


def test_a_bundle_is_the_same_for_the_same_content_and_holds_it_unpacked() -> None:
    certificate, weights = canonical(certified(MODEL, "cubic")), checkpoint(MODEL)
    content = bundle(certificate, weights)
    assert content == bundle(certificate, weights)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.read("certificate.json") == certificate
        assert archive.read("weights.safetensors") == weights
        assert b"proofs.checker" in archive.read("README.txt")
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_reading_needs_no_numerical_library() -> None:
    code = (
        "import sys; import proofs.certificate; "
        "assert not {'numpy', 'numba', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_exact_counts_are_texts() -> None:
    root = certified(MODEL, "separable-exact")
    assert all(isinstance(count, str) for count in root["claim"].values())
    assert all(isinstance(count, str) for row in root["blocks"]["correct"] for count in row)
    assert json.dumps(root).isascii()
