"""Does a model do what its explanation says? Resampling: whatever an explanation calls irrelevant is read elsewhere.

An explanation says which of the things that a path reads may be exchanged without harm. To test it, the path reads them
from another, independently drawn input (activation patching from a random source), or, where the explanation still
cares for something, from one that agrees in that (causal scrubbing). If the explanation is right, accuracy stays. The
`controls` exchange what the model is said to work by: if those do no harm, the test itself says nothing.

    logits = EU[q] + sum_i alpha_i (EVOU[t_i] + PVOU[i]),    alpha = softmax_i(EQKE[q, t_i] + EQKP[q, i])

Each of the nine things that are read here may come from elsewhere on its own (`Reads`). Pairs of input and source
are drawn independently, so the accuracy is a proportion with an exact (Clopper-Pearson) interval.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from proofs.ablation_effects import CHUNK, Effect, Score
from proofs.ablations import attention
from proofs.enclosure import Array
from proofs.intervals import Interval, clopper_pearson
from proofs.sampling import Tokens, uniform
from proofs.tables import Tables
from proofs.task import MaxOfK


@dataclass(frozen=True, eq=False)
class Reads:
    """Where each path reads what, input by input. Undisturbed, everything is the input's own."""

    direct_query: Int64[Array, " input"]
    score_query: Int64[Array, " input"]
    score_key: Tokens
    position_query: Int64[Array, " input"]
    score_position: Int64[Array, "input n_ctx"]
    value: Tokens
    value_position: Int64[Array, "input n_ctx"]

    @classmethod
    def own(cls, tokens: Tokens) -> "Reads":
        query = tokens[:, -1]
        positions = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
        return cls(query, query, tokens, query, positions, tokens, positions)


@dataclass(frozen=True, eq=False)
class Source:
    """What the exchanged things are read from: independent of the inputs, but for `smaller`."""

    tokens: Tokens
    positions: Int64[Array, "input n_ctx"]
    """A position for each position, each equally likely."""
    smaller: Tokens
    """The inputs with every token below the maximum drawn again below the maximum."""
    smaller_again: Tokens

    @classmethod
    def drawn(cls, task: MaxOfK, inputs: Tokens, seed: int) -> "Source":
        rng = np.random.default_rng(seed)
        return cls(
            tokens=rng.integers(0, task.d_vocab, inputs.shape, dtype=np.int64),
            positions=rng.integers(0, task.n_ctx, inputs.shape, dtype=np.int64),
            smaller=_below_maximum(inputs, rng),
            smaller_again=_below_maximum(inputs, rng),
        )


def _below_maximum(inputs: Tokens, rng: np.random.Generator) -> Tokens:
    maximum = inputs.max(axis=1, keepdims=True)
    drawn = np.floor(rng.random(inputs.shape) * maximum).astype(np.int64)
    redrawn: Array = np.where(inputs == maximum, maximum, drawn)
    return redrawn


Exchange = Callable[[Reads, Source], Reads]


@dataclass(frozen=True)
class Explanation:
    """One statement about a model and what it allows to exchange."""

    name: str
    says: str
    exchange: Exchange


def _direct(reads: Reads, source: Source) -> Reads:
    return replace(reads, direct_query=source.tokens[:, -1])


def _score_position(reads: Reads, source: Source) -> Reads:
    return replace(reads, position_query=source.tokens[:, -1], score_position=source.positions)


def _value_position(reads: Reads, source: Source) -> Reads:
    return replace(reads, value_position=source.positions)


def _query_blind(reads: Reads, source: Source) -> Reads:
    return replace(reads, score_query=source.tokens[:, 0])


def _smaller_keys(reads: Reads, source: Source) -> Reads:
    return replace(reads, score_key=source.smaller)


def _smaller_values(reads: Reads, source: Source) -> Reads:
    return replace(reads, value=source.smaller_again)


def _together(*exchanges: Exchange) -> Exchange:
    def exchange(reads: Reads, source: Source) -> Reads:
        for one in exchanges:
            reads = one(reads, source)
        return reads

    return exchange


NOISE = _together(_direct, _score_position, _value_position)

EXPLANATIONS: tuple[Explanation, ...] = (
    Explanation("direct", "What the query says by itself does not matter.", _direct),
    Explanation("position-scores", "Where a token stands does not change how much it is attended to.", _score_position),
    Explanation("position-values", "Where a token stands does not change what it says.", _value_position),
    Explanation("noise", "All three: only token attention and copying matter.", NOISE),
    Explanation("query-blind", "Every query attends alike.", _query_blind),
    Explanation("smaller-keys", "Attention only tells the largest token from smaller ones.", _smaller_keys),
    Explanation("smaller-values", "Tokens below the largest say nothing of their own.", _smaller_values),
    Explanation(
        "story", "All of it: attend to the largest token and copy it.",
        _together(NOISE, _query_blind, _smaller_keys, _smaller_values),
    ),
)  # fmt: skip

CONTROLS: tuple[Explanation, ...] = (
    Explanation(
        "no-attention", "Control: attention may read the tokens of an unrelated input.",
        lambda reads, source: replace(reads, score_query=source.tokens[:, -1], score_key=source.tokens),
    ),
    Explanation(
        "no-copying", "Control: what is attended to may be read from an unrelated input.",
        lambda reads, source: replace(reads, value=source.tokens),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Resampled:
    """What is left under an explanation's exchanges."""

    effect: Effect
    agreement: Interval
    """Share of inputs that get the same answer as without the exchange, right or wrong: faithful to the model, not the task."""


def resampled(
    tables: Tables, task: MaxOfK, explanations: tuple[Explanation, ...], *, draws: int, seed: int
) -> dict[str, Resampled]:
    """Each explanation tested on the same pairs of input and source."""
    inputs = uniform(task, draws, seed)
    source = Source.drawn(task, inputs, seed + 1)
    own = Reads.own(inputs)
    scores = {explanation.name: Score() for explanation in explanations}
    agreed = dict.fromkeys(scores, 0)
    for start in range(0, draws, CHUNK):
        part = slice(start, start + CHUNK)
        before = _logits(tables, own, part).argmax(axis=1)
        for explanation in explanations:
            logits = _logits(tables, explanation.exchange(own, source), part)
            scores[explanation.name].add(logits, inputs[part].max(axis=1))
            agreed[explanation.name] += int((logits.argmax(axis=1) == before).sum())
    return {
        name: Resampled(score.effect(every=False), clopper_pearson(agreed[name], draws))
        for name, score in scores.items()
    }


def _logits(tables: Tables, reads: Reads, part: slice) -> Float64[Array, "input d_vocab"]:
    scores = (
        tables.score_token.value[reads.score_query[part, None], reads.score_key[part]]
        + tables.score_position.value[reads.position_query[part, None], reads.score_position[part]]
    )
    weights = attention(scores)[:, None, :]
    values = tables.ov_token.value[reads.value[part]] + tables.ov_position.value[reads.value_position[part]]
    mixed: Array = np.matmul(weights, values)[:, 0, :] + tables.direct.value[reads.direct_query[part]]
    return mixed
