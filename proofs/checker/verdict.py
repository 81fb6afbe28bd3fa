"""The only place where a claim is accepted."""

import re
from collections.abc import Callable
from functools import partial

from proofs.checker.counting import completions
from proofs.checker.float32 import IN_REAL_ARITHMETIC, in_float32
from proofs.checker.published import cubic, subcubic
from proofs.checker.refusals import Rejected, Unreadable
from proofs.checker.tables import Tables
from proofs.checker.theorems import EXACT, NO_BINS, SEPARABLE, Block, Found
from proofs.checker.weights import Json, Weights

Theorem = Callable[[Tables], Callable[[int], Block]]
THEOREMS: dict[str, Theorem] = {**SEPARABLE, "cubic": cubic}
SUBCUBIC = re.compile(
    "EUPU(MeanQueryMaxDiff|SvdQueryMaxDiff|MaxDiff|MaxDiffExact|GlobalMaxDiffExact)"
    "Attn(MeanQueryDiff|DropAverageQueryPerOutputLogitReasoning)"
    "AttnErr(Svd|(Mean)?MaxDiff(Subproduct(Recursive)?)?|MeanRecursiveMaxDiffSubproductRecursive|(ExactEqke)?MaxDiffExact)"
)
STATEMENTS = {
    "real-arithmetic-v1": "in real arithmetic on these float32 weights",
    "float32-v1": "by every execution of these weights in float32, with sums in any order",
}
STRATEGY_VERSION = 1
RESOLUTIONS = (2**12, 2**15, 2**18)
"""Numbers of bins. More are tried only where a block falls short of its claim with fewer."""
MOST_DECIDED = 2**20
"""A smaller block that falls short with every number of bins is decided input by input."""
MOST_PREFIXES = 2**26
"""Beyond this many inputs without their last two tokens, deciding inputs one by one takes hours."""


def accept(certificate: Json, weights: Weights) -> int:
    """The number of blocks that were derived; of the others nothing is claimed. Returns only if the claim follows.

    Raises `Rejected` if it does not, `Unreadable` if this checker cannot tell.
    """
    v, n = len(weights.tensors["W_E"]), len(weights.tensors["W_pos"])
    claim, blocks = certificate["claim"], certificate["blocks"]
    if certificate["statement"] not in STATEMENTS:
        raise Rejected("statement", expected=" or ".join(STATEMENTS), found=certificate["statement"])
    _expect("variant (as published is a float computation, no proof)", "strict", certificate["strategy"]["variant"])
    _expect("model digest", weights.digest, certificate["model"])
    _expect("task", {"name": f"max-of-{n}", "d_vocab": v, "n_ctx": n}, certificate["task"])
    sums = {kind: sum(map(sum, rows)) for kind, rows in blocks.items()}
    _expect("claim (the sums over blocks, and all inputs)", sums | {"total": v**n}, claim)
    execution = in_float32(weights) if certificate["statement"] == "float32-v1" else IN_REAL_ARITHMETIC
    at = _theorem(certificate, v, n)(Tables.of(weights, execution))
    derived = 0
    for query in range(v):
        block = at(query)
        for maximum in range(query, v):
            claimed = blocks["correct"][query][maximum - query], blocks["wrong"][query][maximum - query]
            if claimed != (0, 0):
                size = completions(maximum + 1, n - 1, query == maximum)
                _expect_no_more(claimed, partial(block, maximum), size, f"block ({query}, {maximum})")
                derived += 1
    return derived


def _theorem(certificate: Json, v: int, n: int) -> Theorem:
    """What the strategy stands for, or `Unreadable`."""
    name, version = certificate["strategy"]["name"], certificate["strategy"]["version"]
    by_gaps = partial(subcubic, hints=certificate["hints"])
    theorem = by_gaps if SUBCUBIC.fullmatch(name) else THEOREMS.get(name)
    if theorem is None or version != STRATEGY_VERSION:
        raise Unreadable(f"This checker does not know {name[:100]!r} version {version}.")
    if 1 in (v, n):
        theorem = EXACT  # which covers one token, or one position, and is as good as any
    if theorem is EXACT and v**n > MOST_PREFIXES * v * v:
        raise Unreadable("There are too many inputs for this checker to decide one by one.")
    return theorem


def _expect(what: str, expected: object, found: object) -> None:
    if expected != found:
        raise Rejected(what, expected=expected, found=found)


def _expect_no_more(claimed: Found, block: Callable[[int], Found], size: int, what: str) -> None:
    """Finer bins only help where a claim is out of reach of coarse ones."""
    for bins in (*RESOLUTIONS, *[NO_BINS] * (size <= MOST_DECIDED)):
        right, wrong = block(bins)
        if claimed[0] <= right and claimed[1] <= wrong:
            return
    raise Rejected(what, expected=f"at most {right} right, {wrong} wrong of {size}", found="{} and {}".format(*claimed))
