"""Attention scores as a cheap part plus a product of small factors (spec 5.2 a to c).

With E_q and E_k the embeddings of queries and keys (positions at their mean) and scores A = (E_q W_Q + b_Q) W_K^T E_k^T, each
split gives A = approximation + product of factors, exactly, for any directions. Terms of rank one are collected as columns
times rows and multiplied out together. b_K adds the same to every key of a query and cancels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Array, Enclosed
from proofs.model import Model
from proofs.subcubic.directions import Directions
from proofs.tally import Tally


@dataclass(frozen=True, eq=False)
class Embeddings:
    query: Enclosed
    """W_E + W_pos[-1]"""
    key: Enclosed
    """W_E + a mean of W_pos. Any vector serves: only differences between keys matter."""

    @classmethod
    def of(cls, model: Model, tally: Tally) -> "Embeddings":
        tokens = Enclosed.exact(model.W_E)
        mean = model.W_pos.astype(np.float64).mean(axis=0)
        tally.add(model.W_pos.size)
        return cls(tokens.plus(Enclosed.exact(model.W_pos[-1]), tally), tokens.plus(Enclosed(mean, 0.0), tally))


@dataclass(frozen=True, eq=False)
class Split:
    approximation: Enclosed
    """[query, key], not divided by sqrt(d_head)"""
    factors: tuple[Enclosed, ...]
    """Their product is what the approximation leaves; none where it leaves nothing."""


def exact(model: Model, embeddings: Embeddings, tally: Tally) -> Split:
    """Split (b): the approximation is everything."""
    queries = _queries(model, embeddings, tally)
    keys = embeddings.key.times(Enclosed.exact(model.W_K), tally)
    return Split(queries.times(keys.transposed(), tally), ())


def rank_one(model: Model, embeddings: Embeddings, directions: Directions, tally: Tally) -> Split:
    """Split (a), with the cross terms: for X Y, projections u and w, A = u (u^T X) Y + (X_r Y w) w^T + X_r Y_r."""
    left, right = _product(model, embeddings, tally)
    along_query, left_rest = peel(left, directions.query, tally)
    along_key, right_rest = peel(right.transposed(), directions.key, tally)
    return Split(
        _outer_sum(
            [_column(directions.query), left_rest.times(along_key.transposed(), tally)],
            [along_query.times(right, tally), _row(directions.key)],
            tally,
        ),
        (left_rest, right_rest.transposed()),
    )


def rank_one_as_published(model: Model, embeddings: Embeddings, directions: Directions, tally: Tally) -> Split:
    """Split (a) without the cross terms, which vanish only for exact singular vectors (audit U-3)."""
    left, right = _product(model, embeddings, tally)
    along_query, left_rest = peel(left, directions.query, tally)
    along_key, right_rest = peel(right.transposed(), directions.key, tally)
    size = along_query.times(along_key.transposed(), tally)
    return Split(
        _outer_sum([_column(directions.query)], [size.times(_row(directions.key), tally)], tally),
        (left_rest, right_rest.transposed()),
    )


def peeled(model: Model, embeddings: Embeddings, directions: Directions, tally: Tally) -> Split:
    """Split (c): both embeddings peeled twice, W_Q and W_K once; what remains is a product of four."""
    W_Q, W_K = Enclosed.exact(model.W_Q), Enclosed.exact(model.W_K)
    E_k = embeddings.key
    q1, query_rest = peel(embeddings.query, directions.query, tally)
    k1, key_rest = peel(E_k, directions.key, tally)
    q2, query_rest_2 = peel(query_rest, directions.second_query, tally)
    k2, key_rest_2 = peel(key_rest, directions.second_key, tally)
    wq, W_Q_rest = peel(W_Q, directions.w_query, tally)
    wk, W_K_rest = peel(W_K, directions.w_key, tally)

    def from_query(row: Enclosed, keys: Enclosed) -> Enclosed:
        """row W_Q W_K^T keys^T, a row over keys"""
        return row.times(W_Q, tally).times(W_K.transposed(), tally).times(keys.transposed(), tally)

    def from_key(queries: Enclosed, row: Enclosed) -> Enclosed:
        """queries W_Q W_K^T row^T, a column over queries"""
        return queries.times(W_Q.times(W_K.transposed().times(row.transposed(), tally), tally), tally)

    columns = [
        _column(directions.query),
        from_key(query_rest, k1),
        _column(directions.second_query),
        from_key(query_rest_2, k2),
        query_rest_2.times(_column(directions.w_query), tally),
        query_rest_2.times(W_Q_rest.times(wk.transposed(), tally), tally),
    ]
    rows = [
        from_query(q1, E_k),
        _row(directions.key),
        from_query(q2, key_rest),
        _row(directions.second_key),
        wq.times(W_K.transposed(), tally).times(key_rest_2.transposed(), tally),
        key_rest_2.times(_column(directions.w_key), tally).transposed(),
    ]
    if model.b_Q.any():
        bias = Enclosed.exact(model.b_Q[None, :])
        columns.append(Enclosed(np.ones((model.d_vocab, 1)), 0.0))
        rows.append(bias.times(W_K.transposed(), tally).times(E_k.transposed(), tally))
    return Split(
        _outer_sum(columns, rows, tally),
        (query_rest_2, W_Q_rest, W_K_rest.transposed(), key_rest_2.transposed()),
    )


def peel(matrix: Enclosed, direction: Float64[Array, " row"], tally: Tally) -> tuple[Enclosed, Enclosed]:
    """z^T M as a row, and M - z (z^T M)."""
    along = _row(direction).times(matrix, tally)
    projection = _column(direction).times(along, tally)
    return along, matrix.plus(Enclosed(-projection.value, projection.radius), tally)


def _queries(model: Model, embeddings: Embeddings, tally: Tally) -> Enclosed:
    queries = embeddings.query.times(Enclosed.exact(model.W_Q), tally)
    return queries.plus(Enclosed.exact(model.b_Q), tally) if model.b_Q.any() else queries


def _product(model: Model, embeddings: Embeddings, tally: Tally) -> tuple[Enclosed, Enclosed]:
    """X [query, d_model] and Y [d_model, key] with X Y the scores."""
    left = _queries(model, embeddings, tally).times(Enclosed.exact(model.W_K).transposed(), tally)
    return left, embeddings.key.transposed()


def _outer_sum(columns: list[Enclosed], rows: list[Enclosed], tally: Tally) -> Enclosed:
    left = Enclosed(np.hstack([column.value for column in columns]), max(column.radius for column in columns))
    right = Enclosed(np.vstack([row.value for row in rows]), max(row.radius for row in rows))
    return left.times(right, tally)


def _column(vector: Float64[Array, " k"]) -> Enclosed:
    return Enclosed(vector[:, None], 0.0)


def _row(vector: Float64[Array, " k"]) -> Enclosed:
    return Enclosed(vector[None, :], 0.0)
