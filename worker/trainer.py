"""Trains Max-of-K models by seed with the published recipe (spec/proof-strategies.md, 1.3).

Same recipe, same processor family and same torch: same weights, bit for bit. The order of draws and the shapes of the
products below are therefore part of the recipe: every position is computed although only the last one is scored, and
biases are added although they are zero, because leaving either out rounds differently and training amplifies it.

Lives beside the worker, not in `proofs`: no claim rests on how a model was made, and the engine stays free of torch.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import md5
from math import inf, sqrt

import numpy as np
import safetensors.numpy
import torch
from torch import Tensor
from torch.nn import functional

from proofs.checkpoint import FIELD_OF, PER_HEAD
from proofs.model import Model

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
INIT_SCALE = 0.8

Weights = dict[str, Tensor]
"""By field name of `Model`, without the axis of heads, in the order in which they are drawn."""


@dataclass(frozen=True)
class Recipe:
    """What decides the trained weights. The defaults are the paper's main setting."""

    seed: int
    n_ctx: int = 4
    d_vocab: int = 64
    d_model: int = 32
    steps: int = 3000
    batch_size: int = 128

    def __post_init__(self) -> None:
        if self.d_vocab < 2 or min(self.n_ctx, self.d_model, self.steps, self.batch_size) < 1:
            raise ValueError("Training needs d_vocab >= 2, and n_ctx, d_model, steps and batch_size >= 1.")


def train(recipe: Recipe, *, report: Callable[[int, float], None] = lambda step, loss: None) -> Model:
    """The trained model; `report(steps done, loss)` is called after each step and may raise to stop.

    Leaves torch's random state and number of threads as it found them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny tensors: a second thread only spins, and may change the order of sums
    try:
        return _train(recipe, report)
    finally:
        torch.set_num_threads(threads)


def initial_weights(recipe: Recipe) -> Weights:
    """Independent normal draws with standard deviation 0.8 / sqrt(d_model), before any step."""
    v, n, d = recipe.d_vocab, recipe.n_ctx, recipe.d_model
    generator = torch.Generator().manual_seed(reseed(recipe.seed, "model"))
    shapes = {
        "W_E": (v, d), "W_pos": (n, d), "W_Q": (d, d), "W_O": (d, d), "W_K": (d, d), "W_V": (d, d), "W_U": (d, v),
    }  # fmt: skip
    deviation = INIT_SCALE / sqrt(d)
    return {name: torch.empty(shape).normal_(0.0, deviation, generator=generator) for name, shape in shapes.items()}


def checkpoint(model: Model, recipe: Recipe) -> bytes:
    """A safetensors file with TransformerLens names and one head axis; the recipe is its metadata."""
    fields = model.tensors()
    tensors = {
        name: np.ascontiguousarray(fields[field][None] if field in PER_HEAD else fields[field])
        for name, field in FIELD_OF.items()
    }
    # One key only: the library writes several in no fixed order, and equal models should be equal files.
    return bytes(safetensors.numpy.save(tensors, metadata={"recipe": json.dumps(asdict(recipe), sort_keys=True)}))


def reseed(seed: int, label: str) -> int:
    """The published derivation of one seed from another: md5 of compact JSON, a zero byte in front, four bytes."""
    digest = md5(json.dumps([seed, label], separators=(",", ":")).encode(), usedforsecurity=False).digest()
    return int.from_bytes((b"\0" + digest)[:4], "little")


def _train(recipe: Recipe, report: Callable[[int, float], None]) -> Model:
    weights = {name: tensor.requires_grad_() for name, tensor in initial_weights(recipe).items()}
    optimiser = torch.optim.AdamW(weights.values(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    samples = torch.Generator().manual_seed(reseed(reseed(recipe.seed, "dataset_seed"), "train"))
    for step in range(recipe.steps):
        tokens = torch.randint(0, recipe.d_vocab, (recipe.batch_size, recipe.n_ctx), generator=samples)
        loss = _loss(_last_logits(weights, tokens), tokens.amax(dim=-1))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        report(step + 1, loss.item())
    return Model.of({name: tensor.detach().numpy() for name, tensor in weights.items()})


def _last_logits(weights: Weights, tokens: Tensor) -> Tensor:
    """The forward pass of section 1.2, laid out as the published training code's. [sample, answer]"""
    residual = weights["W_E"][tokens] + weights["W_pos"]  # [sample, position, model]
    zero = residual.new_zeros(residual.shape[-1])
    queries, keys, values = (functional.linear(residual, weights[name].T, zero) for name in ("W_Q", "W_K", "W_V"))
    scores = queries @ keys.mT / sqrt(residual.shape[-1])  # [sample, query position, key position]
    causal = torch.ones_like(scores, dtype=torch.bool).tril()
    attention = scores.masked_fill(~causal, -inf).softmax(dim=-1)
    attended = functional.linear(attention @ values, weights["W_O"].T, zero)
    return ((residual + attended) @ weights["W_U"])[:, -1]


def _loss(logits: Tensor, right: Tensor) -> Tensor:
    """Mean cross-entropy; the log-softmax as -log1p of the other terms, exact where the model is nearly certain."""
    largest, where = logits.max(dim=-1, keepdim=True)
    below = logits - largest
    others = below.exp().scatter(-1, where, 0.0).sum(dim=-1, keepdim=True)
    log_probabilities = below - torch.log1p(others)
    return -log_probabilities.gather(-1, right[:, None]).mean()
