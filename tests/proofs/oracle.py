"""The truth by a second road: the forward pass itself, on every input. Shares no code with `proofs`.

Logits are computed as a transformer computes them (softmax, then the residual stream) in float64. Inputs whose
margin is too small for float64 are decided again with 60-digit decimals. What is still within 10^-40 of a tie
counts as *possibly* correct and not as *surely* correct: slack is granted to the oracle, never to the proof.
"""

from collections.abc import Iterator
from decimal import Decimal, localcontext
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from proofs.model import Model


class Truth(NamedTuple):
    surely: dict[tuple[int, int], int]
    """Correct inputs by (query, maximum)."""
    possibly: dict[tuple[int, int], int]


def truth(model: Model) -> Truth:
    surely: dict[tuple[int, int], int] = {}
    possibly: dict[tuple[int, int], int] = {}
    for tokens, margin, blur in _margins(model):
        certain = margin > blur
        maybe = margin > -blur
        if certain != maybe:
            exact = _exact_margin(model, tokens)
            certain, maybe = exact > Decimal("1e-40"), exact > Decimal("-1e-40")
        block = (tokens[-1], max(tokens))
        surely[block] = surely.get(block, 0) + certain
        possibly[block] = possibly.get(block, 0) + maybe
    return Truth(surely, possibly)


def _margins(model: Model) -> Iterator[tuple[tuple[int, ...], float, float]]:
    """Each input with logit[max] - max other logit, and how far the float may be off."""
    w = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    for tokens in product(range(model.d_vocab), repeat=model.n_ctx):
        residual = w["W_E"][list(tokens)] + w["W_pos"]
        query = residual[-1] @ w["W_Q"] + w["b_Q"]
        scores = (residual @ w["W_K"] + w["b_K"]) @ query / np.sqrt(model.d_head)
        pattern = np.exp(scores - scores.max())
        pattern /= pattern.sum()
        mixed = pattern @ (residual @ w["W_V"] + w["b_V"])
        logits = (residual[-1] + mixed @ w["W_O"] + w["b_O"]) @ w["W_U"] + w["b_U"]
        right = max(tokens)
        others = np.delete(logits, right)
        margin = float(logits[right] - others.max()) if len(others) else np.inf
        yield tokens, margin, 1e-6 * (float(np.abs(logits).max()) + 1e-30)


def margin_of(model: Model, tokens: tuple[int, ...]) -> Decimal:
    """logit[max] minus the largest other logit, to 60 digits and more."""
    return _exact_margin(model, tokens)


def _exact_margin(model: Model, tokens: tuple[int, ...]) -> Decimal:
    with localcontext() as context:
        context.prec = 80
        w = {name: _decimals(tensor) for name, tensor in model.tensors().items()}
        residual = [_add(w["W_E"][t], w["W_pos"][i]) for i, t in enumerate(tokens)]
        query = _add(_apply(residual[-1], w["W_Q"]), w["b_Q"])
        keys = [_add(_apply(row, w["W_K"]), w["b_K"]) for row in residual]
        scale = Decimal(model.d_head).sqrt()
        scores = [sum((a * b for a, b in zip(query, key, strict=True)), Decimal(0)) / scale for key in keys]
        weights = [(score - max(scores)).exp() for score in scores]
        values = [_add(_apply(row, w["W_V"]), w["b_V"]) for row in residual]
        mixed = [
            sum((a * row[j] for a, row in zip(weights, values, strict=True)), Decimal(0)) / sum(weights)
            for j in range(model.d_head)
        ]
        final = _add(_add(residual[-1], _apply(mixed, w["W_O"])), w["b_O"])
        logits = _add(_apply(final, w["W_U"]), w["b_U"])
        right = max(tokens)
        return logits[right] - max(logit for x, logit in enumerate(logits) if x != right)


def _decimals(tensor: Any) -> Any:
    if tensor.ndim == 1:
        return [Decimal(float(value)) for value in tensor]
    return [_decimals(row) for row in tensor]


def _add(left: list[Decimal], right: list[Decimal]) -> list[Decimal]:
    return [a + b for a, b in zip(left, right, strict=True)]


def _apply(row: list[Decimal], matrix: list[list[Decimal]]) -> list[Decimal]:
    return [sum((a * line[j] for a, line in zip(row, matrix, strict=True)), Decimal(0)) for j in range(len(matrix[0]))]
