"""What several sub-cubic proofs of one model need, computed once.

Each piece carries the operations of computing it, and a proof is charged for every piece that it uses, whoever computed
it first: a proof out of the whole catalogue has the same length as the same proof made alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import sqrt
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float64, Int64

from proofs.bound import Counts
from proofs.enclosure import Array, Enclosed
from proofs.errors import NotApplicable
from proofs.float32 import Float32Error
from proofs.model import Arithmetic, Model
from proofs.subcubic import attention, counting, direct, published, residual, split, strict
from proofs.subcubic.directions import Directions
from proofs.subcubic.options import PEELED, RANK_ONE, Attention, Direct, Error, Options
from proofs.subcubic.values import Values, mean_folded, ov_tables
from proofs.tally import Tally
from proofs.task import MaxOfK

T = TypeVar("T")
Gaps = Int64[Array, "query maximum n_ctx"]


class SearchTables(StrEnum):
    """Which OV tables the published search sees (spec 5.9): an accident of the order in which the drivers ran."""

    UNCENTRED = "uncentred"
    MEAN_FOLDED = "mean-folded"


@dataclass(frozen=True)
class Counted(Generic[T]):
    value: T
    operations: int

    @classmethod
    def of(cls, make: Callable[[Tally], T]) -> "Counted[T]":
        tally = Tally()
        value = make(tally)
        return cls(value, tally.operations)


@dataclass(frozen=True, eq=False)
class Base:
    """What no option changes."""

    embeddings: split.Embeddings
    values: Values
    direct: Enclosed
    """[query, x], with what biases add"""
    bias: Enclosed
    positions: tuple[attention.Positions, float]
    execution: Float32Error | None
    """How far executions of the model may stray from it, if the claim is about those"""

    @classmethod
    def of(cls, model: Model, tally: Tally) -> "Base":
        embeddings = split.Embeddings.of(model, tally)
        bias = direct.bias_logits(model, tally) if model.has_biases else Enclosed(np.zeros((1, model.d_vocab)), 0.0)
        table = embeddings.query.times(Enclosed.exact(model.W_U), tally)
        return cls(
            embeddings,
            Values.of(*ov_tables(model, tally), tally),
            table.plus(bias, tally) if model.has_biases else table,
            bias,
            attention.positions(model, embeddings, sqrt(model.d_head), tally),
            Float32Error.of(model, tally) if model.arithmetic is Arithmetic.FLOAT32 else None,
        )


@dataclass(frozen=True, eq=False)
class StrictPieces:
    task: MaxOfK
    base: Counted[Base]
    scores: Mapping[Error, Counted[strict.Scores]]
    directs: Mapping[Direct, Counted[tuple[direct.SharedDirect, strict.Envelope]]]

    @classmethod
    def of(cls, model: Model, task: MaxOfK, directions: Directions, wanted: Collection[Options]) -> "StrictPieces":
        base = Counted.of(lambda tally: Base.of(model, tally))
        residuals = _residuals(model, base.value.embeddings, directions, wanted, split.rank_one, residual.BOUNDS)

        def scores(error: Error) -> Counted[strict.Scores]:
            approximation, ranges = residuals[error].value
            made = Counted.of(
                lambda tally: strict.scores(
                    approximation, ranges, sqrt(model.d_head), tally, execution=base.value.execution
                )
            )
            return Counted(made.value, made.operations + residuals[error].operations)

        def around(option: Direct) -> Counted[tuple[direct.SharedDirect, strict.Envelope]]:
            return Counted.of(lambda tally: _with_envelope(model, base.value, directions, option, tally))

        return cls(
            task,
            base,
            {error: scores(error) for error in residuals},
            {option: around(option) for option in {options.direct for options in wanted}},
        )

    def smallest_gaps(self, options: Options) -> Gaps:
        return np.asarray(strict.smallest_gaps(self._inputs(options, Tally()), self.task.n_ctx))

    def worst_wrong_logits(self, options: Options, gaps: Gaps, tally: Tally) -> Float64[Array, "query maximum n_ctx"]:
        """W[q, m, c], proved; NaN where an entry speaks about no input."""
        tally.add(
            self.base.operations + self.scores[options.error].operations + self.directs[options.direct].operations
        )
        worst, operations = strict.worst_wrong_logits(self._inputs(options, tally), gaps)
        tally.add(operations)
        maxima = np.arange(self.task.d_vocab)
        base = self.base.value
        worst[maxima, maxima, 0] = strict.only_maxima(base.values, base.direct, tally, execution=base.execution)
        return np.asarray(worst)

    def check(self, options: Options, gaps: Gaps, tally: Tally) -> tuple[Counts, ...]:
        worst = self.worst_wrong_logits(options, gaps, tally)
        tally.add(int(np.isfinite(worst).sum()))
        return counting.count(self.task, worst < 0, gaps, tokens_at_gap=1)

    def _inputs(self, options: Options, tally: Tally) -> strict.Inputs:
        around, envelope = self.directs[options.direct].value
        base = self.base.value
        return strict.inputs(
            self.scores[options.error].value,
            base.positions,
            envelope,
            base.values,
            around,
            tally,
            execution=base.execution,
        )


@dataclass(frozen=True, eq=False)
class PublishedPieces:
    task: MaxOfK
    base: Counted[Base]
    scores: Mapping[Error, Counted[published.Scores]]
    directs: Mapping[Direct, Counted[published.Answers]]

    @classmethod
    def of(cls, model: Model, task: MaxOfK, directions: Directions, wanted: Collection[Options]) -> "PublishedPieces":
        """Raises `NotApplicable` for a model that the published checks would get wrong."""
        _refuse_what_was_not_published(model)
        base = Counted.of(lambda tally: Base.of(model, tally))
        embeddings = base.value.embeddings

        def around(option: Direct) -> Counted[published.Answers]:
            return Counted.of(
                lambda tally: _answers(model, embeddings.query, base.value.values, directions, option, tally)
            )

        return cls(
            task,
            base,
            _published_scores(model, base.value, directions, wanted),
            {option: around(option) for option in {options.direct for options in wanted}},
        )

    def worst_wrong_logits(self, options: Options, gaps: Gaps, tally: Tally) -> Float64[Array, "query maximum n_ctx"]:
        """W[q, m, c] as published; NaN where an entry speaks about no input."""
        scores, answers = self.scores[options.error], self.directs[options.direct]
        averaged = options.attention is Attention.A1
        worst, operations = published.worst_wrong_logits(scores.value, answers.value, gaps, averaged)
        tally.add(self.base.operations + scores.operations + answers.operations + operations)
        maxima = np.arange(self.task.d_vocab)
        worst[maxima, maxima, 0] = published.only_maxima(self.base.value.values, self.base.value.direct, tally)
        return np.asarray(worst)

    def check(self, options: Options, gaps: Gaps, tally: Tally) -> tuple[Counts, ...]:
        worst = self.worst_wrong_logits(options, gaps, tally)
        tally.add(int(np.isfinite(worst).sum()))
        return counting.count(self.task, worst < 0, gaps, tokens_at_gap=0)


def search_as_published(
    model: Model, task: MaxOfK, directions: Directions, wanted: Collection[Options], tables: SearchTables
) -> dict[Options, Gaps]:
    """The published gap tables. The search sees the mean position in the direct path where the check sees the last."""
    _refuse_what_was_not_published(model)
    base = Base.of(model, Tally())
    ov = ov_tables(model, Tally())
    values = Values.of(*(ov if tables is SearchTables.UNCENTRED else mean_folded(*ov)), Tally())
    scores = _published_scores(model, base, directions, wanted)
    found: dict[Options, Gaps] = {}
    for error in scores:
        directs = [option for option in Direct if any(o.direct is option and o.error is error for o in wanted)]
        answers = [_answers(model, base.embeddings.key, values, directions, option, Tally()) for option in directs]
        lead, slack = np.stack([a.lead for a in answers]), np.stack([a.slack for a in answers])
        gaps = published.smallest_gaps(scores[error].value, lead, values.own, values.spread, slack, task.n_ctx)
        for i, option in enumerate(directs):
            for j, averaging in enumerate(Attention):
                found[Options(option, averaging, error)] = gaps[i, j]
    return {options: found[options] for options in wanted}


def _published_scores(
    model: Model, base: Base, directions: Directions, wanted: Collection[Options]
) -> dict[Error, Counted[published.Scores]]:
    residuals = _residuals(
        model, base.embeddings, directions, wanted, split.rank_one_as_published, residual.AS_PUBLISHED
    )

    def scores(error: Error) -> Counted[published.Scores]:
        approximation, ranges = residuals[error].value
        made = Counted.of(
            lambda tally: published.scores(approximation, ranges, sqrt(model.d_head), base.positions[0], tally)
        )
        return Counted(made.value, made.operations + residuals[error].operations)

    return {error: scores(error) for error in residuals}


def _residuals(
    model: Model,
    embeddings: split.Embeddings,
    directions: Directions,
    wanted: Collection[Options],
    rank_one: Callable[[Model, split.Embeddings, Directions, Tally], split.Split],
    bounds: Mapping[Error, residual.Bound],
) -> dict[Error, Counted[tuple[Enclosed, residual.Ranges]]]:
    """Approximation and range of what it leaves, for each wanted error; each split is made once."""
    makers: dict[str, Callable[[Tally], split.Split]] = {
        "rank one": lambda tally: rank_one(model, embeddings, directions, tally),
        "peeled": lambda tally: split.peeled(model, embeddings, directions, tally),
        "exact": lambda tally: split.exact(model, embeddings, tally),
    }
    splits: dict[str, Counted[split.Split]] = {}
    found = {}
    for error in sorted({options.error for options in wanted}, key=list(Error).index):
        family = "rank one" if error in RANK_ONE else "peeled" if error in PEELED else "exact"
        if family not in splits:
            splits[family] = Counted.of(makers[family])
        made = splits[family]
        ranges = Counted.of(partial(bounds[error], made.value.factors))
        found[error] = Counted((made.value.approximation, ranges.value), made.operations + ranges.operations)
    return found


def _with_envelope(
    model: Model, base: Base, directions: Directions, option: Direct, tally: Tally
) -> tuple[direct.SharedDirect, strict.Envelope]:
    around = direct.RULES[option](base.embeddings.query, Enclosed.exact(model.W_U), directions.direct, tally)
    if model.has_biases:
        around = direct.SharedDirect(around.shared.plus(base.bias, tally), around.slack)
    return around, strict.envelope(base.values, around.shared, tally)


def _answers(
    model: Model, embedded: Enclosed, values: Values, directions: Directions, option: Direct, tally: Tally
) -> published.Answers:
    around = direct.RULES[option](embedded, Enclosed.exact(model.W_U), directions.direct, tally)
    return published.answers(values, around, tally)


def _refuse_what_was_not_published(model: Model) -> None:
    if model.has_biases:
        raise NotApplicable(
            "The model has biases, which the published sub-cubic checks ignore: their result would be about another model. "
            "Use the strict variant, which covers biases."
        )
    if model.d_head != model.d_model:
        raise NotApplicable(
            f"The published sub-cubic checks need d_head = d_model, but this model has {model.d_head} and {model.d_model}. "
            "Use the strict variant, which covers any width."
        )
