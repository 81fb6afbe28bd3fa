"""Spoilt certificates: none is accepted with a claim above the truth, none crashes or stops the checker.

200 mutants of each strategy; `PROOFBOARD_FUZZ=10000` for a night.
"""

import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from time import process_time
from typing import Any

import pytest

from proofs.certificate import bundle
from proofs.checker.__main__ import check
from proofs.checker.bundle import read_bundle
from proofs.model import Model
from proofs.strategies import CATALOGUE, SUBCUBIC, Variant
from tests.certificates.bundles import Json, canonical, certified, checkpoint, copier
from tests.proofs.soundness import known_truth

MUTANTS = int(os.environ.get("PROOFBOARD_FUZZ", "200"))
MOST_SECONDS = 5.0
MODELS = [copier(2), copier(4, noise=0.6, biases=True), copier(3, v=3, n=4)]
NAMES = [strategy.name for strategy in CATALOGUE] + [
    strategy.name for strategy in SUBCUBIC if strategy.code in ("U1-A1-E1", "U2-A1-E8", "U4-A1-E9")
]
ODD: list[Any] = [
    0, 1, -1, 2**63, 2**64, 10**30, 1.5, 1e999, True, None, "", "0", "-1", "1e3", "\u0661", "x" * 300, [], {}, [[]],
    {"gaps": ""}, "9" * 699, "max-of-3", "strict", "as-published", "real-arithmetic-v1", "float32-v1",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, entry in inner for place in places(entry, (*path, key)))]


def changed(root: Json, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Json:
    spoilt: Any = {"": json.loads(json.dumps(root))}
    inside, path = spoilt, ("", *path)
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = change(inside[path[-1]])
    result: Json = spoilt[""]
    return result


def raise_a_count(root: Json, chance: random.Random) -> Json:
    """More inputs in one block, with sums that agree: the mutant that only mathematics refutes."""
    kind = chance.choice(["correct", "wrong"])
    query = chance.randrange(len(root["blocks"][kind]))
    place = chance.randrange(len(root["blocks"][kind][query]))
    more = chance.choice([1, 1, 1, 2, 5, 2**64])
    spoilt = changed(root, ("blocks", kind, query, place), lambda count: str(int(count) + more))
    return changed(spoilt, ("claim", kind), lambda count: str(int(count) + more))


def replace_an_entry(root: Json, chance: random.Random) -> Json:
    return changed(root, chance.choice(places(root)), lambda _: chance.choice(ODD))


def move_an_entry(root: Json, chance: random.Random) -> Json:
    found = places(root)
    inside: Any = root
    for key in chance.choice(found):
        inside = inside[key]
    return changed(root, chance.choice(found), lambda _: json.loads(json.dumps(inside)))


def swap_the_strategy(root: Json, chance: random.Random) -> Json:
    return changed(root, ("strategy", "name"), lambda _: chance.choice(NAMES))


def exchange_blocks(root: Json, chance: random.Random) -> Json:
    """Counts of one kind shuffled, or of both kinds exchanged; the sums still agree."""
    kind = chance.choice(["correct", "wrong"])
    if chance.random() < 0.3:
        spoilt = changed(root, ("blocks",), lambda blocks: {"correct": blocks["wrong"], "wrong": blocks["correct"]})
        return changed(spoilt, ("claim",), lambda said: said | {"correct": said["wrong"], "wrong": said["correct"]})

    def shuffled(rows: list[list[str]]) -> list[list[str]]:
        flat = [count for row in rows for count in row]
        chance.shuffle(flat)
        counts = iter(flat)
        return [[next(counts) for _ in row] for row in rows]

    return changed(root, ("blocks", kind), shuffled)


def damage_bytes(content: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(spoilt))
        match chance.randrange(3):
            case 0:
                spoilt[place] ^= 1 << chance.randrange(8)
            case 1:
                del spoilt[place : place + chance.randint(1, 40)]
            case _:
                spoilt[place:place] = chance.randbytes(chance.randint(1, 40))
    return bytes(spoilt)


CHANGES = [raise_a_count, raise_a_count, replace_an_entry, move_an_entry, swap_the_strategy, exchange_blocks]


def mutants(root: Json, weights: bytes, chance: random.Random) -> bytes:
    spoilt = root
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        with suppress(
            LookupError, TypeError, ValueError, AttributeError, OverflowError
        ):  # where another change was before
            spoilt = chance.choice(CHANGES)(spoilt, chance)
    content = bundle(canonical(spoilt) if isinstance(spoilt, dict) else b"", weights)
    return damage_bytes(content, chance) if chance.random() < 0.2 else content


def assert_true(content: bytes, model: Model) -> None:
    """An accepted bundle claims nothing about any block that is not so."""
    certificate, weights = read_bundle(content)
    assert weights.digest == model.digest
    facts = known_truth(model)
    total = {"right": 0, "wrong": 0}
    for query, (right, wrong) in enumerate(zip(*certificate["blocks"].values(), strict=True)):
        for maximum in range(query, model.d_vocab):
            free = model.n_ctx - 1
            size = (maximum + 1) ** free - (maximum**free if query < maximum else 0)
            assert right[maximum - query] <= facts.possibly.get((query, maximum), 0)
            assert wrong[maximum - query] <= size - facts.surely.get((query, maximum), 0)
        total["right"] += sum(right)
        total["wrong"] += sum(wrong)
    counts = {"correct": total["right"], "wrong": total["wrong"], "total": model.d_vocab**model.n_ctx}
    assert certificate["claim"] == counts


@pytest.mark.parametrize("name", NAMES)
def test_no_mutant_is_accepted_above_the_truth(name: str) -> None:
    chance = random.Random(name)
    honest = [
        (model, certified(model, name, variant=variant), checkpoint(model))
        for model in MODELS
        for variant in (Variant.STRICT, Variant.AS_EXECUTED)
    ]
    verdicts = {0: 0, 1: 0, 2: 0}
    for _ in range(MUTANTS):
        model, root, weights = chance.choice(honest)
        content = mutants(root, weights, chance)
        started = process_time()
        code, text = check(content)
        assert process_time() - started < MOST_SECONDS
        assert len(text) < 3000
        verdicts[code] += 1
        if code == 0:
            assert_true(content, model)
    assert min(verdicts.values()) > 0, verdicts  # each kind of mutant does occur
