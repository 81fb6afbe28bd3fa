"""The ablated models' exact accuracy, by deciding every input with the kernel of brute force.

Ablated tables are tables, so the separability theorem holds for them as it is (`proofs.strategies.brute_force`), with
its rounding margins: `correct` is proved, and `undecided` holds what lies within rounding of a tie. About half a second
for each of 24 subsets at (64, 4, 32); the other 8 have closed forms. Compiles with numba: not for the web process.
"""

from collections.abc import Callable

from proofs.ablation_effects import Effect
from proofs.ablations import SUBSETS, VALUES, Known, Mode, Subset, ablated, without_attention
from proofs.errors import NotApplicable
from proofs.intervals import Interval
from proofs.strategies.brute_force import decide
from proofs.tables import Tables
from proofs.tally import Tally
from proofs.task import MaxOfK

MOST_INPUTS = 2**28
"""For each subset; about ten seconds of one core."""


def exact_effects(
    tables: Tables,
    task: MaxOfK,
    mode: Mode,
    sampled: dict[Subset, Effect],
    *,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> dict[Subset, Effect]:
    """`sampled` with exact counts; the probabilities stay sampled. Raises `NotApplicable` if there are too many inputs."""
    if task.total > MOST_INPUTS:
        raise NotApplicable(f"There are {task.total:,} inputs; all of them are tried up to {MOST_INPUTS:,}.")
    found = {}
    for done, subset in enumerate(SUBSETS):
        changed = ablated(tables, subset, mode)
        known = without_attention(changed, task) if subset >= VALUES else _counted(changed, task)
        before = sampled[subset]
        ends = Interval(known.correct / known.total, (known.correct + known.undecided) / known.total)
        found[subset] = Effect(
            known.correct, known.total, "exact", ends, before.probability, before.probability_within, known.undecided
        )
        report(done + 1, len(SUBSETS))
    return found


def _counted(tables: Tables, task: MaxOfK) -> Known:
    """Every input decided; the probability is left to sampling."""
    correct = wrong = 0
    for row in decide(tables, task, range(task.d_vocab), Tally()):
        correct += sum(row.certified)
        wrong += sum(row.wrong or ())
    return Known(correct, task.total, task.total - correct - wrong, float("nan"))
