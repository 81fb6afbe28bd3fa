"""Proof length under the published cost model `reference-v1`, and the published "unexplained dimension".

Closed forms of what the published checkers execute, by the published table of costs (spec/proof-length.md, section 7):
additions, comparisons and exponentials, but also copies and NaN fills cost 1; reads, integers and search cost nothing.
Comparable with the paper, but not a count of what our checks do: that is `measured-v1` (`proofs.tally`).

Two published constants differ from these formulas on purpose. Brute force at (64, 4, 32) was published as
141,029,630,021,632, which counts a broadcasting slip (audit F-3; `brute_force_length_as_published`); the corrected
count is linear in the number of inputs. Cubic there was stored as 35,181,664 by older code (audit F-4).
"""

from collections.abc import Callable, Mapping

from proofs.subcubic import reference as subcubic
from proofs.subcubic.options import BY_LONG_NAME
from proofs.task import MaxOfK

BATCH = 4096
"""Inputs per batch of the published brute force; each batch costs one operation more."""


def reference_length(strategy: str, task: MaxOfK, *, d_model: int, gaps: subcubic.Gaps | None = None) -> int | None:
    """Operations of a strategy under `reference-v1`; None for a strategy that the published work does not have.

    A sub-cubic length hardly depends on the gap table: every table that a search proposes has the length of the trivial one.
    """
    if strategy in BY_LONG_NAME:
        return subcubic.length(BY_LONG_NAME[strategy], task, d_model, gaps)
    length = _LENGTHS.get(strategy)
    return None if length is None else length(task, d_model)


def unexplained_dimension(strategy: str, task: MaxOfK, *, d_model: int) -> int | None:
    """How many free numbers the strategy's case analysis still ranges over (7.6); None where it is not defined.

    A heuristic of the published work, kept for comparison: no claim rests on it.
    """
    if strategy in BY_LONG_NAME:
        return subcubic.dimension(BY_LONG_NAME[strategy], task, d_model)
    dimension = _DIMENSIONS.get(strategy)
    return None if dimension is None else dimension(task, d_model)


def brute_force_length(task: MaxOfK, d_model: int, *, batch: int = BATCH) -> int:
    """A full forward pass of each input, and one operation per batch (section 3)."""
    batches = -(-task.total // batch)
    return brute_force_per_input(task, d_model) * task.total + batches


def brute_force_length_as_published(task: MaxOfK, d_model: int) -> int:
    """The figure in the published tables: there a batch charges the attention terms once for each *pair* of its inputs."""
    attention = _attention_per_input(task, d_model)
    apart = brute_force_per_input(task, d_model) - attention
    full, rest = divmod(task.total, BATCH)
    return sum(
        batches * (attention * size**2 + apart * size + 1) for batches, size in ((full, BATCH), (min(rest, 1), rest))
    )


def brute_force_per_input(task: MaxOfK, d_model: int) -> int:
    v, n, d = task.d_vocab, task.n_ctx, d_model
    label = n - 1
    residual_stream = 5 * n * d
    projections = 4 * 2 * n * d * d
    unembedding = 2 * n * d * v
    loss_and_accuracy = 6 * v + 2
    return label + residual_stream + projections + _attention_per_input(task, d) + unembedding + loss_and_accuracy


def _attention_per_input(task: MaxOfK, d_model: int) -> int:
    n, d = task.n_ctx, d_model
    scores = n * n * (2 * d - 1) + 4 * n * n
    softmax = n * (5 * n - 2)
    mixing = n * d * (2 * n - 1)
    return scores + softmax + mixing


def cubic_length(task: MaxOfK, d_model: int) -> int | None:
    """The sum of the table in 7.4, which is about inputs of at least two tokens."""
    return sum(cubic_parts(task, d_model).values()) if task.n_ctx > 1 else None


def cubic_parts(task: MaxOfK, d_model: int) -> dict[str, int]:
    v, n, d = task.d_vocab, task.n_ctx, d_model
    pairs = v * (v - 1) // 2
    triples = (v - 1) * v * (2 * v - 1) // 6
    attention_classes = n * pairs + (n - 1) * triples
    logit_classes = (n - 1) * pairs + (n - 2) * triples
    return {
        "EUPU": v * d + 2 * d * v**2,
        "EVOU": 4 * v * d**2 + 2 * d * v**2,
        "PVOU": 4 * n * d**2 + 2 * d * n * v,
        "EQKE": v * d + 4 * v * d**2 + v**2 * (2 * d - 1),
        "EQKP": v * d + 2 * v * d**2 + 2 * n * d**2 + v * n * (2 * d - 1),
        "attention": 6 * n * v**3
        + v * (n - 2)
        + 3 * v * (v + 1) // 2
        + 6 * v
        + (17 * n - 5) * pairs
        + (21 * n - 9) * attention_classes,
        "logits": n * v**3
        + v * (2 * v**2 + 2 * n * v + 3 * v + 1)
        + (13 * v + 2) * pairs
        + 4 * v**3
        + 13 * logit_classes,
        "counting": v * (v + 1) // 2 + 4 * logit_classes,
    }


def brute_force_dimension(task: MaxOfK, d_model: int) -> int:
    return int(task.d_vocab ** (task.n_ctx + 1))


def cubic_dimension(task: MaxOfK, d_model: int) -> int:
    """The entries of its five tables: EUPU, EQKE, EVOU of v*v, and PVOU, EQKP of n*v."""
    return 3 * task.d_vocab**2 + 2 * task.d_vocab * task.n_ctx


Formula = Callable[[MaxOfK, int], int | None]

_LENGTHS: Mapping[str, Formula] = {"brute-force": brute_force_length, "cubic": cubic_length}
_DIMENSIONS: Mapping[str, Formula] = {"brute-force": brute_force_dimension, "cubic": cubic_dimension}
