"""The only place where a claim is accepted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from proofs.checker import published, theorems
from proofs.checker.bundle import Certificate
from proofs.checker.refusals import Rejected, Unreadable
from proofs.checker.tables import Tables
from proofs.checker.theorems import NO_BINS, Block, block_size
from proofs.checker.weights import Weights

Theorem = Callable[[Tables], Callable[[int], Block]]
THEOREMS: Mapping[str, Theorem] = {
    "brute-force": theorems.exact,
    "cubic": published.cubic,
    "separable-exact": theorems.exact,
    "separable-quartic": theorems.by_answer,
    "separable-joint": theorems.by_open_answers,
    "separable-cubic": theorems.by_token,
    "separable-sorted": theorems.by_sorting,
    "separable-best-of": theorems.by_sorting,  # at least as strong as by_envelope, block by block
    "separable-quadratic": theorems.by_envelope,
}
SUBCUBIC = re.compile(
    "EUPU(MeanQueryMaxDiff|SvdQueryMaxDiff|MaxDiff|MaxDiffExact|GlobalMaxDiffExact)"
    "Attn(MeanQueryDiff|DropAverageQueryPerOutputLogitReasoning)"
    "AttnErr(Svd|(Mean)?MaxDiff(Subproduct(Recursive)?)?|MeanRecursiveMaxDiffSubproductRecursive|(ExactEqke)?MaxDiffExact)"
)
STATEMENT = "real-arithmetic-v1"
STRATEGY_VERSION = 1
RESOLUTIONS = (2**12, 2**15, 2**18)
"""Numbers of bins. More are tried only where a block falls short of its claim with fewer."""
MOST_DECIDED = 2**20
"""A smaller block that falls short with every number of bins is decided input by input."""
MOST_PREFIXES = 2**26
"""Beyond this many inputs without their last two tokens, deciding inputs one by one takes hours."""


@dataclass(frozen=True)
class Accepted:
    correct: int
    wrong: int
    total: int
    derived: int
    """Blocks that were derived; of the others nothing is claimed."""


def accept(certificate: Certificate, weights: Weights) -> Accepted:
    """Returns only if the claim follows. Raises `Rejected` if it does not, `Unreadable` if this checker cannot tell."""
    c = certificate
    _expect("statement", STATEMENT, c.statement)
    _expect("variant (as published is a float computation, no proof)", "strict", c.variant)
    _expect("model digest", weights.digest, c.model)
    _expect("task", (f"max-of-{weights.n_ctx}", weights.d_vocab, weights.n_ctx), (c.task, c.d_vocab, c.n_ctx))
    _expect("total", weights.d_vocab**weights.n_ctx, c.total)
    _expect("claimed correct (the sum over blocks)", sum(map(sum, c.blocks_correct)), c.correct)
    _expect("claimed wrong (the sum over blocks)", sum(map(sum, c.blocks_wrong)), c.wrong)
    tables = Tables.of(weights)
    at = _theorem(c, tables)
    derived = 0
    for query in range(weights.d_vocab):
        block = at(query)
        for maximum in range(query, weights.d_vocab):
            claimed = c.blocks_correct[query][maximum - query], c.blocks_wrong[query][maximum - query]
            if claimed != (0, 0):
                _expect_no_more(claimed, block, (query, maximum), tables)
                derived += 1
    return Accepted(c.correct, c.wrong, c.total, derived)


def _theorem(c: Certificate, tables: Tables) -> Callable[[int], Block]:
    """The function of a query that the strategy's theorem gives, or `Unreadable`."""
    theorem = THEOREMS.get(c.strategy)
    if SUBCUBIC.fullmatch(c.strategy):
        theorem = partial(published.subcubic, hints=c.hints)
    if theorem is None or c.strategy_version != STRATEGY_VERSION:
        raise Unreadable(f"This checker does not know {c.strategy!r} version {c.strategy_version}.")
    if tables.d_vocab == 1:
        theorem = theorems.exact  # one token: there is no wrong answer
    if theorem is theorems.exact and tables.d_vocab ** (tables.n_ctx - 2) > MOST_PREFIXES:
        raise Unreadable("There are too many inputs for this checker to decide one by one.")
    return theorem(tables)


def _expect(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise Rejected(what, expected=expected, found=found)


def _expect_no_more(claimed: tuple[int, int], block: Block, place: tuple[int, int], tables: Tables) -> None:
    """Finer bins only help where a claim is out of reach of coarse ones."""
    size = block_size(tables, *place)
    if sum(claimed) > size:
        raise Rejected(f"block {place}", expected=f"at most its {size} inputs", found=f"{claimed[0]} + {claimed[1]}")
    for bins in (*RESOLUTIONS, *[NO_BINS] * (size <= MOST_DECIDED)):
        right, wrong = block(place[1], bins)
        if claimed[0] <= right and claimed[1] <= wrong:
            return
    if not tables.resolved():
        raise Unreadable(f"The attention is too sharp for this checker, which cannot tell about block {place}.")
    raise Rejected(
        f"block {place}",
        expected=f"at most {right} right and {wrong} wrong of {size}",
        found=f"{claimed[0]} right and {claimed[1]} wrong claimed",
    )
