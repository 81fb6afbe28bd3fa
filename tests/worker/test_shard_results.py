"""What shards say is put together only if it is what shards say: bytes from other processes, perhaps other machines."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofs.certificate import certificate_of
from proofs.checkpoint import read_model
from proofs.errors import CheckRefused
from proofs.prove import prove
from proofs.strategies import BY_NAME, Variant
from worker.messages import Request, is_final, read_all
from worker.shards import prove_shard, put_together

CHECKPOINT = Path(__file__).parents[1] / "data" / "k3_v10_d8_seed123" / "weights.safetensors"
OF = 3


def silent(done: int, of: int) -> None:
    assert done <= of


def request(strategy: str = "separable-joint") -> Request:
    data = CHECKPOINT.read_bytes()
    return Request(read_model(data).digest, CHECKPOINT, hashlib.sha256(data).hexdigest(), strategy, Variant.STRICT)


def shards() -> list[str]:
    return [prove_shard(replace(request(), shard=(shard, OF)), silent).decode() for shard in range(OF)]


def together(results: list[str]) -> tuple[dict[str, Any], bytes]:
    ((said, certificate),) = read_all(put_together(replace(request(), results=tuple(results)), silent))
    return said, certificate


def changed(result: str, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> str:
    """The same with other figures (a shard's times and memory) and another part."""
    figures, part = map(json.loads, result.split("\n"))
    change(figures, part)
    return f"{json.dumps(figures)}\n{json.dumps(part)}"


def with_figures(result: str, figures: dict[str, float]) -> str:
    return changed(result, lambda said, _: said.update(figures))


def test_shards_make_the_whole_proofs_certificate_and_say_what_they_used() -> None:
    said, certificate = together(shards())
    claim = prove(read_model(CHECKPOINT.read_bytes()), BY_NAME["separable-joint"], Variant.STRICT)
    assert certificate == certificate_of(claim)
    assert (said["correct"], said["lengths"]) == (claim.bound.correct, claim.lengths)


def test_seconds_add_up_and_memory_is_that_of_the_largest() -> None:
    used = [
        {"seconds": 1.5, "search_seconds": 0.25, "peak_memory_mb": 90},
        {"seconds": 2.0, "search_seconds": 0.5, "peak_memory_mb": 120.5},
        {"seconds": 0, "search_seconds": 0.0, "peak_memory_mb": 1},
    ]
    said, _ = together([with_figures(one, own) for one, own in zip(shards(), used, strict=True)])
    assert (said["seconds"], said["search_seconds"], said["peak_memory_mb"]) == (3.5, 0.5, 120.5)


def test_a_shards_result_is_not_the_proofs() -> None:
    assert not any(is_final(one.encode()) for one in shards())
    assert not is_final(b'{"verdict": "proved", "correct": 1000}\n')
    assert is_final(b'{"verdict": "not-applicable", "message": "why"}\n')


@pytest.mark.parametrize(
    "change",
    [
        lambda said, part: said.pop("seconds"),
        lambda said, part: said.update(seconds="1"),
        lambda said, part: said.update(seconds=True),
        lambda said, part: said.update(peak_memory_mb=-1),
        lambda said, part: said.update(search_seconds=float("nan")),
        lambda said, part: part.update(operations="0"),
        lambda said, part: part.update(hints={"bins": 3}),
        lambda said, part: part["rows"].pop(),
        lambda said, part: part["rows"][0].update(query=1),
        lambda said, part: part["rows"][0]["certified"].pop(),
        lambda said, part: part["rows"][0]["certified"].__setitem__(9, str(10**30)),
        lambda said, part: part["rows"][0].update(wrong=part["rows"][0]["certified"]),
    ],
)
def test_a_shard_that_says_something_else_proves_nothing(change: Callable[[Any, Any], object]) -> None:
    first, *others = shards()
    with pytest.raises(CheckRefused):
        together([changed(first, change), *others])


@pytest.mark.parametrize("said", ["", "[]", "\n", "null\n{}", '[{"certificate_bytes": 9}]\n', "{" * 5000])
def test_what_is_no_result_proves_nothing(said: str) -> None:
    with pytest.raises(CheckRefused):
        together([said, *shards()[1:]])


def test_shards_in_another_order_or_number_prove_nothing() -> None:
    first, second, third = shards()
    for wrong in ([second, first, third], [first, second], [first, first, third]):
        with pytest.raises(CheckRefused):
            together(wrong)
