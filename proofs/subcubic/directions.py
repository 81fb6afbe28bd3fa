"""Directions in which the attention scores have structure: hints, found by singular value decomposition.

Nothing rests on them: every split is an identity for any directions, and bad ones only loosen the bound.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Array
from proofs.model import Model


@dataclass(frozen=True, eq=False)
class Directions:
    query: Float64[Array, " d_vocab"]
    """First left singular vector of the query-key scores: how strongly each query attends by size."""
    key: Float64[Array, " d_vocab"]
    """First right singular vector: how much each token is attended."""
    second_query: Float64[Array, " d_vocab"]
    second_key: Float64[Array, " d_vocab"]
    w_query: Float64[Array, " d_model"]
    w_key: Float64[Array, " d_model"]
    direct: Float64[Array, " d_model"]
    """The residual vector that option U2 takes for all queries; the published one is sqrt(v) times too long (5.6)."""


def find(model: Model) -> Directions:
    """The published directions (5.2c and 5.6)."""
    w = {name: tensor.astype(np.float64) for name, tensor in model.tensors().items()}
    at_query = w["W_E"] + w["W_pos"][-1]
    at_key = w["W_E"] + w["W_pos"].mean(axis=0)
    left, _, right = np.linalg.svd(at_query @ w["W_Q"] @ w["W_K"].T @ at_key.T)
    query, key = left[:, 0], right[0]
    return Directions(
        query=query,
        key=key,
        second_query=_first_left(at_query - np.outer(query, query @ at_query)),
        second_key=_first_left(at_key - np.outer(key, key @ at_key)),
        w_query=_first_left(w["W_Q"]),
        w_key=_first_left(w["W_K"]),
        direct=_direct(at_key, w["W_U"]),
    )


def _first_left(matrix: Float64[Array, "row column"]) -> Float64[Array, " row"]:
    return np.asarray(np.linalg.svd(matrix, full_matrices=False)[0][:, 0])


def _direct(at_key: Float64[Array, "token d_model"], W_U: Float64[Array, "d_model x"]) -> Float64[Array, " d_model"]:
    along = _first_left(at_key @ W_U) @ at_key
    by_sign = {sign: np.linalg.norm((at_key - sign * along) @ W_U, axis=1).mean() for sign in (1.0, -1.0)}
    return np.asarray(min(by_sign, key=lambda sign: by_sign[sign]) * along)
