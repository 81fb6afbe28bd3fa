"""The catalogue: every strategy with its name, variants and one sentence. Free of numerical imports.

A strategy is a module with

    search(model, task) -> Hints                                        untrusted, not counted
    check(model, task, hints, queries, tally) -> Iterator[Counts]       trusted, counted, one `Counts` per query in order

`check` must stay sound whatever hints it is given (raise `InvalidHints` for unusable ones), and raises
`NotApplicable` with the reason before its first `Counts` if it does not cover the model. A variant *as published* is a
second function, `check_as_published`. To add a strategy: write the module, add one line here, describe it in
`docs/strategies/<name>.md`; the conformance tests pick it up from this list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:  # the catalogue itself stays free of numpy
    from proofs.bound import Counts
    from proofs.model import Model
    from proofs.tally import Tally
    from proofs.task import MaxOfK

Hints = Mapping[str, Any]


class Variant(StrEnum):
    STRICT = "strict"
    AS_PUBLISHED = "as-published"

    @property
    def trust(self) -> str:
        return "proved" if self is Variant.STRICT else "float"


class Search(Protocol):
    def __call__(self, model: "Model", task: "MaxOfK") -> Hints: ...


class Check(Protocol):
    def __call__(
        self, model: "Model", task: "MaxOfK", hints: Hints, queries: Sequence[int], tally: "Tally"
    ) -> "Iterator[Counts]": ...


@dataclass(frozen=True)
class Strategy:
    """One line of the catalogue."""

    name: str
    family: str
    complexity: str
    summary: str
    variants: tuple[Variant, ...] = (Variant.STRICT,)

    def _module(self) -> Any:
        return import_module(f"{__name__}.{self.name.replace('-', '_')}")

    def search(self) -> Search:
        return cast(Search, self._module().search)

    def check(self, variant: Variant) -> Check:
        if variant is Variant.AS_PUBLISHED:
            return cast(Check, self._module().check_as_published)
        return cast(Check, self._module().check)


BOTH = (Variant.STRICT, Variant.AS_PUBLISHED)

CATALOGUE: tuple[Strategy, ...] = (
    Strategy(
        "brute-force", "brute force", "O(v^n n v)", "Runs the model on every input. Exact, and the longest proof."
    ),
    Strategy(
        "cubic", "cubic", "O(v^3 n^2)", "The published cubic proof: every position at its worst, one token kind at a time.",
        BOTH,
    ),
    Strategy(
        "separable-exact", "separable", "O(n v^4) and what is left",
        "Settles most wrong answers by bounds and enumerates what is left: exact, at the price of a published bound.",
    ),
    Strategy(
        "separable-quartic", "separable", "O(n v^4)", "Correctness as an additive threshold, for each wrong answer apart."
    ),
    Strategy(
        "separable-cubic", "separable", "O(n v^3)", "The additive threshold with the wrong answer at its worst for each token."
    ),
    Strategy(
        "separable-sorted", "separable", "O(v^2 (d + n v log v))",
        "The additive threshold with all free positions treated alike, counted by sorting.",
    ),
    Strategy(
        "separable-quadratic", "separable", "O(v^2 (d + n log v))",
        "Token terms that no longer depend on the answer, counted by order statistics.",
    ),
)  # fmt: skip

BY_NAME: Mapping[str, Strategy] = {strategy.name: strategy for strategy in CATALOGUE}
