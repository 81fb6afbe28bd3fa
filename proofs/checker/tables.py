"""The model multiplied out, exactly, and the attention weights of a query, enclosed.

    logit_x = direct[q][x] + sum_i e[i][t_i] ov[i][t_i][x] / sum_i e[i][t_i],    e[i][t] = exp(score of token t at position i)

Every weight is an integer times 2^-b. A logit is at most a product of four of them, so that ov and direct are integers
times 2^-4b; what has fewer factors is shifted.
"""

from dataclasses import dataclass

from proofs.checker import arithmetic
from proofs.checker.arithmetic import Matrix, Row, plus_row, product, transposed
from proofs.checker.weights import Weights

DEEPEST = 4096
"""Attention weights are resolved down to exp(-4096) of the largest; anything below is known to lie next to zero."""
RESOLUTION = 128
"""Bits that the smallest weight is resolved to."""
PRECISION = RESOLUTION + 3 * DEEPEST // 2 + 1  # 3/2 > log2(e)


@dataclass(frozen=True)
class AtQuery:
    """e[i][t] for one query, up to a factor that cancels."""

    weights: Matrix
    radius: int
    """A sum over the positions of e times logit differences, computed from `weights`, is within this of the true one."""


@dataclass(frozen=True)
class Tables:
    d_vocab: int
    n_ctx: int
    direct: Matrix
    ov_token: Matrix
    ov_position: Matrix
    bias: Row
    """What b_V adds to every row of ov_token"""
    token_score: Matrix
    """[query][token], divided by sqrt(d_head), rounded down to fixed point"""
    position_score: Matrix
    """[query][position], likewise"""

    @classmethod
    def of(cls, weights: Weights) -> "Tables":
        w, b = weights.tensors, weights.bits
        tokens, positions = w["W_E"], w["W_pos"]
        at_query = plus_row(tokens, positions[-1])
        values = plus_row(product(tokens, w["W_V"]), w["b_V"][0], b)
        keys = plus_row(product(tokens, w["W_K"]), w["b_K"][0], b)
        queries = plus_row(product(at_query, w["W_Q"]), w["b_Q"][0], b)
        out = product(w["W_O"], w["W_U"])
        direct = plus_row(product(plus_row(at_query, w["b_O"][0]), w["W_U"]), w["b_U"][0], b)

        def scores(key_side: Matrix) -> Matrix:
            exact = product(queries, transposed(key_side))
            d_head = len(queries[0])
            return [
                [arithmetic.over_root(s, bits=4 * b, radicand=d_head, precision=PRECISION) for s in row] for row in exact
            ]  # fmt: skip

        return cls(
            d_vocab=len(tokens),
            n_ctx=len(positions),
            direct=[[value << 2 * b for value in row] for row in direct],
            ov_token=product(values, out),
            ov_position=product(product(positions, w["W_V"]), out),
            bias=[value << b for value in product(w["b_V"], out)[0]],
            token_score=scores(keys),
            position_score=scores(product(positions, w["W_K"])),
        )

    def ov(self) -> list[Matrix]:
        """[position][token][logit]"""
        return [plus_row(self.ov_token, row) for row in self.ov_position]

    def lift(self, maximum: int) -> Row:
        """[x]: the most that a position can lift x above the maximum"""
        return [
            max(column) for column in zip(*([p - row[maximum] for p in row] for row in self.ov_position), strict=True)
        ]

    def resolved(self) -> bool:
        """Whether every attention weight is above exp(-DEEPEST) of the largest, so that no claim fails by that alone."""
        spreads = zip(map(_spread, self.token_score), map(_spread, self.position_score), strict=True)
        return all(token + position + 2 >> PRECISION < DEEPEST for token, position in spreads)

    def largest_difference(self) -> int:
        """No two logits that a position and the direct path give differ by more."""
        return 2 * (
            arithmetic.largest(self.ov_token) + arithmetic.largest(self.ov_position) + arithmetic.largest(self.direct)
        )

    def at(self, query: int) -> AtQuery:
        """True scores lie in [score, score + 2] units of fixed point; the weights are taken relative to `top`."""
        scores = [[score + token for token in self.token_score[query]] for score in self.position_score[query]]
        top = max(map(max, scores)) + 2
        depth = min(DEEPEST, (top - min(map(min, scores))) >> PRECISION)
        precision = RESOLUTION + 3 * depth // 2
        shift = PRECISION - precision
        weights: Matrix = []
        width = 0
        for row in scores:
            ends = [arithmetic.exp_of_minus((top - s - 2) >> shift, -((s - top) >> shift), precision) for s in row]
            weights.append([low for low, _ in ends])
            width = max(width, max(high - low for low, high in ends))
        return AtQuery(weights, self.n_ctx * width * self.largest_difference())

    def answer_sums(self, query: int, weights: Matrix) -> list[Matrix]:
        """[answer][position][token]: e times what the token and the direct path give to the answer."""
        direct = self.direct[query]
        sums: list[Matrix] = []
        for x in range(self.d_vocab):
            of_token = [row[x] + direct[x] for row in self.ov_token]
            sums.append([_weighted(of_token, row[x], e) for row, e in zip(self.ov_position, weights, strict=True)])
        return sums


def _weighted(of_token: Row, of_position: int, weights: Row) -> Row:
    return [weight * (value + of_position) for weight, value in zip(weights, of_token, strict=True)]


def _spread(row: Row) -> int:
    return max(row) - min(row)


def leads(logits: Matrix) -> Matrix:
    """[row][m]: how far the best answer other than m is ahead of m."""
    found: Matrix = []
    for row in logits:
        second, first = sorted(row)[-2:]
        found.append([(second if value == first else first) - value for value in row])
    return found
