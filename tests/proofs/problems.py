"""Small models of every shape to try strategies on. Hand-made ones say what they do."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs.model import Model

MOST_INPUTS = 1300


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Mostly models that know something about Max-of-K, so that there is something to certify, and to get wrong."""
    kind = draw(st.sampled_from(["copies", "copies", "copies", "copies", "noise", "integers"]))
    n_ctx = draw(st.integers(1, 5))
    most = max(v for v in range(1, 9) if v**n_ctx <= MOST_INPUTS)
    d_vocab = draw(st.integers(min(2, most), most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    biases = draw(st.booleans())
    if kind == "copies":
        return _copies(draw, random, d_vocab, n_ctx, biases)
    d_model, d_head = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    scale = draw(st.sampled_from([1e-20, 1e-3, 0.3, 1.0, 3.0, 30.0]))
    shapes = _shapes(d_vocab, n_ctx, d_model, d_head)
    if kind == "integers":
        return _model({name: random.integers(-2, 3, shape) for name, shape in shapes.items()}, biases)
    return _model({name: scale * random.normal(size=shape) for name, shape in shapes.items()}, biases)


def _copies(draw: st.DrawFn, random: Any, d_vocab: int, n_ctx: int, biases: bool) -> Model:
    """Reads tokens as themselves, attends to large ones, writes what it attends to; disturbed at random."""
    tokens = np.arange(d_vocab)
    focus = draw(st.sampled_from([0.0, 0.3, 1.0, 3.0, 1000.0]))
    noise = draw(st.sampled_from([0.0, 0.05, 0.2, 0.5]))
    gain = draw(st.sampled_from([1.0, 5.0]))
    width = d_vocab + 1  # one coordinate for each token, one that is always 1
    parts = {
        "W_E": np.hstack([np.eye(d_vocab), np.ones((d_vocab, 1))]),
        "W_pos": np.zeros((n_ctx, width)),
        "W_Q": np.vstack([np.zeros((d_vocab, 1)), np.full((1, 1), focus)]),
        "W_K": np.vstack([tokens[:, None], np.zeros((1, 1))]),
        "W_V": np.vstack([np.eye(d_vocab), np.zeros((1, d_vocab))]),
        "W_O": np.hstack([gain * np.eye(d_vocab), np.zeros((d_vocab, 1))]),
        "W_U": np.vstack([np.eye(d_vocab), np.zeros((1, d_vocab))]),
    }
    # d_head is d_vocab: pad the one-dimensional query and key
    parts["W_Q"] = np.hstack([parts["W_Q"], np.zeros((width, d_vocab - 1))])
    parts["W_K"] = np.hstack([parts["W_K"], np.zeros((width, d_vocab - 1))])
    for name in parts:
        parts[name] = parts[name] + noise * random.normal(size=parts[name].shape)
    for name, size in {"b_Q": d_vocab, "b_K": d_vocab, "b_V": d_vocab, "b_O": width, "b_U": d_vocab}.items():
        parts[name] = noise * random.normal(size=size)
    return _model(parts, biases)


def _model(parts: dict[str, Any], biases: bool) -> Model:
    return Model.of({name: np.asarray(part, np.float32) for name, part in parts.items() if biases or name[0] == "W"})


def _shapes(d_vocab: int, n_ctx: int, d_model: int, d_head: int) -> dict[str, tuple[int, ...]]:
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


def from_tables(
    score: np.ndarray[Any, Any],
    ov: np.ndarray[Any, Any],
    direct: np.ndarray[Any, Any],
    *,
    position_score: np.ndarray[Any, Any] | None = None,
    position_ov: np.ndarray[Any, Any] | None = None,
    n_ctx: int = 2,
) -> Model:
    """A model whose tables are the given ones: score[query, token], ov[token, logit], direct[query, logit].

    `position_score[query, position]` and `position_ov[position, logit]` are added. The residual stream holds a one-hot
    token, a one-hot position and the logits.
    """
    v = len(ov)
    position_score = np.zeros((v, n_ctx)) if position_score is None else position_score
    position_ov = np.zeros((n_ctx, v)) if position_ov is None else position_ov
    width = v + n_ctx + v
    head = v + n_ctx
    W_E = np.zeros((v, width))
    W_E[:, :v] = np.eye(v)
    W_E[:, v + n_ctx :] = direct
    W_pos = np.zeros((n_ctx, width))
    W_pos[:, v : v + n_ctx] = np.eye(n_ctx)
    W_Q = np.zeros((width, head))
    W_Q[:v, :v] = score * np.sqrt(head)
    W_Q[:v, v:] = position_score * np.sqrt(head)
    W_K = np.zeros((width, head))
    W_K[:head] = np.eye(head)
    W_V = W_K.copy()
    W_O = np.zeros((head, width))
    W_O[:v, head:] = ov
    W_O[v:, head:] = position_ov
    W_U = np.zeros((width, v))
    W_U[head:] = np.eye(v)
    return _model({"W_E": W_E, "W_pos": W_pos, "W_Q": W_Q, "W_K": W_K, "W_V": W_V, "W_O": W_O, "W_U": W_U}, False)


def knows_nothing() -> Model:
    """Every logit is exactly zero: every input is a tie, and a tie is wrong."""
    zeros = {name: np.zeros(shape) for name, shape in _shapes(4, 3, 2, 2).items()}
    return _model(zeros, True)


def copies_its_largest_token() -> Model:
    """Correct on every input: attention falls on the largest token, which is written."""
    v = 5
    score = np.tile(np.arange(v) * 5.0, (v, 1))
    return from_tables(score, 10 * np.eye(v), np.zeros((v, v)), n_ctx=3)


def averages_its_tokens() -> Model:
    """Attends to everything alike: right only where the largest token has a majority."""
    v = 5
    return from_tables(np.zeros((v, v)), 10 * np.eye(v), np.zeros((v, v)), n_ctx=3)


def misled_by_its_query() -> Model:
    """As good as `copies_its_largest_token`, but the direct path shouts the query, which is right only where it is the largest."""
    v = 5
    score = np.tile(np.arange(v) * 5.0, (v, 1))
    return from_tables(score, 10 * np.eye(v), 30 * np.eye(v), n_ctx=3)


def misled_by_a_position() -> Model:
    """Attends to position 0 alone."""
    v = 5
    position_score = np.zeros((v, 3))
    position_score[:, 0] = 40.0
    return from_tables(np.zeros((v, v)), 10 * np.eye(v), np.zeros((v, v)), position_score=position_score, n_ctx=3)


def writes_at_a_position() -> Model:
    """Whatever stands at position 1 adds to the logit of token 0."""
    v = 5
    score = np.tile(np.arange(v) * 1.0, (v, 1))
    position_ov = np.zeros((3, v))
    position_ov[1, 0] = 12.0
    return from_tables(score, 10 * np.eye(v), np.zeros((v, v)), position_ov=position_ov, n_ctx=3)


def pairs_gang_up() -> Model:
    """Two copies of a smaller token outvote one copy of the largest; one copy does not."""
    v = 5
    score = np.tile(np.arange(v) * 0.5, (v, 1))
    return from_tables(score, 10 * np.eye(v), np.zeros((v, v)), n_ctx=4)


HAND_MADE = [
    knows_nothing,
    copies_its_largest_token,
    averages_its_tokens,
    misled_by_its_query,
    misled_by_a_position,
    writes_at_a_position,
    pairs_gang_up,
]
