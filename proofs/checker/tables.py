"""The model multiplied out, exactly, and the attention weights of a query, enclosed.

    logit_x = direct[q][x] + sum_i e[i][t_i] ov[i][t_i][x] / sum_i e[i][t_i],    e[i][t] = exp(score of token t at position i)

Every weight is an integer times 2^-b. A logit is at most a product of four of them, so that ov and direct are integers
times 2^-4b; what has fewer factors is shifted. An execution may err, see `float32`.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count
from operator import sub
from typing import NamedTuple

from proofs.checker.arithmetic import Matrix, Row, columns, each, exp_of_minus, largest, over_root, plus_row, product
from proofs.checker.counting import Answer
from proofs.checker.float32 import BITS, Execution
from proofs.checker.refusals import Unreadable
from proofs.checker.weights import Weights

DEEPEST = 4096
"""Attention weights down to exp(-4096) of the largest can be resolved."""
RESOLUTION = 128
"""Bits that the smallest weight is resolved to."""
PRECISION = RESOLUTION + 3 * DEEPEST // 2 + 1  # 3/2 > log2(e)


class Tables(NamedTuple):
    direct: Matrix
    ov_token: Matrix
    ov_position: Matrix
    bias: Matrix
    """One row, what b_V adds to every row of ov_token"""
    token_score: Matrix
    """[query][token], divided by sqrt(d_head), rounded down to fixed point"""
    position_score: Matrix
    """[query][position], likewise"""
    execution: Execution
    gain: Matrix
    """[query][m]: how far the direct path can put another answer ahead of m"""
    lead: list[Matrix]
    """[position][token][m]: how far attending to it can"""
    lift: Matrix
    """[m][x]: how far a position, and an execution, can put x ahead of m"""

    @classmethod
    def of(cls, weights: Weights, execution: Execution) -> "Tables":
        w, b, d_head = weights.tensors, weights.bits, len(weights.tensors["W_O"])
        at_query = plus_row(w["W_E"], w["W_pos"][-1])
        values = plus_row(product(w["W_E"], w["W_V"]), w["b_V"][0], b)
        keys = plus_row(product(w["W_E"], w["W_K"]), w["b_K"][0], b)
        queries = plus_row(product(at_query, w["W_Q"]), w["b_Q"][0], b)
        out = product(w["W_O"], w["W_U"])
        direct = plus_row(product(plus_row(at_query, w["b_O"][0]), w["W_U"]), w["b_U"][0], b)
        direct = each(direct, lambda value: value << 2 * b)
        bias = each(product(w["b_V"], out), lambda value: value << b)
        ov_position = product(product(w["W_pos"], w["W_V"]), out)
        of_x = columns(ov_position)
        lift = [[max(map(sub, to, of)) + execution.difference for to in of_x] for of in of_x]
        scores = partial(over_root, bits=4 * b, radicand=d_head, precision=PRECISION)
        tokens = scores(product(queries, columns(keys)))
        positions = scores(product(queries, columns(product(w["W_pos"], w["W_K"]))))
        ov_token, gain = product(values, out), leads(direct)
        lead = [leads(plus_row(ov_token, row)) for row in ov_position]
        return cls(direct, ov_token, ov_position, bias, tokens, positions, execution, gain, lead, lift)


def leads(logits: Matrix) -> Matrix:
    """[row][m]: how far the best answer other than m is ahead of m."""
    found: Matrix = []
    for row in logits:
        second, first = sorted([*row, min(row)])[-2:]  # of a single answer: itself
        found.append([(second if value == first else first) - value for value in row])
    return found


@dataclass(frozen=True)
class AtQuery:
    """The attention of one query."""

    tables: Tables
    query: int
    weights: Matrix
    """e[position][token], up to a factor that cancels"""
    factors: list[tuple[int, int]]
    radius: int
    """A sum over the positions of e times logit differences, computed from `weights`, is within this of the true one."""
    stray: int
    """No execution changes a summand by more than this times its weight."""

    @classmethod
    def of(cls, tables: Tables, query: int) -> "AtQuery":
        """True scores lie in [score, score + 2] units of fixed point; the weights are taken relative to `top`."""
        scores = [[score + token for token in tables.token_score[query]] for score in tables.position_score[query]]
        top = max(map(max, scores)) + 2
        depth = (top - min(map(min, scores))) >> PRECISION
        if depth > DEEPEST:
            raise Unreadable("The attention is too sharp for this checker: some weight is below exp(-4096) of another.")
        precision = RESOLUTION + 3 * depth // 2
        shift = PRECISION - precision
        ends = [[exp_of_minus((top - s - 2) >> shift, -((s - top) >> shift), precision) for s in row] for row in scores]
        width = max(high - low for row in ends for low, high in row)
        # No two logits differ by more at one position, whichever table b_V's part is in. Factors are at most 2.
        parts = (tables.ov_token, tables.ov_position, tables.direct, tables.bias, tables.bias)
        largest_lead, slack = 2 * sum(map(largest, parts)), tables.execution.difference
        radius = 2 * len(scores) * width * (largest_lead + slack)
        weights, factors = [[low for low, _ in row] for row in ends], tables.execution.factors(query)
        most = max((high for _, high in factors), default=1 << BITS)
        stray = (largest_lead * (most - (1 << BITS)) >> BITS) + 2 * slack
        return cls(tables, query, weights, factors, radius, stray)

    @cached_property
    def sums(self) -> list[Matrix]:
        """[answer][position][token]: e times what the token, the position and the direct path give to the answer"""
        token, position = columns(self.tables.ov_token), columns(self.tables.ov_position)
        return [
            [weighted(row, values, shift + direct) for row, shift in zip(self.weights, shifts, strict=True)]
            for direct, values, shifts in zip(self.tables.direct[self.query], token, position, strict=True)
        ]

    def most(self, token: int, term: int) -> int:
        """At least what an execution makes of `term`, a weight of this token times a logit difference."""
        return -(-term * self.factors[token][term > 0] >> BITS) if self.factors else term

    def none_ahead(self, m: int, on_m: int, other: int, on_other: int, elsewhere: Row) -> bool:
        """Whether no x leads m, if copies of m get `on_m`, and tokens that err no more than `other` and give `elsewhere` get
        `on_other`."""
        direct, lift, token = self.tables.direct[self.query], self.tables.lift[m], self.tables.ov_token[m]
        for x, value in enumerate(direct):
            rise = value - direct[m] + lift[x]
            own, others = (rise + token[x] - token[m]) * on_m, (rise + elsewhere[x] - elsewhere[m]) * on_other
            if x != m and self.most(m, own) + self.most(other, others) >= -self.radius:
                return False
        return True

    def executed(self, answer: Answer, side: int) -> Answer:
        """What an execution makes of a sum, at most (side 1) or at least (side -1)."""
        if not self.factors:
            return answer
        *rows, last = each(self.weights, lambda e: e * self.tables.execution.difference)

        def at_most(token: int, term: int, slack: int) -> int:
            return side * self.most(token, side * term + slack)

        terms = [list(map(at_most, count(), *pair)) for pair in zip(answer.terms, rows, strict=True)]
        return Answer(at_most(self.query, answer.base, last[self.query]), terms)


def weighted(weights: Row, values: Row, shift: int) -> Row:
    """e times (value + shift), up to the shorter"""
    return [e * (value + shift) for e, value in zip(weights, values, strict=False)]
