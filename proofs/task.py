"""Max-of-K: the task that a claim is about, with exact integer counts.

An input is a sequence of `n_ctx` tokens in `0 .. d_vocab - 1`; the query is the last one; the right answer is the
largest (spec/proof-strategies.md, 1.3). All `d_vocab ** n_ctx` inputs count the same. They are split into blocks
by (query, maximum), query <= maximum: every strategy counts block by block.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class MaxOfK:
    d_vocab: int
    n_ctx: int

    def __post_init__(self) -> None:
        if self.d_vocab < 1 or self.n_ctx < 1:
            raise ValueError("Max-of-K needs d_vocab >= 1 and n_ctx >= 1.")

    @property
    def name(self) -> str:
        return f"max-of-{self.n_ctx}"

    @property
    def total(self) -> int:
        """Number of inputs."""
        return int(self.d_vocab**self.n_ctx)

    def block_size(self, query: int, maximum: int) -> int:
        """Number of inputs with this query and this maximum (spec section 4.1)."""
        if query > maximum:
            return 0
        free = self.n_ctx - 1
        at_most = (maximum + 1) ** free
        return int(at_most if query == maximum else at_most - maximum**free)

    @property
    def constant_correct(self) -> int:
        """Inputs that the best constant answer, `d_vocab - 1`, gets right: what a bound must beat to say anything."""
        return int(self.d_vocab**self.n_ctx - (self.d_vocab - 1) ** self.n_ctx)
