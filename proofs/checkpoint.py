"""Reads a safetensors checkpoint with TransformerLens names into a `Model`.

The file is hostile until shown otherwise: lengths are compared with the file before anything is allocated, and
whatever the theory does not cover is refused with the tensor's name and the way out. Layout of the format:
8 bytes little-endian header length, a JSON header, then the tensors' bytes.
"""

import json
import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from proofs.errors import UnreadableCheckpoint, UnsupportedModel
from proofs.model import Array, Model

MAX_FILE_BYTES = 64 * 2**20
MAX_HEADER_BYTES = 2**20
MAX_TENSORS = 10_000
MAX_NAME_LENGTH = 256
MAX_D_VOCAB = 4096
MAX_N_CTX = 256
MAX_WIDTH = 4096

FIELD_OF = {
    "embed.W_E": "W_E",
    "pos_embed.W_pos": "W_pos",
    "blocks.0.attn.W_Q": "W_Q",
    "blocks.0.attn.W_K": "W_K",
    "blocks.0.attn.W_V": "W_V",
    "blocks.0.attn.W_O": "W_O",
    "unembed.W_U": "W_U",
    "blocks.0.attn.b_Q": "b_Q",
    "blocks.0.attn.b_K": "b_K",
    "blocks.0.attn.b_V": "b_V",
    "blocks.0.attn.b_O": "b_O",
    "unembed.b_U": "b_U",
}
PER_HEAD = {"W_Q": 2, "W_K": 2, "W_V": 2, "W_O": 2, "b_Q": 1, "b_K": 1, "b_V": 1}
"""Tensors that may carry a leading axis of heads, with their rank without it."""

IGNORED = ("blocks.0.attn.mask", "blocks.0.attn.IGNORE")
"""TransformerLens buffers. The last position sees every position, so the causal mask changes nothing."""

ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip

CONVERT = (
    "Save it as safetensors: `from safetensors.torch import save_file; "
    "save_file({k: v.contiguous() for k, v in model.state_dict().items()}, 'model.safetensors')`."
)


@dataclass(frozen=True)
class Entry:
    """One tensor's place in the file. `begin` and `end` count from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_model(data: bytes) -> Model:
    """The model in a safetensors file.

    Raises `UnreadableCheckpoint` if the bytes are not a well-formed file, and `UnsupportedModel` if the theory
    does not cover what they hold.
    """
    entries = read_header(data)
    start = len(data) - (entries[-1].end if entries else 0)
    chosen = _choose(entries)
    return Model.of({field: _array(data, start, entry) for field, entry in chosen.items()})


def read_header(data: bytes) -> list[Entry]:
    """Every tensor's place, in file order, after checking that they tile the file exactly."""
    header, body_bytes = _split(data)
    entries = sorted((_entry(name, value) for name, value in header.items()), key=lambda e: (e.begin, e.end))
    position = 0
    for entry in entries:
        if entry.begin != position:
            what = "overlaps its neighbour" if entry.begin < position else "leaves a hole before it"
            raise UnreadableCheckpoint(
                f"Tensor {entry.name!r} {what}: it starts at byte {entry.begin}, expected {position}. "
                "Save the file again with the safetensors library."
            )
        position = entry.end
    if position != body_bytes:
        raise UnreadableCheckpoint(
            f"The header describes {position:,} bytes of tensors but the file holds {body_bytes:,}. "
            "The file is truncated or damaged: copy or save it again."
        )
    return entries


def _split(data: bytes) -> tuple[dict[str, Any], int]:
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableCheckpoint(
            f"The file has {len(data):,} bytes; at most {MAX_FILE_BYTES:,} are accepted. "
            "Upload the weights only, without optimiser state."
        )
    if data[:4] == b"PK\x03\x04" or (data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05"):
        raise UnreadableCheckpoint(
            "This is a pickle (a .pt, .pth or .ckpt file). Pickles can run code when they are opened, so only "
            "safetensors files are accepted. " + CONVERT
        )
    if len(data) < 8:
        raise UnreadableCheckpoint(f"The file has {len(data)} bytes, too few for a safetensors file. {CONVERT}")
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER_BYTES or length > len(data) - 8:
        raise UnreadableCheckpoint(
            f"The file announces a header of {length:,} bytes; it holds {len(data) - 8:,} bytes after the length "
            f"field and headers may have at most {MAX_HEADER_BYTES:,}. It is truncated or not a safetensors file. "
            + CONVERT
        )
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UnreadableCheckpoint(f"The header is not JSON ({error}). {CONVERT}") from error
    if not isinstance(header, dict):
        raise UnreadableCheckpoint(f"The header is not a JSON object. {CONVERT}")
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise UnreadableCheckpoint(f"The header lists {len(header):,} tensors; at most {MAX_TENSORS:,} are accepted.")
    return header, len(data) - 8 - length


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableCheckpoint(f"The header lists {twice[:MAX_NAME_LENGTH]!r} twice. Save the file again.")
    return found


def _entry(name: str, value: Any) -> Entry:
    if len(name) > MAX_NAME_LENGTH:
        raise UnreadableCheckpoint(
            f"A tensor's name has {len(name):,} characters; at most {MAX_NAME_LENGTH} are accepted."
        )
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise UnreadableCheckpoint(f"Tensor {name!r} needs exactly dtype, shape and data_offsets in the header.")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise UnreadableCheckpoint(f"Tensor {name!r} has the unknown dtype {str(dtype)[:40]!r}; use F32.")
    if not _sizes(shape) or len(shape) > 8:
        raise UnreadableCheckpoint(f"Tensor {name!r} has no valid shape: it must list up to 8 sizes.")
    if not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise UnreadableCheckpoint(f"Tensor {name!r} has no valid data_offsets: they must be [begin, end].")
    if prod(shape) * ITEM_BYTES[dtype] != offsets[1] - offsets[0]:
        raise UnreadableCheckpoint(
            f"Tensor {name!r} has shape {shape} and dtype {dtype}, which needs {prod(shape) * ITEM_BYTES[dtype]:,} "
            f"bytes, but the header gives it {offsets[1] - offsets[0]:,}. Save the file again."
        )
    return Entry(name, dtype, tuple(shape), offsets[0], offsets[1])


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size <= 2**40 for size in value)


