"""Good files are read, bad files are refused with a sentence that names the tensor and the way out."""

import json
import pickle
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from proofs.checkpoint import MAX_HEADER_BYTES, read_header, read_model
from proofs.errors import ProofError, UnreadableCheckpoint, UnsupportedModel

DATA = Path(__file__).parents[1] / "data"
Array = np.ndarray[Any, Any]


def tensors(d_vocab: int = 4, n_ctx: int = 3, d_model: int = 2, d_head: int = 2) -> dict[str, Array]:
    random = np.random.default_rng(0)
    shapes = {
        "embed.W_E": (d_vocab, d_model),
        "pos_embed.W_pos": (n_ctx, d_model),
        "blocks.0.attn.W_Q": (1, d_model, d_head),
        "blocks.0.attn.W_K": (1, d_model, d_head),
        "blocks.0.attn.W_V": (1, d_model, d_head),
        "blocks.0.attn.W_O": (1, d_head, d_model),
        "unembed.W_U": (d_model, d_vocab),
    }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def changed(**changes: Array | None) -> bytes:
    """A good file with some tensors replaced (`a__b` stands for `a.b`) or, with None, left out."""
    found = tensors()
    for name, value in changes.items():
        if value is None:
            del found[name.replace("__", ".")]
        else:
            found[name.replace("__", ".")] = value
    return save(found)


def raw(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_reads_what_safetensors_writes() -> None:
    model = read_model(save(tensors()))
    assert (model.d_vocab, model.n_ctx, model.d_model, model.d_head) == (4, 3, 2, 2)
    assert np.array_equal(model.W_Q, tensors()["blocks.0.attn.W_Q"][0])
    assert not model.has_biases
    assert not model.W_E.flags.writeable


def test_the_digest_is_about_the_weights_not_the_file() -> None:
    plain = read_model(save(tensors()))
    without_head_axis = {k: v[0] if v.ndim == 3 else v for k, v in tensors().items()}
    assert read_model(save(without_head_axis)).digest == plain.digest
    spelt_out = {
        **tensors(),
        "unembed.b_U": np.zeros(4, np.float32),
        "blocks.0.attn.b_Q": -np.zeros((1, 2), np.float32),
    }
    assert read_model(save(spelt_out, metadata={"seed": "1"})).digest == plain.digest
    spelt_out["unembed.b_U"][0] = 1e-38
    assert read_model(save(spelt_out)).digest != plain.digest


def test_causal_masks_are_ignored() -> None:
    mask = np.tril(np.ones((3, 3), bool))
    read_model(changed(blocks__0__attn__mask=mask, blocks__0__attn__IGNORE=np.array(-np.inf, np.float32)))


NAN = np.full((4, 2), np.nan, np.float32)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (changed(embed__W_E=NAN), r"W_E\[0, 0\] is nan"),
        (changed(unembed__W_U=np.full((2, 4), np.inf, np.float32)), "W_U.*inf.*finite"),
        (changed(embed__W_E=np.zeros((4, 2), np.float16)), "embed.W_E has dtype F16.*model.float"),
        (changed(embed__W_E=np.zeros((4, 2), np.float64)), "embed.W_E has dtype F64"),
        (changed(embed__W_E=None), "lacks embed.W_E.*TransformerLens"),
        (changed(embed__W_E=np.zeros((4, 3), np.float32)), "implies?|imply"),
        (changed(embed__W_E=np.zeros(8, np.float32)), "embed.W_E has shape .8.; expected 2 axes"),
        (changed(embed__W_E=np.zeros((0, 2), np.float32)), "empty"),
        (changed(unembed__W_U=np.zeros((2, 5), np.float32)), "5 outputs.*output vocabulary"),
        (changed(blocks__0__attn__W_Q=np.zeros((2, 2, 2), np.float32)), "2 heads.*n_heads=1"),
        (changed(blocks__1__attn__W_Q=np.zeros((1, 2, 2), np.float32)), "layer 1.*n_layers=1"),
        (changed(blocks__0__mlp__W_in=np.zeros((2, 8), np.float32)), "MLP.*attn_only"),
        (changed(blocks__0__ln1__w=np.zeros(2, np.float32)), "layer norm.*normalization_type"),
        (changed(ln_final__w=np.zeros(2, np.float32)), "layer norm"),
        (changed(transformer__wte=np.zeros((4, 2), np.float32)), "'transformer.wte' is not a tensor"),
        (changed(embed__W_E=np.zeros((5000, 2), np.float32)), "d_vocab is 5,000"),
    ],
)
def test_models_that_the_theory_does_not_cover_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnsupportedModel, match=f"(?s){says}"):
        read_model(data)


def _entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def _torch_zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "0 bytes, too few"),
        (save(tensors())[:-1], "truncated"),
        (save(tensors())[:100], "truncated"),
        (save(tensors()) + b"x", "damaged"),
        (_torch_zip(), "pickle.*Pickles can run code.*save_file"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"\xff" * 64, "announces a header"),
        ((2**63).to_bytes(8, "little") + b"{}", "announces a header"),
        ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * (MAX_HEADER_BYTES + 1), "at most"),
        (raw(b"not json"), "not JSON"),
        (raw(b"\xff\xfe"), "not JSON"),
        (raw(b"[" * 100_000), "not JSON|not a JSON object"),
        (raw([]), "not a JSON object"),
        (raw({f"t{i}": _entry([0], 0, 0) for i in range(10_001)}), "10,001 tensors"),
        (raw({"a": _entry([1], 0, 4), "b": _entry([1], 2, 6)}, bytes(6)), "'b' overlaps"),
        (raw({"a": _entry([1], 0, 4), "b": _entry([1], 8, 12)}, bytes(12)), "hole"),
        (raw({"a": _entry([3], 0, 4)}, bytes(4)), "needs 12"),
        (raw({"a": _entry([-1], 0, 4)}, bytes(4)), "no valid shape"),
        (raw({"a": _entry([2**60, 2**60], 0, 4)}, bytes(4)), "no valid shape"),
        (raw({"a": {**_entry([1], 0, 4), "shape": [True]}}, bytes(4)), "no valid shape"),
        (raw({"a": _entry([1], 4, 0)}, bytes(4)), "data_offsets"),
        (raw({"a": _entry([1], 0, 4, dtype="F128")}, bytes(4)), "unknown dtype"),
        (raw({"a": {"dtype": "F32"}}), "exactly dtype, shape and data_offsets"),
        (raw({"a" * 300: _entry([1], 0, 4)}, bytes(4)), "300 characters"),
        (raw(b'{"a": 1, "a": 2}'), "'a' twice"),
    ],
)
def test_files_that_are_not_well_formed_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableCheckpoint, match=f"(?s){says}"):
        read_header(data)
    with pytest.raises(UnreadableCheckpoint):
        read_model(data)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_files_never_crash(data: st.DataObject) -> None:
    good = bytearray(save(tensors()))
    for _ in range(data.draw(st.integers(1, 5))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    with suppress(ProofError):
        read_model(bytes(good[:cut] if data.draw(st.booleans()) else good))


def test_shared_models_are_read() -> None:
    for path in DATA.glob("*/weights.safetensors"):
        assert read_model(path.read_bytes()).d_vocab > 0
