"""Float32 programs as `docs/semantics.md` describes them: every sum in an order of its own, multiply-adds fused or not."""

from typing import NamedTuple

import numpy as np

from proofs.model import Model

Array = np.ndarray
F = np.float32


class Execution(NamedTuple):
    pattern: Array
    """[position], float32"""
    logits: Array
    """[token], float32"""


def execute(model: Model, tokens: tuple[int, ...], random: np.random.Generator) -> Execution:
    W = model.tensors()
    x = W["W_E"][list(tokens)] + W["W_pos"]
    q = _affine(x[-1:], W["W_Q"], W["b_Q"], random)
    k = _affine(x, W["W_K"], W["b_K"], random)
    v = _affine(x, W["W_V"], W["b_V"], random)
    scores = _scaled(q, k, model.d_head, random)
    weights = np.exp(scores - scores.max())
    total = F(0)
    for weight in random.permutation(weights):
        total = total + weight
    pattern = weights * (F(1) / total) if random.random() < 0.5 else weights / total
    z = _affine(pattern[None, :], v, np.zeros(v.shape[1], F), random)
    out = x[-1:] + _affine(z, W["W_O"], W["b_O"], random)
    return Execution(pattern, _affine(out, W["W_U"], W["b_U"], random)[0])


def answers(model: Model, tokens: tuple[int, ...], random: np.random.Generator) -> bool:
    """Whether one execution answers the maximum; a tie is wrong."""
    logits = execute(model, tokens, random).logits
    right = logits[max(tokens)]
    return bool(np.sum(logits >= right) == 1)


def _scaled(q: Array, k: Array, d_head: int, random: np.random.Generator) -> Array:
    none = np.zeros(len(k), F)
    root = np.sqrt(F(d_head))
    half = np.sqrt(F(1) / root)
    ways = ((q, k, root), (q * (F(1) / root), k, F(1)), (q * half, k * half, F(1)))
    left, right, divisor = ways[random.integers(3)]
    return np.asarray(_affine(left, right.T, none, random)[0] / divisor)


def _affine(left: Array, right: Array, bias: Array, random: np.random.Generator) -> Array:
    """left @ right + bias, summed one by one in a random order, starting from the bias or ending with it."""
    fused, bias_first = random.random(2) < 0.5
    total = (
        np.broadcast_to(bias, (len(left), right.shape[1])) if bias_first else np.zeros((len(left), right.shape[1]), F)
    )
    for j in random.permutation(right.shape[0]):
        term = left[:, j, None].astype(np.float64) * right[j]  # exact: 48 bits
        total = (total + term).astype(F) if fused else total + term.astype(F)
    return total if bias_first else total + bias
