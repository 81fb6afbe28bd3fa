"""Certificates of sub-cubic proofs are hostile until read."""

import base64
import zlib
from typing import Any

import numpy as np
import pytest

from proofs.errors import InvalidHints
from proofs.prove import prove
from proofs.strategies import Variant, named
from proofs.subcubic import directions, hints
from proofs.subcubic.options import BY_CODE
from tests.proofs.problems import copies_its_largest_token

MODEL = copies_its_largest_token()
SHAPE = (5, 5, 3)


def packed(numbers: Any, dtype: str = "<u2") -> str:
    return base64.b64encode(zlib.compress(np.asarray(numbers, dtype=dtype).tobytes())).decode()


@pytest.mark.parametrize("code", ["U1-A1-E9", "U2-A2-E3", "U4-A1-E1"])
def test_what_is_written_is_read_again(code: str) -> None:
    options = BY_CODE[code]
    gaps = np.random.default_rng(1).integers(1, 5, SHAPE)
    found = directions.find(MODEL)
    read_gaps, read = hints.read(options, MODEL, hints.write(options, gaps, found))
    assert (read_gaps == gaps).all()
    for name in hints.used_directions(options):
        assert (getattr(read, name) == getattr(found, name)).all()


def test_a_certificate_holds_only_the_directions_that_are_used() -> None:
    gaps, found = np.ones(SHAPE, np.int64), directions.find(MODEL)
    assert hints.write(BY_CODE["U1-A1-E9"], gaps, found)["directions"] == {}
    assert set(hints.write(BY_CODE["U2-A1-E9"], gaps, found)["directions"]) == {"direct"}


@pytest.mark.parametrize(
    ("gaps", "complaint"),
    [
        (None, "must be text"),
        (["1"] * 75, "must be text"),
        ("no base64!", "cannot be unpacked"),
        (base64.b64encode(b"no zlib").decode(), "cannot be unpacked"),
        (packed(np.ones(74)), "75 numbers"),
        (packed(np.ones(76)), "75 numbers"),
        (packed(np.zeros(SHAPE)), "at least 1"),
        (packed(np.where(np.arange(75) == 40, 0, 2)), "at least 1"),
        (packed(np.zeros(10**7), "u1"), "75 numbers"),
    ],
)
@pytest.mark.parametrize("variant", Variant)
def test_unusable_gaps_are_refused(gaps: object, complaint: str, variant: Variant) -> None:
    strategy = named("U1-A1-E9")
    assert strategy is not None
    with pytest.raises(InvalidHints, match=complaint):
        prove(MODEL, strategy, variant, hints={"gaps": gaps})


@pytest.mark.parametrize(
    "direction", [None, [1.0] * 4, [1.0] * 6, [1] * 5, [float("nan")] * 5, [float("inf")] * 5, [1e300] * 5, "11111"]
)
def test_unusable_directions_are_refused(direction: object) -> None:
    options = BY_CODE["U1-A1-E3"]
    good = hints.write(options, np.ones(SHAPE, np.int64), directions.find(MODEL))
    bad = dict(good["directions"])
    bad["second_key"] = direction
    with pytest.raises(InvalidHints, match="second_key"):
        hints.read(options, MODEL, good | {"directions": bad})


def test_gaps_larger_than_the_vocabulary_certify_nothing_and_break_nothing() -> None:
    strategy = named("U1-A1-E9")
    assert strategy is not None
    claim = prove(MODEL, strategy, Variant.STRICT, hints={"gaps": packed(np.full(SHAPE, 65_535))})
    assert 0 <= claim.bound.correct <= 5
