"""Reads a safetensors checkpoint with TransformerLens names into exact integers, and computes the model's digest.

The file is hostile: every length is compared with the file before it is used.
"""

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from proofs.checker.arithmetic import Matrix
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
PER_HEAD = ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V")
"""May carry a leading axis of one head."""
IGNORED = ("blocks.0.attn.mask", "blocks.0.attn.IGNORE")
NAMES = {
    "embed.W_E": "W_E", "pos_embed.W_pos": "W_pos", "unembed.W_U": "W_U", "unembed.b_U": "b_U",
    **{f"blocks.0.attn.{name}": name for name in (*PER_HEAD, "b_O")},
}  # fmt: skip


class Entry(NamedTuple):
    begin: int
    end: int
    name: str
    dtype: str
    shape: list[int]


@dataclass(frozen=True)
class Weights:
    digest: str
    """SHA-256 of the canonical weights."""
    bits: int
    """Every number is an integer times 2^-bits."""
    tensors: Mapping[str, Matrix]
    """A bias is a matrix of one row."""

    @property
    def d_vocab(self) -> int:
        return len(self.tensors["W_E"])

    @property
    def n_ctx(self) -> int:
        return len(self.tensors["W_pos"])


def read_weights(data: bytes) -> Weights:
    """Raises `Unreadable` for anything but one layer with one head in float32, without NaN or infinity."""
    body = 8 + int.from_bytes(data[:8], "little")
    found = {NAMES[entry.name]: entry for entry in _entries(data) if entry.name in NAMES}
    missing = [name for name in SHAPES if name not in found and name[0] == "W"]
    if missing:
        raise Unreadable(f"The weights lack {', '.join(missing)}.")
    sizes: dict[str, int] = {}
    patterns: dict[str, tuple[int, ...]] = {}
    for field, axes in SHAPES.items():
        if field in found:
            entry = found[field]
            _check_tensor(entry, per_head=field in PER_HEAD, axes=axes, sizes=sizes)
            patterns[field] = struct.unpack_from(f"<{prod(entry.shape)}I", data, body + entry.begin)
        else:
            patterns[field] = (0,) * prod(sizes[axis] for axis in axes)
    return _exact(patterns, {field: tuple(sizes[axis] for axis in axes) for field, axes in SHAPES.items()})


def _entries(data: bytes) -> Iterator[Entry]:
    """Every tensor's place, counted from the end of the header. They must tile the file exactly."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MOST_HEADER_BYTES, len(data) - 8):
        raise Unreadable(f"The weights announce a header of {length} bytes in a file of {len(data)}.")
    header = read_json(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise Unreadable("The header of the weights is not a JSON object.")
    header.pop("__metadata__", None)
    entries = []
    for name, value in header.items():
        match value:
            case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if len(value) == 3:
                if not all(type(size) is int and 0 < size <= 2**24 for size in shape) or len(shape) > 4:
                    raise Unreadable(f"{name[:80]!r} has no valid shape.")
                entries.append(Entry(begin, end, name, dtype, shape))
            case _:
                raise Unreadable(f"{name[:80]!r} needs exactly dtype, shape and data_offsets.")
    position = 0
    for entry in sorted(entries):
        begin, end, name, dtype, shape = entry
        if name not in NAMES and name not in IGNORED:
            raise Unreadable(f"{name[:80]!r} is not a tensor of a one-layer, one-head, attention-only model.")
        if begin != position or end < begin or (dtype == "F32" and end - begin != 4 * prod(shape)):
            raise Unreadable(
                f"{name[:80]!r} spans bytes {begin} to {end}, which does not fit its neighbours or its shape."
            )
        yield entry
        position = end
    if position != len(data) - 8 - length:
        raise Unreadable(f"The header describes {position} bytes of tensors; the file has {len(data) - 8 - length}.")


def read_json(data: bytes) -> Any:
    """JSON without duplicate keys, NaN or infinity."""

    def refuse(text: str) -> Any:
        raise ValueError(f"{text[:40]} is no number")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key occurs twice")
        return dict(pairs)

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"Not the JSON that is expected: {str(error)[:200]}") from error


def _check_tensor(entry: Entry, *, per_head: bool, axes: tuple[str, ...], sizes: dict[str, int]) -> None:
    name, shape = entry.name, entry.shape
    if per_head and len(shape) == len(axes) + 1 and shape[0] == 1:
        shape = shape[1:]
    if entry.dtype != "F32" or len(shape) != len(axes):
        raise Unreadable(f"{name} is {entry.dtype} of shape {entry.shape}; expected F32 with axes {', '.join(axes)}.")
    for axis, size in zip(axes, shape, strict=True):
        if size > MOST_OF[axis]:
            raise Unreadable(f"{name} has {axis} = {size}; this checker covers up to {MOST_OF[axis]}.")
        if sizes.setdefault(axis, size) != size:
            raise Unreadable(f"{name} has {axis} = {size}, another tensor {sizes[axis]}.")


def _exact(patterns: Mapping[str, tuple[int, ...]], shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    digest = hashlib.sha256(b"proofboard-model-v1\n")
    values: dict[str, list[int]] = {}
    for field, found in patterns.items():
        canonical = [0 if bits == 0x80000000 else bits for bits in found]  # -0.0 is 0.0
        digest.update(f"{field}:{','.join(map(str, shapes[field]))}\n".encode())
        digest.update(struct.pack(f"<{len(canonical)}I", *canonical))
        values[field] = [_times_two_to_149(field, bits) for bits in canonical]
    every = 1 << 149
    for flat in values.values():
        for value in flat:
            every |= value
    spare = (every & -every).bit_length() - 1
    tensors = {}
    for field, flat in values.items():
        columns = shapes[field][-1]
        tensors[field] = [[v >> spare for v in flat[k : k + columns]] for k in range(0, len(flat), columns)]
    return Weights(digest.hexdigest(), 149 - spare, tensors)


def _times_two_to_149(field: str, bits: int) -> int:
    """A float32, whose smallest positive value is 2^-149, as an integer."""
    exponent, fraction = bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 0xFF:
        raise Unreadable(f"{field} has an entry that is NaN or infinite.")
    magnitude = (fraction | 0x800000) << exponent - 1 if exponent else fraction
    return -magnitude if bits >> 31 else magnitude
