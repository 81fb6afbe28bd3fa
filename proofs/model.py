"""A one-layer, one-head, attention-only transformer as frozen data, and its canonical hash.

Names and shapes are TransformerLens's, without the layer and head axes (spec/proof-strategies.md, 1.1).
The claim of every proof is about these float32 numbers, read as exact rationals.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32

from proofs.errors import UnsupportedModel

Array = np.ndarray


class Arithmetic(StrEnum):
    """What the weights stand for (docs/semantics.md)."""

    REAL = "real"
    """One real function of the weights, which are exact rationals"""
    FLOAT32 = "float32"
    """Whatever any float32 program computes that keeps to the statement of `proofs.float32`"""


@dataclass(frozen=True, eq=False)
class Model:
    W_E: Float32[Array, "d_vocab d_model"]
    W_pos: Float32[Array, "n_ctx d_model"]
    W_Q: Float32[Array, "d_model d_head"]
    W_K: Float32[Array, "d_model d_head"]
    W_V: Float32[Array, "d_model d_head"]
    W_O: Float32[Array, "d_head d_model"]
    W_U: Float32[Array, "d_model d_vocab"]
    b_Q: Float32[Array, " d_head"]
    b_K: Float32[Array, " d_head"]
    b_V: Float32[Array, " d_head"]
    b_O: Float32[Array, " d_model"]
    b_U: Float32[Array, " d_vocab"]
    arithmetic: Arithmetic = Arithmetic.REAL

    def __post_init__(self) -> None:
        shapes = expected_shapes(d_vocab=self.d_vocab, n_ctx=self.n_ctx, d_model=self.d_model, d_head=self.d_head)
        for name, tensor in self.tensors().items():
            if tensor.dtype != np.float32:
                raise UnsupportedModel(f"{name} is {tensor.dtype}; every tensor must be float32.")
            if tensor.shape != shapes[name]:
                raise UnsupportedModel(
                    f"{name} has shape {tensor.shape}, but the other tensors imply {shapes[name]} "
                    f"(d_vocab={self.d_vocab}, n_ctx={self.n_ctx}, d_model={self.d_model}, d_head={self.d_head})."
                )
            bad = np.argwhere(~np.isfinite(tensor))
            if len(bad):
                raise UnsupportedModel(
                    f"{name}{bad[0].tolist()} is {tensor[tuple(bad[0])]}; every weight must be finite. "
                    f"{len(bad)} of {tensor.size} entries are not: was the training stable?"
                )
            # -0.0 and 0.0 are the same real number, so the same model: store one of them.
            canonical = np.ascontiguousarray(tensor + np.float32(0))
            canonical.flags.writeable = False
            object.__setattr__(self, name, canonical)

    @classmethod
    def of(cls, tensors: Mapping[str, Array]) -> "Model":
        """From float32 arrays by field name; missing biases are zero. Raises `UnsupportedModel`."""
        missing = [name for name in WEIGHTS if name not in tensors]
        if missing:
            raise UnsupportedModel(f"The model lacks {', '.join(missing)}.")
        d_model, d_head = tensors["W_Q"].shape
        zeros = expected_shapes(
            d_vocab=tensors["W_E"].shape[0], n_ctx=tensors["W_pos"].shape[0], d_model=d_model, d_head=d_head
        )
        parts: dict[str, Any] = {name: tensors[name] for name in WEIGHTS}
        parts |= {name: tensors.get(name, np.zeros(zeros[name], dtype=np.float32)) for name in BIASES}
        return cls(**parts)

    def tensors(self) -> dict[str, Array]:
        return {name: getattr(self, name) for name in (*WEIGHTS, *BIASES)}

    def executed_in_float32(self) -> "Model":
        """The same weights, understood as a program's."""
        return replace(self, arithmetic=Arithmetic.FLOAT32)

    @property
    def d_vocab(self) -> int:
        return int(self.W_E.shape[0])

    @property
    def n_ctx(self) -> int:
        return int(self.W_pos.shape[0])

    @property
    def d_model(self) -> int:
        return int(self.W_E.shape[1])

    @property
    def d_head(self) -> int:
        return int(self.W_Q.shape[1])

    @property
    def has_biases(self) -> bool:
        return any(getattr(self, name).any() for name in BIASES)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical weights: names, shapes and little-endian float32 in a fixed order.

        A file that spells out zero biases and one that leaves them out hold the same model.
        """
        text = hashlib.sha256(b"proofboard-model-v1\n")
        for name, tensor in self.tensors().items():
            shape = ",".join(str(size) for size in tensor.shape)
            text.update(f"{name}:{shape}\n".encode())
            text.update(tensor.astype("<f4").tobytes())
        return text.hexdigest()


WEIGHTS = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U")
BIASES = ("b_Q", "b_K", "b_V", "b_O", "b_U")


def expected_shapes(*, d_vocab: int, n_ctx: int, d_model: int, d_head: int) -> dict[str, tuple[int, ...]]:
    return {
        "W_E": (d_vocab, d_model),
        "W_pos": (n_ctx, d_model),
        "W_Q": (d_model, d_head),
        "W_K": (d_model, d_head),
        "W_V": (d_model, d_head),
        "W_O": (d_head, d_model),
        "W_U": (d_model, d_vocab),
        "b_Q": (d_head,),
        "b_K": (d_head,),
        "b_V": (d_head,),
        "b_O": (d_model,),
        "b_U": (d_vocab,),
    }
