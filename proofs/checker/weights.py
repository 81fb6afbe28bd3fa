"""Reads a safetensors checkpoint with TransformerLens names into exact integers, and computes the model's digest.

The file is hostile: every length is compared with the file before it is used.
"""

import hashlib
import json
import struct
from functools import reduce
from itertools import chain
from math import prod
from operator import or_
from typing import Any, NamedTuple

from proofs.checker.arithmetic import Matrix, each
from proofs.checker.refusals import Unreadable

MOST_HEADER_BYTES = 2**20
MOST_OF = {"d_vocab": 512, "n_ctx": 64, "d_model": 512, "d_head": 512}
SHAPES = {
    "W_E": ("d_vocab", "d_model"), "W_pos": ("n_ctx", "d_model"),
    "W_Q": ("d_model", "d_head"), "W_K": ("d_model", "d_head"), "W_V": ("d_model", "d_head"),
    "W_O": ("d_head", "d_model"), "W_U": ("d_model", "d_vocab"),
    "b_Q": ("d_head",), "b_K": ("d_head",), "b_V": ("d_head",), "b_O": ("d_model",), "b_U": ("d_vocab",),
}  # fmt: skip
"""In the order of the digest."""
PLACES = {"W_E": "embed.", "W_pos": "pos_embed.", "W_U": "unembed.", "b_U": "unembed."}
NAMES = {PLACES.get(field, "blocks.0.attn.") + field: field for field in SHAPES}
LEAST_BITS = 24
"""Weights are kept to at least so many, so that rounding up to a unit of the tables costs little."""
IGNORED = ("blocks.0.attn.mask", "blocks.0.attn.IGNORE")

Json = dict[str, Any]


class Weights(NamedTuple):
    digest: str
    """SHA-256 of the canonical weights."""
    bits: int
    """Every number is an integer times 2^-bits."""
    tensors: dict[str, Matrix]
    """A bias is a matrix of one row."""


def read_json(data: bytes, types: Any, what: str) -> Json:
    """JSON of these types, without duplicate keys."""

    def unique(pairs: list[tuple[str, Any]]) -> Json:
        if len(dict(pairs)) != len(pairs):
            raise Unreadable(f"A key occurs twice in the {what}.")
        return dict(pairs)

    root: Json = json.loads(data.decode(), object_pairs_hook=unique)
    if _types(root, types) != types:
        raise Unreadable(f"The {what} does not have exactly the keys and types that the format says.")
    return root


def _types(value: Any, known: Any) -> Any:
    """What the type of a value is, or the types by key as far as they are known. True and 1.0 are no whole numbers."""
    if isinstance(value, dict) and isinstance(known, dict):
        return {key: _types(inner, known.get(key)) for key, inner in value.items()}
    return type(value)


def read_weights(data: bytes) -> Weights:
    """Raises `Unreadable`, or what damaged bytes raise, for anything but one layer with one head in finite float32."""
    found = _tensors(data)
    sizes: dict[str, int] = {}
    for field in ("W_E", "W_pos", "W_Q"):
        sizes |= zip(SHAPES[field], found[field][0]["shape"][-2:], strict=True)
    if not all(type(size) is int and 0 < size <= MOST_OF[axis] for axis, size in sizes.items()):
        raise Unreadable(f"The sizes must be from 1 to {MOST_OF}; found {sizes!s:.200}.")
    digest = hashlib.sha256(b"proofboard-model-v1\n")
    tensors: dict[str, Matrix] = {}
    for field, axes in SHAPES.items():
        shape = [sizes[axis] for axis in axes]
        zeros = {"dtype": "F32", "shape": shape}, bytes(4 * prod(shape))
        entry, content = found.get(field, zeros) if field[0] == "b" else found[field]
        if entry["dtype"] != "F32" or entry["shape"] not in (shape, [1, *shape]) or len(content) != 4 * prod(shape):
            raise Unreadable(f"{field} must be F32 of shape {shape}; found {len(content)} bytes, {str(entry)[:100]}.")
        patterns = [0 if bits == 0x80000000 else bits for (bits,) in struct.iter_unpack("<I", content)]  # -0.0 is 0.0
        digest.update(f"{field}:{','.join(map(str, shape))}\n".encode() + struct.pack(f"<{len(patterns)}I", *patterns))
        values = [_times_two_to_149(field, bits) for bits in patterns]
        tensors[field] = [values[k : k + shape[-1]] for k in range(0, len(values), shape[-1])]
    every = reduce(or_, chain(*chain(*tensors.values())), 1 << 149 - LEAST_BITS)
    spare = (every & -every).bit_length() - 1
    tensors = {field: each(matrix, lambda value: value >> spare) for field, matrix in tensors.items()}
    return Weights(digest.hexdigest(), 149 - spare, tensors)


def _tensors(data: bytes) -> dict[str, tuple[Json, bytes]]:
    """What the header says of each tensor, and its bytes. The tensors must tile the file exactly."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MOST_HEADER_BYTES, len(data) - 8):
        raise Unreadable(f"The weights announce a header of {length} bytes in a file of {len(data)}.")
    header, body = read_json(data[8 : 8 + length], dict, "weights' header"), data[8 + length :]
    header.pop("__metadata__", None)
    position, found = 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        if name not in NAMES and name not in IGNORED:
            raise Unreadable(f"{name[:80]!r} is not a tensor of a one-layer, one-head, attention-only model.")
        begin, end = entry["data_offsets"]
        if begin != position or not begin <= end <= len(body):
            raise Unreadable(f"{name} does not begin where the tensor before ends, or does not end within the file.")
        found[NAMES.get(name, name)], position = (entry, body[begin:end]), end
    if position != len(body):
        raise Unreadable(f"The header describes {position} bytes of tensors; the file has {len(body)}.")
    return found


def _times_two_to_149(field: str, bits: int) -> int:
    """A float32, whose smallest positive value is 2^-149, as an integer."""
    exponent, fraction = bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 0xFF:
        raise Unreadable(f"{field} has an entry that is NaN or infinite.")
    magnitude = (fraction | 0x800000) << exponent - 1 if exponent else fraction
    return -magnitude if bits >> 31 else magnitude
