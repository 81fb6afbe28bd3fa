"""The catalogue: every strategy with its name, variants and one sentence. Free of numerical imports.

A strategy is a module with

    search(model, task) -> Hints                                        untrusted, not counted
    check(model, task, hints, queries, tally) -> Iterator[Counts]       trusted, counted, one `Counts` per query in order

`check` must stay sound whatever hints it is given (raise `InvalidHints` for unusable ones), and raises
`NotApplicable` with the reason before its first `Counts` if it does not cover the model. A variant *as published* is a
second function, `check_as_published`. To add a strategy: write the module, add one line here, describe it in
`docs/strategies/<name>.md`; the conformance tests pick it up from this list.

The 100 published sub-cubic strategies (`SUBCUBIC`) are combinations of options and share one module, `subcubic`, whose
functions take the strategy's short code first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from proofs.subcubic import options

if TYPE_CHECKING:  # the catalogue itself stays free of numpy
    from proofs.bound import Counts
    from proofs.model import Model
    from proofs.tally import Tally
    from proofs.task import MaxOfK

Hints = Mapping[str, Any]


class Variant(StrEnum):
    STRICT = "strict"
    """A theorem about the real function of the weights"""
    AS_EXECUTED = "as-executed"
    """The same theorem about any float32 execution of them (`proofs.float32`)"""
    AS_PUBLISHED = "as-published"
    """The published computation, in floats without error bounds"""

    @property
    def trust(self) -> str:
        return "float" if self is Variant.AS_PUBLISHED else "proved"


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
    variants: tuple[Variant, ...] = (Variant.STRICT, Variant.AS_EXECUTED)
    code: str = ""
    """Short code of a sub-cubic strategy, such as U4-A1-E9; accepted wherever its name is."""
    group: str = ""
    """Label in the published plots, where it is finer than the family."""
    caveats: tuple[str, ...] = ()
    """Where the argument is no proof *as published*, in sentences; the strict variant repairs all of it."""

    @property
    def page(self) -> str:
        """Where its theorem, its cost and when it is loose are written down, in `docs/strategies`."""
        return "subcubic.md" if self.code else f"{self.name}.md"

    def search(self, variant: Variant = Variant.STRICT) -> Search:
        if self.code and variant is Variant.AS_PUBLISHED:
            return cast(Search, self._function("search_published_gaps"))
        return cast(Search, self._function("search"))

    def check(self, variant: Variant) -> Check:
        return cast(Check, self._function("check_as_published" if variant is Variant.AS_PUBLISHED else "check"))

    def _function(self, name: str) -> Any:
        module = "subcubic" if self.code else self.name.replace("-", "_")
        function = getattr(import_module(f"{__name__}.{module}"), name)
        return partial(function, self.code) if self.code else function


ALSO_PUBLISHED = tuple(Variant)

CATALOGUE: tuple[Strategy, ...] = (
    Strategy(
        "brute-force", "brute force", "O(v^n n v)", "Runs the model on every input. Exact, and the longest proof."
    ),
    Strategy(
        "cubic", "cubic", "O(v^3 n^2)", "The published cubic proof: every position at its worst, one token kind at a time.",
        ALSO_PUBLISHED, caveats=(options.CAVEATS["U-5"],),
    ),
    Strategy(
        "separable-exact", "separable", "O(n v^4) and what is left",
        "Settles most wrong answers by bounds and enumerates what is left: exact, at the price of a published bound.",
    ),
    Strategy(
        "separable-quartic", "separable", "O(n v^4)", "Correctness as an additive threshold, for each wrong answer apart."
    ),
    Strategy(
        "separable-paired", "separable", "O(n v^4)",
        "For long sequences: the answer that the maximum leaves close must be the one that another token pushes.",
    ),
    Strategy(
        "separable-joint", "separable", "O(n v^3)",
        "The additive threshold over those wrong answers only that bounds leave open.",
    ),
    Strategy(
        "separable-cubic", "separable", "O(n v^3)", "The additive threshold with the wrong answer at its worst for each token."
    ),
    Strategy(
        "separable-sorted", "separable", "O(v^2 (d + n v log v))",
        "The additive threshold with all free positions treated alike, counted by sorting.",
    ),
    Strategy(
        "separable-best-of", "separable", "O(v^2 (d + n log v)) and chosen blocks",
        "separable-quadratic, and separable-sorted for the blocks that gain the most for each operation.",
    ),
    Strategy(
        "separable-quadratic", "separable", "O(v^2 (d + n log v))",
        "Token terms that no longer depend on the answer, counted by order statistics.",
    ),
)  # fmt: skip

SUBCUBIC: tuple[Strategy, ...] = tuple(
    Strategy(
        combination.long_name,
        "sub-cubic",
        "O(v^2 (d + n^2 + n log v) + v d^2)",
        f"Published: direct path {combination.direct}, attention {combination.attention}, its error {combination.error}.",
        ALSO_PUBLISHED,
        code=combination.code,
        group=combination.group,
        caveats=combination.caveats,
    )
    for combination in options.ALL
)
"""The published sub-cubic strategies, in the published order."""

BY_NAME: Mapping[str, Strategy] = {strategy.name: strategy for strategy in CATALOGUE + SUBCUBIC}
EVERYTHING: tuple[tuple[str, str], ...] = tuple(
    (strategy.name, str(variant)) for strategy in CATALOGUE for variant in strategy.variants
)
"""All that can be asked of a model, but for the published hundred."""
USUAL: tuple[tuple[str, str], ...] = tuple(
    (name, variant) for name, variant in EVERYTHING if variant != Variant.AS_EXECUTED or name == "separable-exact"
)
"""What a model is asked when nobody chose: the second statement once, by its strongest proof."""

_BY_CODE = {strategy.code: strategy for strategy in SUBCUBIC}


def named(text: str) -> Strategy | None:
    """By name, or by short code (`U4-A1-E9`, or with dots as in the paper's tables)."""
    return BY_NAME.get(text) or _BY_CODE.get(text.replace("\u00b7", "-").upper())
