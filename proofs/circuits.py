"""A model's circuits as tables to look at: which token attends to which, and what it then says.

With e = W_E, the query's position n - 1 and the mean position p̄ folded in as in the paper (EPVOU, EQKE, EUPU):

    OV[t, x]           ((e_t + p̄) W_V + b_V) W_O W_U           what token t says when attended to
    QK[q, t]           (Q_q · ((e_t + p̄) W_K + b_K)) / √d_head   how much query q attends to t
    direct[q, x]       (e_q + p_{n-1} + b_O) W_U + b_U           what the query says by itself
    QK_position[q, i]  (Q_q · (p_i - p̄) W_K) / √d_head           how much q prefers position i
    OV_position[i, x]  (p_i - p̄) W_V W_O W_U                     what position i adds

The five together are the whole model. For display only: no proof reads them. A table too large to draw is pooled, and
since every table is a product, the mean of a block of cells is exactly the product of the factors' means.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float64

from proofs.model import Array, Model

MOST_CELLS = 128
"""Rows or columns of a drawn table; a larger one is pooled."""


@dataclass(frozen=True, eq=False)
class Circuits:
    OV: Float64[Array, "token output"]
    QK: Float64[Array, "query key"]
    direct: Float64[Array, "query output"]
    QK_position: Float64[Array, "query position"]
    OV_position: Float64[Array, "position output"]
    token_block: int = 1
    """Tokens whose mean one row or column of tokens is; 1 means that nothing was pooled."""
    position_block: int = 1


def circuits(model: Model, *, most_cells: int = MOST_CELLS) -> Circuits:
    """The five tables in float64, pooled so that no side is longer than `most_cells`."""
    W = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    mean_position = W["W_pos"].mean(axis=0)
    tokens, positions = _block(model.d_vocab, most_cells), _block(model.n_ctx, most_cells)

    embedded = _pool(W["W_E"], tokens)
    position = _pool(W["W_pos"] - mean_position, positions)
    unembed, b_U = _pool(W["W_U"].T, tokens).T, _pool(W["b_U"][:, None], tokens)[:, 0]

    here = embedded + W["W_pos"][-1]
    query = (here @ W["W_Q"] + W["b_Q"]) / sqrt(model.d_head)
    key = (embedded + mean_position) @ W["W_K"] + W["b_K"]
    value = (embedded + mean_position) @ W["W_V"] + W["b_V"]
    output = W["W_O"] @ unembed
    return Circuits(
        OV=value @ output,
        QK=query @ key.T,
        direct=(here + W["b_O"]) @ unembed + b_U,
        QK_position=query @ (position @ W["W_K"]).T,
        OV_position=position @ W["W_V"] @ output,
        token_block=tokens,
        position_block=positions,
    )


def _block(size: int, most: int) -> int:
    return -(-size // most)


def _pool(table: Array, block: int) -> Array:
    """Means of consecutive blocks of rows; the last block may be shorter."""
    starts = np.arange(0, len(table), block)
    sizes = np.diff(np.append(starts, len(table)))
    pooled: Array = np.add.reduceat(table, starts, axis=0) / sizes[:, None]
    return pooled
