"""However a check is split, the claim is the one that a single check makes; and a shard's word is checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proofs.certificate import certificate_of
from proofs.checkpoint import read_model
from proofs.errors import CheckRefused, NotApplicable
from proofs.model import Model
from proofs.prove import prove, search
from proofs.shards import Part, assemble, check_part, read, written
from proofs.splitting import STEPS, queries
from proofs.strategies import BY_NAME, CATALOGUE, Strategy, Variant
from tests.proofs.problems import models

DATA = Path(__file__).parents[1] / "data"
EVERY = [
    pytest.param(strategy, variant, id=f"{strategy.name}-{variant}")
    for strategy in CATALOGUE
    for variant in strategy.variants
]
JOINT = BY_NAME["separable-joint"]


def small() -> Model:
    return read_model((DATA / "k3_v10_d8_seed123" / "weights.safetensors").read_bytes())


def parts(model: Model, strategy: Strategy, variant: Variant, of: int) -> list[Part]:
    """As shards leave and enter processes: as bytes."""
    hints = search(model, strategy, variant)
    shards = [queries(shard, of, model.d_vocab) for shard in range(of)]
    return [read(written(check_part(model, strategy, variant, hints, mine)), mine) for mine in shards]


@pytest.mark.parametrize(("strategy", "variant"), EVERY)
@pytest.mark.parametrize("of", [1, 2, 3, 10, 16])
def test_a_split_proof_is_the_same_claim_byte_for_byte(strategy: Strategy, variant: Variant, of: int) -> None:
    model = small()
    whole = prove(model, strategy, variant)
    assembled = assemble(model, strategy, variant, parts(model, strategy, variant, of))
    assert assembled == whole
    assert certificate_of(assembled) == certificate_of(whole)


@pytest.mark.parametrize("name", [name for name in STEPS if name not in ("brute-force", "separable-exact")])
def test_a_split_proof_of_a_long_sequence_has_the_same_exact_counts(name: str) -> None:
    model = read_model((DATA / "k10_v64_d32_seed123" / "weights.safetensors").read_bytes())
    strategy = BY_NAME[name]
    whole = prove(model, strategy, Variant.STRICT)
    assert whole.bound.correct > 2**53
    assembled = assemble(model, strategy, Variant.STRICT, parts(model, strategy, Variant.STRICT, 7))
    assert certificate_of(assembled) == certificate_of(whole)


@pytest.mark.parametrize("name", STEPS)
@given(model=models(), of=st.integers(1, 9))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_model_may_be_split_anyhow(name: str, model: Model, of: int) -> None:
    strategy = BY_NAME[name]
    try:
        whole = prove(model, strategy, Variant.STRICT)
    except NotApplicable:
        return
    assert assemble(model, strategy, Variant.STRICT, parts(model, strategy, Variant.STRICT, of)) == whole


def test_the_set_up_counts_once_and_is_not_free() -> None:
    model = small()
    found = parts(model, JOINT, Variant.STRICT, 4)
    alone = prove(model, JOINT, Variant.STRICT).lengths["measured-v1"]
    assert sum(part.operations for part in found) > alone > max(part.operations for part in found)


def test_progress_counts_the_shards_own_queries() -> None:
    seen: list[tuple[int, int]] = []
    check_part(small(), JOINT, Variant.STRICT, {"bins": 50}, [1, 4], report=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]


# --- what a shard may not say ---------------------------------------------------------------------------------------


def change_part(found: list[Part], **values: Any) -> list[Part]:
    first = found[0]
    return [Part(**{"hints": first.hints, "rows": first.rows, "operations": first.operations, **values}), *found[1:]]


def test_shards_with_different_hints_are_refused() -> None:
    found = change_part(parts(small(), JOINT, Variant.STRICT, 2), hints={"bins": 3})
    with pytest.raises(CheckRefused, match="different hints"):
        assemble(small(), JOINT, Variant.STRICT, found)


def test_a_shard_that_executed_less_than_the_set_up_is_refused() -> None:
    found = change_part(parts(small(), JOINT, Variant.STRICT, 2), operations=7)
    with pytest.raises(CheckRefused, match="less than the set-up"):
        assemble(small(), JOINT, Variant.STRICT, found)


@pytest.mark.parametrize(
    "change", [lambda found: found[1:], lambda found: [*found, found[0]]], ids=["missing", "twice"]
)
def test_a_shard_that_is_missing_or_comes_twice_is_refused(change: Callable[[list[Part]], list[Part]]) -> None:
    with pytest.raises(CheckRefused, match="exactly once about every query"):
        assemble(small(), JOINT, Variant.STRICT, change(parts(small(), JOINT, Variant.STRICT, 3)))


def test_an_impossible_count_is_refused() -> None:
    found = parts(small(), JOINT, Variant.STRICT, 2)
    content = json.loads(written(found[0]))
    content["rows"][0]["certified"][9] = "101"  # the block (0, 9) has 19 inputs
    forged = read(json.dumps(content).encode(), queries(0, 2, 10))
    with pytest.raises(CheckRefused, match="has 19 inputs"):
        assemble(small(), JOINT, Variant.STRICT, [forged, found[1]])


def changed(change: Callable[[Any], object]) -> bytes:
    content = json.loads(written(check_part(small(), JOINT, Variant.STRICT, {"bins": 50}, [2, 5])))
    change(content)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(more=1),
        lambda content: content.pop("operations"),
        lambda content: content.update(engine_version="0"),
        lambda content: content.update(operations=12),
        lambda content: content.update(operations="-12"),
        lambda content: content.update(operations="1" * 5000),
        lambda content: content.update(hints=[]),
        lambda content: content.update(rows={}),
        lambda content: content["rows"].pop(),
        lambda content: content["rows"].reverse(),
        lambda content: content["rows"].append(content["rows"][0]),
        lambda content: content["rows"][0].update(query="2"),
        lambda content: content["rows"][0].update(query=True),
        lambda content: content["rows"][0].update(query=3),
        lambda content: content["rows"][0].update(certified="12"),
        lambda content: content["rows"][0]["certified"].append(12),
        lambda content: content["rows"][0]["certified"].append("012"),
        lambda content: content["rows"][0]["certified"].append("1.0"),
        lambda content: content["rows"][0].update(wrong=[None]),
        lambda content: content["rows"].__setitem__(0, []),
    ],
)
def test_bytes_that_are_no_part_are_refused(change: Callable[[Any], object]) -> None:
    with pytest.raises(CheckRefused):
        read(changed(change), [2, 5])


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_record_are_refused(data: bytes) -> None:
    with pytest.raises(CheckRefused):
        read(data, [0])


def test_unchanged_bytes_are_read() -> None:
    assert [row.query for row in read(changed(lambda content: None), [2, 5]).rows] == [2, 5]
