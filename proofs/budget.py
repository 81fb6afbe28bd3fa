"""The best proof that a budget of operations buys.

Search may take as long as it likes, only the check is counted: so every candidate is tried, a strategy with
several settings of its hints, and is dropped as soon as its check has spent more than the budget. What is
returned is an ordinary claim.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from proofs.errors import NotApplicable
from proofs.model import Model
from proofs.prove import Claim, check, claim, task_of
from proofs.strategies import BY_NAME, Hints, Strategy, Variant, separable_best_of, separable_paired
from proofs.tally import Tally


@dataclass(frozen=True)
class Candidate:
    strategy: Strategy
    hints: Hints


def candidates(model: Model, budget: int) -> Iterator[Candidate]:
    """From short to long proofs, as far as that is known before they are run."""
    for shells in (0, 2, 4, 16, 64):
        yield Candidate(BY_NAME["separable-quadratic"], {"shells": shells})
    with suppress(NotApplicable):  # the others say so themselves
        yield Candidate(BY_NAME["separable-best-of"], separable_best_of.hints_within(model, task_of(model), budget))
    for shells in (0, 8, 64):
        yield Candidate(BY_NAME["separable-sorted"], {"shells": shells})
    yield Candidate(BY_NAME["cubic"], {})
    for name in ("separable-cubic", "separable-joint", "separable-quartic"):
        for bins in (30, 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16_000, 64_000):
            yield Candidate(BY_NAME[name], {"bins": bins})
    paired = separable_paired.search(model, task_of(model))
    for bins in (3, 10, 50, 300, 2000):
        for splits in (1, paired["splits"]):
            yield Candidate(BY_NAME["separable-paired"], {**paired, "bins": bins, "splits": splits})
    yield Candidate(BY_NAME["separable-exact"], {})
    yield Candidate(BY_NAME["brute-force"], {})


def best_within(
    model: Model,
    budget: int,
    *,
    tried: Sequence[Candidate] | None = None,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Claim | None:
    """The strict claim with the highest bound among those whose check spends at most `budget` operations (measured-v1);
    among equals the shortest. None if the budget does not pay for any. `report(done, of)` follows each candidate."""
    options = list(candidates(model, budget)) if tried is None else list(tried)
    found: list[Claim] = []
    for done, candidate in enumerate(options, start=1):
        made = _claim_within(model, candidate, budget)
        if made is not None:
            found.append(made)
        report(done, len(options))
        if made is not None and made.bound.is_exact:
            break
    return max(found, key=lambda made: (made.bound.correct, -made.lengths["measured-v1"]), default=None)


def _claim_within(model: Model, candidate: Candidate, budget: int) -> Claim | None:
    tally = Tally()
    rows = []
    queries = range(task_of(model).d_vocab)
    try:
        for row in check(model, candidate.strategy, Variant.STRICT, candidate.hints, queries, tally):
            rows.append(row)
            if tally.operations > budget:
                return None
    except NotApplicable:
        return None
    if tally.operations > budget:
        return None
    return claim(model, candidate.strategy, Variant.STRICT, candidate.hints, rows, tally)