def _choose(entries: list[Entry]) -> dict[str, Entry]:
    """The tensors of the model by field name; refuses the rest."""
    chosen: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in IGNORED:
            continue
        field = FIELD_OF.get(entry.name)
        if field is None:
            raise UnsupportedModel(_why_unknown(entry.name))
        chosen[field] = _without_head_axis(field, entry)
    missing = [name for name, field in FIELD_OF.items() if field[0] == "W" and field not in chosen]
    if missing:
        raise UnsupportedModel(
            f"The file lacks {', '.join(missing)}. Proofboard reads TransformerLens names; rename the tensors of "
            "your state dict accordingly."
        )
    _check_sizes(chosen)
    return chosen


def _why_unknown(name: str) -> str:
    layer = re.match(r"blocks\.(\d+)\.", name)
    if layer and int(layer[1]) > 0:
        return (
            f"{name} belongs to layer {int(layer[1])}: the proofs cover models with exactly one layer. "
            "Train with n_layers=1."
        )
    if re.search(r"\.mlp\.|^mlp\.", name):
        return f"{name} belongs to an MLP: the proofs cover attention-only models. Train with attn_only=True."
    if re.search(r"(^|\.)ln\w*\.", name):
        return f"{name} belongs to a layer norm, which the proofs do not cover. Train with normalization_type=None."
    return (
        f"{name[:80]!r} is not a tensor of a one-layer attention-only TransformerLens model. Expected: "
        f"{', '.join(FIELD_OF)}. Rename it or leave it out."
    )


def _without_head_axis(field: str, entry: Entry) -> Entry:
    if entry.dtype != "F32":
        raise UnsupportedModel(
            f"{entry.name} has dtype {entry.dtype}; a claim is about exact float32 weights. "
            "Convert the model with `model.float()` and save it again."
        )
    if 0 in entry.shape:
        raise UnsupportedModel(f"{entry.name} has shape {list(entry.shape)} and is empty.")
    rank = PER_HEAD.get(field)
    shape = entry.shape
    if rank is not None and len(shape) == rank + 1:
        if shape[0] != 1:
            raise UnsupportedModel(
                f"{entry.name} has shape {list(shape)}, that is {shape[0]} heads: the proofs cover models with "
                "exactly one head. Train with n_heads=1."
            )
        shape = shape[1:]
    wanted = rank if rank is not None else (1 if field[0] == "b" else 2)
    if len(shape) != wanted:
        raise UnsupportedModel(
            f"{entry.name} has shape {list(entry.shape)}; expected {wanted} axes"
            + (" (and one for the single head)." if rank is not None else ".")
        )
    return Entry(entry.name, entry.dtype, shape, entry.begin, entry.end)


def _check_sizes(chosen: dict[str, Entry]) -> None:
    limits = {
        "d_vocab": (chosen["W_E"].shape[0], MAX_D_VOCAB),
        "n_ctx": (chosen["W_pos"].shape[0], MAX_N_CTX),
        "d_model": (chosen["W_E"].shape[1], MAX_WIDTH),
        "d_head": (chosen["W_Q"].shape[1], MAX_WIDTH),
    }
    for name, (size, limit) in limits.items():
        if size > limit:
            raise UnsupportedModel(f"{name} is {size:,}; models up to {name} = {limit:,} are accepted.")
    outputs = chosen["W_U"].shape[1]
    if outputs != chosen["W_E"].shape[0]:
        raise UnsupportedModel(
            f"unembed.W_U has {outputs} outputs but embed.W_E has {chosen['W_E'].shape[0]} tokens: for Max-of-K "
            "the output vocabulary must be the input vocabulary."
        )


def _array(data: bytes, start: int, entry: Entry) -> Array:
    flat = np.frombuffer(data, dtype="<f4", count=prod(entry.shape), offset=start + entry.begin)
    return flat.reshape(entry.shape).astype(np.float32)
