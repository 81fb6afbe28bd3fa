"""The published proofs: cubic, and the 100 sub-cubic ones, which are variations of one theorem.

Both say of inputs whose free tokens other than the maximum m, `others` in number, come from a set: all of them are right.
Both look at two extremes: the copies of m at the positions of least weight, the others at those of greatest; and the reverse.
"""

import base64
import struct
import zlib
from collections.abc import Callable
from itertools import accumulate
from math import comb

from proofs.checker.arithmetic import Matrix, plus_row
from proofs.checker.refusals import Rejected, Unreadable
from proofs.checker.tables import AtQuery, Tables
from proofs.checker.theorems import Block, Found
from proofs.checker.weights import Json

Allowed = Callable[[int, int], int]
"""Of a maximum m and a number of others: how many tokens these may be."""
Theorem = Callable[[AtQuery, Matrix, Matrix], Allowed]
"""Of the attention of a query, and its sums of weights [token][k] at the k free positions of least and of greatest weight."""


def cubic(tables: Tables) -> Callable[[int], Block]:
    """The published cubic proof: tokens that are below zero in pure inputs, at both extremes.

    With rise(t) the lead of the best wrong answer, every position at its worst: inputs with others from a set G are right if
    for every k in G the sum for copies of k is below zero at both extremes (a pure input is the worst mixture, and the sum
    is affine in the weight of the copies of m).
    """
    shifted = [plus_row(tables.ov_token, lift) for lift in tables.lift]
    token_lead = [
        [max(row[:m] + row[m + 1 :]) - ours[m] for row, ours in zip(rows, tables.ov_token, strict=True)]
        for m, rows in enumerate(shifted)
    ]

    def at(view: AtQuery, least: Matrix, greatest: Matrix) -> Allowed:
        query = view.query

        def allowed(m: int, others: int) -> int:
            rise = [lead + tables.gain[query][m] for lead in token_lead[m]]
            fixed = view.most(query, rise[query] * view.weights[-1][query]) + view.radius
            at_least = fixed + view.most(m, rise[m] * least[m][-1 - others])
            at_greatest = fixed + view.most(m, rise[m] * greatest[m][-1 - others])
            return sum(
                at_least + view.most(k, rise[k] * greatest[k][others]) < 0
                and at_greatest + view.most(k, rise[k] * least[k][others]) < 0
                for k in range(m)
            )

        return allowed

    return _published(tables, at)


def subcubic(tables: Tables, hints: Json) -> Callable[[int], Block]:
    """Inputs of which the others, and the query, are at most m - g, where the gap g is a hint: all of them, or none.

    What attends elsewhere lifts no answer above another by more than the widest row of the tokens up to m - g. The lead of x
    is affine in the share of attention that the copies of m get, so worst at one of the extremes. The published strategies
    differ in how they bound scores and direct path without forming them; here both are formed, which bounds the same inputs
    at least as well, so the directions among the hints are not needed.
    """
    v, n = len(tables.direct), len(tables.ov_position)
    gaps = _gaps(hints, v * v * n)
    # What b_V adds does not depend on the token attended to: it does not widen the rows.
    (bias,) = tables.bias
    widths = (max(row) - min(row) for row in plus_row(tables.ov_token, [-value for value in bias]))
    widest = [*accumulate(widths, max)]

    def at(view: AtQuery, least: Matrix, greatest: Matrix) -> Allowed:
        query, own = view.query, view.weights[-1][view.query]
        loosest = view.factors.index(max(view.factors, key=lambda ends: ends[1])) if view.factors else 0

        def allowed(m: int, others: int) -> int:
            below = m + 1 - gaps[(query * v + m) * n + others + (query < m)]
            if below <= (query if query < m else 0):
                return 0
            elsewhere = [value - widest[below - 1] * (x == m) for x, value in enumerate(bias)]
            on_m, off_m = (own, 0) if query == m else (0, own)
            at_most = off_m + max(row[others] for row in greatest[:below])
            at_least = off_m + min(row[others] for row in least[:below])
            extremes = (on_m + least[m][-1 - others], at_most), (on_m + greatest[m][-1 - others], at_least)
            return below * all(view.none_ahead(m, copies, loosest, rest, elsewhere) for copies, rest in extremes)

        return allowed

    return _published(tables, at)


def _published(tables: Tables, theorem: Theorem) -> Callable[[int], Block]:
    """Inputs by the number of others; those without any are decided exactly, but for the lift of positions."""
    free = len(tables.ov_position) - 1

    def at(query: int) -> Block:
        view = AtQuery.of(tables, query)
        own, columns = view.weights[-1][query], [sorted(column) for column in zip(*view.weights[:-1], strict=True)]
        least, greatest = ([[0, *accumulate(column[::step])] for column in columns] for step in (1, -1))
        allowed = theorem(view, least, greatest)

        def block(m: int, bins: int) -> Found:
            on_m, on_query = (own, 0) if query == m else (0, own)
            right = int(view.none_ahead(m, on_m + least[m][free], query, on_query, tables.ov_token[query]))
            for others in range(1, free + (query == m)):
                right += comb(free, others) * allowed(m, others) ** others
            return right, 0

        return block

    return at


def _gaps(hints: Json, size: int) -> tuple[int, ...]:
    """[query][maximum][c] in one row, each at least 1: a smaller gap would speak about tokens beyond the maximum."""
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(hints["gaps"], validate=True), 2 * size + 1)
        gaps = struct.unpack(f"<{size}H", data)
    except (LookupError, TypeError, ValueError, zlib.error, struct.error) as error:
        raise Unreadable(f"gaps must be base64 of zlib of {size} little-endian uint16: {error!s:.200}") from error
    if 0 in gaps:
        raise Rejected("gaps", expected="at least 1 everywhere", found=0)
    return gaps
