"""One shard of a long proof, and the shards put together, inside child processes.

A shard says a line of JSON with its times and memory, then what it found (`proofs.shards`); if the strategy does not
cover the model it says what a whole proof says. Shards come from other processes, perhaps on other machines: what they
say is validated before it is put together.
"""

import json
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

from proofs.certificate import certificate_of
from proofs.errors import CheckRefused, NotApplicable
from proofs.prove import search
from proofs.shards import Part, assemble, check_part, read, written
from proofs.splitting import queries
from proofs.strategies import BY_NAME, Variant
from worker.limits import Report
from worker.messages import Request, read_all, write
from worker.run import figures, model_of, not_applicable, peak_memory_mb

USED = ("seconds", "search_seconds", "peak_memory_mb")


def prove_shard(request: Request, report: Report) -> bytes:
    """The part of shard `request.shard`."""
    model, strategy, variant = model_of(request), BY_NAME[request.strategy], Variant(request.variant)
    if request.shard is None:
        raise ValueError("There is no shard to check.")
    mine = queries(*request.shard, model.d_vocab)
    started = perf_counter()
    try:
        hints = search(model, strategy, variant)
        searched = perf_counter()
        part = check_part(model, strategy, variant, hints, mine, report=report)
    except NotApplicable as reason:
        return write(not_applicable(reason, perf_counter() - started))
    times = {"seconds": perf_counter() - searched, "search_seconds": searched - started}
    return write(({**times, "peak_memory_mb": peak_memory_mb()}, written(part)))


def put_together(request: Request, report: Report) -> bytes:
    """The result of the whole proof from what its shards said: their seconds together, the most memory of one."""
    model = model_of(request)
    of = len(request.results)
    found = [_Found.read(said, queries(shard, of, model.d_vocab)) for shard, said in enumerate(request.results)]
    claim = assemble(model, BY_NAME[request.strategy], Variant(request.variant), [one.part for one in found])
    used = {
        "seconds": sum(one.seconds for one in found),
        "search_seconds": max(one.search_seconds for one in found),
        "peak_memory_mb": max(one.peak_memory_mb for one in found),
    }
    return write((figures(claim) | used, certificate_of(claim)))


@dataclass(frozen=True)
class _Found:
    part: Part
    seconds: float
    search_seconds: float
    peak_memory_mb: float

    @classmethod
    def read(cls, said: str, mine: list[int]) -> "_Found":
        """Raises `CheckRefused`."""
        try:
            ((used, part),) = read_all(said.encode())
            figures = [_amount(used[name]) for name in USED]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CheckRefused(f"A shard's result is not what a shard says: {error!r}") from error
        return cls(read(part, mine), *figures)


def _amount(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value) or value < 0:
        raise ValueError(f"{json.dumps(value)[:40]} is no amount")
    return float(value)
