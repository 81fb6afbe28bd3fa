"""The 100 published sub-cubic strategies as a table: 5 treatments of the direct path x 2 of attention x 10 of its error."""

from collections.abc import Mapping
from dataclasses import dataclass

from proofs.strategies import BY_NAME, Strategy
from proofs.subcubic.options import ALL, BY_CODE, Attention, Direct, Error

FORMULAS: Mapping[str, str] = {
    "U1": "b = β W_U with β the mean row of E_q; δ[q] = |E_q[q] − β| · range(W_U)",
    "U2": "the same with a direction β from the certificate",
    "U3": "b = 0; δ[q] = |E_q[q]| · range(W_U)",
    "U4": "b = 0; δ[q] = range of the row (E_q W_U)[q]",
    "U5": "b = 0; δ[q] = largest entry of E_q W_U less the smallest, for all queries",
    "A1": "attention a[q] replaced by its mean over queries ā, and the difference corrected",
    "A2": "each query by itself: ā = 0",
    "E1": "ε = √2 σ₁(X Y), X Y being the residual of the rank-one split",
    "E2": "ε[q] = Σₖ |X[q, k]| · range(Y[k])",
    "E3": "the least of Σ |A| · range(B) over the three bracketings A B of the residual M₁ M₂ M₃ M₄ of six directions",
    "E4": "ε = |M₁| · (|M₂| · (|M₃| · range(M₄)))",
    "E5": "as E2, the mean row of X apart: range(x̄ Y) + |X − x̄| · range(Y)",
    "E6": "as E3, the mean row of A apart in each bracketing",
    "E7": "as E4, the mean row of M₁ apart",
    "E8": "as E4, the mean rows of M₁, M₂ and M₃ apart",
    "E9": "EQKE formed in full: ε = 0",
    "E10": "ε[q] = range of the row (X Y)[q], the product formed",
}
"""By code: options of two kinds may have one published name, and a `StrEnum` is its value."""


@dataclass(frozen=True)
class Option:
    code: str
    name: str
    """As published."""
    formula: str


@dataclass(frozen=True)
class Row:
    """The ten strategies with one bound of the attention error."""

    error: Option
    cells: tuple[Strategy, ...]


@dataclass(frozen=True)
class Table:
    direct: tuple[Option, ...]
    attention: tuple[Option, ...]
    rows: tuple[Row, ...]
    size: int


def table() -> Table:
    return Table(tuple(map(_option, Direct)), tuple(map(_option, Attention)), tuple(map(_row, Error)), len(ALL))


def _option(choice: Direct | Attention | Error) -> Option:
    return Option(choice.name, choice.value, FORMULAS[choice.name])


def _row(error: Error) -> Row:
    codes = (f"{direct.name}-{attention.name}-{error.name}" for direct in Direct for attention in Attention)
    return Row(_option(error), tuple(BY_NAME[BY_CODE[code].long_name] for code in codes))
