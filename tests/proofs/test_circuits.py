"""The five circuits are the whole model, and pooled tables are exact block means."""

import numpy as np
import pytest

from proofs.circuits import Circuits, circuits
from proofs.model import Array, Model


def some_model(*, d_vocab: int = 7, n_ctx: int = 3, seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    d_model, d_head = 5, 4
    shapes = {
        "W_E": (d_vocab, d_model), "W_pos": (n_ctx, d_model), "W_Q": (d_model, d_head), "W_K": (d_model, d_head),
        "W_V": (d_model, d_head), "W_O": (d_head, d_model), "W_U": (d_model, d_vocab), "b_Q": (d_head,),
        "b_K": (d_head,), "b_V": (d_head,), "b_O": (d_model,), "b_U": (d_vocab,),
    }  # fmt: skip
    return Model.of({name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})


def forward(model: Model, tokens: list[int]) -> Array:
    """The logits at the last position, written down from the definition of the architecture."""
    W = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    residual = W["W_E"][tokens] + W["W_pos"]
    scores = (residual[-1] @ W["W_Q"] + W["b_Q"]) @ (residual @ W["W_K"] + W["b_K"]).T / np.sqrt(model.d_head)
    weights = np.exp(scores - scores.max())
    attended = (weights / weights.sum()) @ (residual @ W["W_V"] + W["b_V"])
    logits: Array = (residual[-1] + attended @ W["W_O"] + W["b_O"]) @ W["W_U"] + W["b_U"]
    return logits


def reassembled(tables: Circuits, tokens: list[int]) -> Array:
    query = tokens[-1]
    scores = tables.QK[query, tokens] + tables.QK_position[query]
    weights = np.exp(scores - scores.max())
    attended: Array = (weights / weights.sum()) @ (tables.OV[tokens] + tables.OV_position)
    logits: Array = tables.direct[query] + attended
    return logits


@pytest.mark.parametrize("tokens", [[0, 1, 2], [6, 6, 6], [5, 0, 3]])
def test_the_five_circuits_together_are_the_model(tokens: list[int]) -> None:
    model = some_model()
    np.testing.assert_allclose(reassembled(circuits(model), tokens), forward(model, tokens), atol=1e-12)


def test_a_large_table_is_pooled_into_exact_block_means() -> None:
    model = some_model(d_vocab=10, n_ctx=5)
    whole, pooled = circuits(model), circuits(model, most_cells=4)
    assert (pooled.token_block, pooled.position_block) == (3, 2)
    assert pooled.OV.shape == (4, 4)
    assert pooled.QK_position.shape == (4, 3)
    np.testing.assert_allclose(pooled.QK[1, 2], whole.QK[3:6, 6:9].mean(), atol=1e-12)
    np.testing.assert_allclose(pooled.direct[0, 3], whole.direct[0:3, 9:].mean(), atol=1e-12)
    np.testing.assert_allclose(pooled.OV_position[2, 1], whole.OV_position[4:, 3:6].mean(), atol=1e-12)


def test_a_small_model_is_not_pooled() -> None:
    assert circuits(some_model()).token_block == 1
