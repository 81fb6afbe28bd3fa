"""Runs one strategy on one model and puts the claim together.

Search proposes hints, at any price; only the check is believed, counted and reported. `prove` yields to its
caller after each query, so that long proofs can show progress and be cancelled, and so that queries can be split
over processes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from proofs import ENGINE_VERSION
from proofs.bound import Bound, Counts
from proofs.lengths import reference_length
from proofs.model import Model
from proofs.strategies import Hints, Strategy, Variant
from proofs.tally import Tally
from proofs.task import MaxOfK


@dataclass(frozen=True)
class Claim:
    """At least `bound.correct` of `bound.total` inputs are answered correctly by the model with this digest."""

    model_digest: str
    task: MaxOfK
    strategy: str
    variant: Variant
    hints: Hints
    bound: Bound
    lengths: dict[str, int]
    """Operations by cost model."""
    engine_version: str = ENGINE_VERSION

    @property
    def trust(self) -> str:
        return self.variant.trust

    @property
    def verdict(self) -> str:
        """`proved`, or `vacuous` if the best constant answer does as well."""
        return "proved" if self.bound.correct > self.task.constant_correct else "vacuous"


def task_of(model: Model) -> MaxOfK:
    return MaxOfK(d_vocab=model.d_vocab, n_ctx=model.n_ctx)


def prove(
    model: Model,
    strategy: Strategy,
    variant: Variant,
    *,
    hints: Hints | None = None,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Claim:
    """The claim of one strategy about one model; `report(done, of)` is called after each query.

    Raises `NotApplicable`, `InvalidHints` or `CheckRefused`.
    """
    task = task_of(model)
    found = search(model, strategy, variant) if hints is None else hints
    tally = Tally()
    rows: list[Counts] = []
    for row in check(model, strategy, variant, found, range(task.d_vocab), tally):
        rows.append(row)
        report(len(rows), task.d_vocab)
    return claim(model, strategy, variant, found, rows, tally)


def search(model: Model, strategy: Strategy, variant: Variant) -> Hints:
    """Untrusted hints for `check`."""
    return strategy.search(variant)(subject(model, variant), task_of(model))


def check(
    model: Model, strategy: Strategy, variant: Variant, hints: Hints, queries: Sequence[int], tally: Tally
) -> Iterator[Counts]:
    """One shard of a check: the counts of some queries."""
    return strategy.check(variant)(subject(model, variant), task_of(model), hints, queries, tally)


def subject(model: Model, variant: Variant) -> Model:
    """What a claim of this variant is about."""
    return model.executed_in_float32() if variant is Variant.AS_EXECUTED else model


def claim(
    model: Model, strategy: Strategy, variant: Variant, hints: Hints, rows: Sequence[Counts], tally: Tally
) -> Claim:
    """Puts the shards of a check together. Raises `CheckRefused` unless every count is possible."""
    task = task_of(model)
    lengths = {"measured-v1": tally.operations}
    reference = reference_length(strategy.name, task, d_model=model.d_model)
    if reference is not None:
        lengths["reference-v1"] = reference
    return Claim(model.digest, task, strategy.name, variant, hints, Bound.of(task, rows), lengths)
