"""The published proofs: cubic, and the 100 sub-cubic ones, which are variations of one theorem."""

import base64
import struct
import zlib
from collections.abc import Callable, Mapping
from itertools import accumulate
from math import comb
from typing import Any

from proofs.checker.refusals import Rejected, Unreadable
from proofs.checker.tables import Tables, leads
from proofs.checker.theorems import Block, Found


def cubic(tables: Tables) -> Callable[[int], Block]:
    """The published cubic proof: tokens that are below zero in pure inputs, at both extreme arrangements.

    With rise(t) the lead of the best wrong answer, every position at its worst: for c free tokens other than m, all from a
    set G, inputs are right if for every k in G the sum for c copies of k is below zero with the copies of m at the
    positions of least and of greatest weight (the sum is affine in that weight, and a pure input is the worst mixture).
    """
    v, free = tables.d_vocab, tables.n_ctx - 1
    shift = [tables.lift(m) for m in range(v)]
    token_lead = [
        [max(row[x] - row[m] + shift[m][x] for x in range(v) if x != m) for row in tables.ov_token] for m in range(v)
    ]  # fmt: skip
    gains = leads(tables.direct)

    def at(query: int) -> Block:
        view = tables.at(query)
        ascending = [sorted(column) for column in zip(*view.weights[:-1], strict=True)] or [[] for _ in range(v)]
        least = [[0, *accumulate(column)] for column in ascending]  # [token][number of positions]
        greatest = [[0, *accumulate(reversed(column))] for column in ascending]
        of_query = view.weights[-1][query]

        def only_maxima(m: int) -> bool:
            for x in range(v):
                shared = tables.direct[query][x] - tables.direct[query][m] + shift[m][x]
                own = shared + tables.ov_token[m][x] - tables.ov_token[m][m]
                other = shared + tables.ov_token[query][x] - tables.ov_token[query][m]
                total = own if query == m else own * least[m][free] + other * of_query
                if x != m and total >= (0 if query == m else -view.radius):
                    return False
            return query == m or free > 0

        def block(m: int, bins: int) -> Found:
            rise = [lead + gains[query][m] for lead in token_lead[m]]
            fixed = rise[query] * of_query
            right = int(only_maxima(m))
            for c in range(1, free + 1 if query == m else free):
                copies = free - c
                at_least = fixed + rise[m] * least[m][copies]
                at_greatest = fixed + rise[m] * greatest[m][copies]
                allowed = sum(
                    at_least + rise[k] * greatest[k][c] < -view.radius
                    and at_greatest + rise[k] * least[k][c] < -view.radius
                    for k in range(m)
                )
                right += comb(free, c) * allowed**c
            return right, 0

        return block

    return at


def subcubic(tables: Tables, hints: Mapping[str, Any]) -> Callable[[int], Block]:
    """Entries (q, m, c) of inputs with c tokens other than m, all of them at most m - g, where g is a hint.

    The copies of m get an attention between two bounds; what attends elsewhere lifts no answer above another by more than
    the widest row of the tokens up to m - g. The lead of x is affine in that attention, so worst at one of the bounds. The
    published strategies differ in how they bound scores and direct path without forming them; here both are formed, which
    bounds the same inputs at least as well, so the directions among the hints are not needed.
    """
    v, n = tables.d_vocab, tables.n_ctx
    gaps = _gaps(hints, v, n)
    # What b_V adds does not depend on the token attended to. It goes with the direct path, and out of the rows' widths.
    token = [[value - bias for value, bias in zip(row, tables.bias, strict=True)] for row in tables.ov_token]
    widest = [*accumulate((max(row) - min(row) for row in token), max)]

    def at(query: int) -> Block:
        view = tables.at(query)
        direct = [value + bias for value, bias in zip(tables.direct[query], tables.bias, strict=True)]
        columns = [sorted(column) for column in zip(*view.weights[:-1], strict=True)] or [[] for _ in range(v)]
        own_weight = view.weights[-1][query]

        def below_zero(m: int, copies: list[int], others: list[int], elsewhere: int) -> bool:
            """With these weights on the copies of m and on other tokens: no x is ahead."""
            on_m, off_m = sum(copies), sum(others)
            return all(
                (direct[x] - direct[m] + lift) * (on_m + off_m) + (token[m][x] - token[m][m]) * on_m + elsewhere * off_m
                < -view.radius
                for x, lift in enumerate(tables.lift(m))
                if x != m
            )

        def holds(m: int, others: int, gap: int) -> bool:
            most = [max(column[j] for column in columns[: m - gap + 1]) for j in range(n - 1)]
            least = [min(column[j] for column in columns[: m - gap + 1]) for j in range(n - 1)]
            at_m = [own_weight] if query == m else []
            off_m = [] if query == m else [own_weight]
            copies = n - 1 - others
            return below_zero(m, at_m + columns[m][:copies], off_m + most[copies:], widest[m - gap]) and below_zero(
                m, at_m + columns[m][others:], off_m + least[:others], widest[m - gap]
            )

        def block(m: int, bins: int) -> Found:
            right = 0
            if query == m:  # c = 0: attention sums to one on m
                right += all(
                    direct[x] - direct[m] + lift + token[m][x] - token[m][m] < 0
                    for x, lift in enumerate(tables.lift(m))
                    if x != m
                )
            for c in range(1, n):
                gap, others = gaps[(query * v + m) * n + c], c - (query < m)
                if gap <= (m if query == m else m - query) and holds(m, others, gap):
                    right += comb(n - 1, others) * (m - gap + 1) ** others
            return right, 0

        return block

    return at


def _gaps(hints: Mapping[str, Any], v: int, n: int) -> tuple[int, ...]:
    """[query][maximum][c] in one row, each at least 1: a smaller gap would speak about tokens beyond the maximum."""
    packed, size = hints.get("gaps"), v * v * n
    try:
        if not isinstance(packed, str):
            raise ValueError("not a text")
        data = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), 2 * size + 1)
        gaps = struct.unpack(f"<{size}H", data)
    except (ValueError, zlib.error, struct.error) as error:
        raise Unreadable(f"gaps must be base64 of zlib of {size} little-endian uint16: {error}") from error
    if 0 in gaps:
        raise Rejected("gaps", expected="at least 1 everywhere", found=0)
    return gaps
