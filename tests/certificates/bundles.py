"""Makes and edits bundles for tests: small models, honest certificates, and ways to spoil either."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from safetensors.numpy import save

from proofs.certificate import README, bundle, certificate_of
from proofs.checkpoint import FIELD_OF
from proofs.model import Model
from proofs.prove import prove
from proofs.strategies import Hints, Variant, named
from tests.proofs.problems import from_tables

Json = dict[str, Any]
NAME_OF = {field: name for name, field in FIELD_OF.items()}


def checkpoint(model: Model) -> bytes:
    """The model as a safetensors file with TransformerLens names."""
    return save({NAME_OF[field]: tensor for field, tensor in model.tensors().items()})


def certified(model: Model, strategy: str, hints: Hints | None = None, variant: Variant = Variant.STRICT) -> Json:
    """An honest certificate, as JSON to spoil."""
    found = named(strategy)
    assert found is not None, strategy
    root: Json = json.loads(certificate_of(prove(model, found, variant, hints=hints)))
    return root


def canonical(root: Json) -> bytes:
    return json.dumps(root, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def bundled(root: Json, model: Model) -> bytes:
    return bundle(canonical(root), checkpoint(model))


def claim(root: Json, query: int, maximum: int, *, correct: int = 0, wrong: int = 0) -> Json:
    """The certificate with so many more inputs claimed in one block, and in all."""
    spoilt: Json = json.loads(json.dumps(root))
    for kind, more in (("correct", correct), ("wrong", wrong)):
        row = spoilt["blocks"][kind][query]
        row[maximum - query] = str(int(row[maximum - query]) + more)
        spoilt["claim"][kind] = str(int(spoilt["claim"][kind]) + more)
    return spoilt


def blocks_of(root: Json, counts: Callable[[int, int], tuple[int, int]]) -> Json:
    """The certificate with other counts of correct and wrong inputs by (query, maximum), and their sums."""
    v = root["task"]["d_vocab"]
    spoilt: Json = json.loads(json.dumps(root))
    for place, kind in enumerate(("correct", "wrong")):
        rows = [[counts(q, m)[place] for m in range(q, v)] for q in range(v)]
        spoilt["blocks"][kind] = [[str(count) for count in row] for row in rows]
        spoilt["claim"][kind] = str(sum(map(sum, rows)))
    return spoilt


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return buffer.getvalue()


def files_of(certificate: bytes, weights: bytes) -> dict[str, bytes]:
    return {"README.txt": README.encode(), "certificate.json": certificate, "weights.safetensors": weights}


def lying_zip(name: str, content: bytes, *, announced: int, others: Mapping[str, bytes]) -> bytes:
    """A zip whose directory and local header announce another size for one deflated file."""
    whole = bytearray(zipped({**others, name: content}))
    said = struct.pack("<I", len(content))
    lie = struct.pack("<I", announced)
    crc = struct.pack("<I", zlib.crc32(content))
    at = whole.find(crc)
    while at != -1:  # crc, compressed size, size: in the local header and in the directory
        assert whole[at + 8 : at + 12] == said
        whole[at + 8 : at + 12] = lie
        at = whole.find(crc, at + 12)
    return bytes(whole)


def copier(seed: int, *, v: int = 4, n: int = 3, noise: float = 0.3, biases: bool = False, focus: float = 1.0) -> Model:
    """Attends to large tokens and writes what it attends to, disturbed: right on many inputs, not on all."""
    random = np.random.default_rng(seed)
    width = v + 1
    parts = {
        "W_E": np.hstack([np.eye(v), np.ones((v, 1))]),
        "W_pos": np.zeros((n, width)),
        "W_Q": np.zeros((width, 2)),
        "W_K": np.zeros((width, 2)),
        "W_V": np.eye(width, v),
        "W_O": 5 * np.eye(v, width),
        "W_U": np.eye(width, v),
    }
    parts["W_Q"][v, 0] = focus
    parts["W_K"][:v, 0] = np.arange(v)
    return _disturbed(parts, random, noise, {"b_V": v, "b_O": width, "b_U": v} if biases else {})


def close_calls() -> Model:
    """Averages what its tokens are worth; larger tokens are worth so little more that float32 may not tell."""
    alike = np.zeros((4, 4))
    return from_tables(alike, np.diag(5 + 5e-7 * np.arange(4)), alike, n_ctx=3)


def _disturbed(parts: dict[str, Any], random: Any, noise: float, biases: dict[str, int]) -> Model:
    d_head = parts["W_V"].shape[1]
    for name in ("W_Q", "W_K"):
        parts[name] = np.pad(parts[name], ((0, 0), (0, d_head - parts[name].shape[1])))
    for name, part in parts.items():
        parts[name] = part + noise * random.normal(size=part.shape)
    for name, size in biases.items():
        parts[name] = noise * random.normal(size=size)
    return Model.of({name: part.astype(np.float32) for name, part in parts.items()})
