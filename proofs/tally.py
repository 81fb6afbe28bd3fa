"""Counts the scalar operations of a check: the cost model `measured-v1`.

Charged, one each: every addition, subtraction, multiplication, division, comparison, minimum, maximum,
exponential, logarithm, rounding and absolute value of a number that depends on the weights or the hints, in
floats or integers, including the arithmetic that keeps bounds sound. A sort of k numbers is k * ceil(log2 k).
Free, as in the published `reference-v1`: reading, indexing, copying without change, loop control. What
`reference-v1` charges for checking a decomposition is charged here by what the check really executes.
"""

from dataclasses import dataclass
from math import ceil, log2


@dataclass
class Tally:
    operations: int = 0

    def add(self, operations: int) -> None:
        self.operations += int(operations)

    def matmul(self, rows: int, inner: int, columns: int) -> None:
        self.add(rows * columns * (2 * inner - 1))

    def sort(self, length: int, times: int = 1) -> None:
        self.add(times * length * ceil(log2(length)) if length > 1 else 0)
