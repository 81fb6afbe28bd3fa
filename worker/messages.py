"""What a worker and the child process of a proof say to each other. Nothing numerical is loaded for it.

A result is a line of JSON with the figures, then the certificate. Several results (`write_all`) are a line with a list of
figures, each with its `certificate_bytes`, then the certificates one after the other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofs.devices import COMPILED


@dataclass(frozen=True)
class Claimed:
    """A stored claim to check again."""

    certificate: Path
    blob: str
    """SHA-256 of the certificate's bytes."""
    correct: int
    wrong: int


@dataclass(frozen=True)
class Request:
    """What to prove, of which weights."""

    model_digest: str
    checkpoint: Path
    blob: str
    """SHA-256 of the checkpoint's bytes."""
    strategy: str
    """Of the catalogue, or a question (`proofs.questions`)."""
    variant: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    together: tuple[str, ...] = ()
    """The published strategies to prove as one piece of work, of which `strategy` is the first; empty: it alone."""
    shard: tuple[int, int] | None = None
    """Its number and how many there are: check only this shard's queries."""
    results: tuple[str, ...] = ()
    """What all shards said, in their order: put them together."""
    claimed: Claimed | None = None
    """What a re-check is about."""
    device: str = COMPILED
    """Where dynamic programmes run (`proofs.devices`); the result is the same."""


Figures = dict[str, Any]
Result = tuple[Figures, bytes]
"""What is said about a proof, and its certificate (empty if there is none)."""


def write(result: Result) -> bytes:
    said, proof = result
    return line(said) + b"\n" + proof


def write_all(results: Sequence[Result]) -> bytes:
    heads = [{**said, "certificate_bytes": len(proof)} for said, proof in results]
    return b"".join([line(heads), b"\n", *(proof for _, proof in results)])


def read_all(content: bytes) -> list[Result]:
    """What `write` or `write_all` wrote."""
    head, _, rest = content.partition(b"\n")
    said = json.loads(head)
    if isinstance(said, dict):
        return [(said, rest)]
    results, start = [], 0
    for one in said:
        end = start + one.pop("certificate_bytes")
        results.append((one, rest[start:end]))
        start = end
    return results


def is_final(content: bytes) -> bool:
    """True if a shard's process spoke about the whole proof: the strategy does not cover the model."""
    ((said, _),) = read_all(content)
    return said.get("verdict") == "not-applicable"


def line(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
