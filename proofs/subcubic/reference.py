"""Published lengths and dimensions of the sub-cubic strategies (spec/proof-length.md, 7.5 and 7.6), row by row.

A few trip counts depend on the gap table; without one, the trivial table (every gap 1) is assumed, for which the
length is a sum of one number per option.
"""

import numpy as np
from jaxtyping import Int64

from proofs.subcubic.options import PEELED, RANK_ONE, Direct, Error, Options
from proofs.task import MaxOfK

Gaps = np.ndarray


def length(options: Options, task: MaxOfK, d_model: int, gaps: Int64[Gaps, "query maximum n_ctx"] | None = None) -> int:
    v, n = task.d_vocab, task.n_ctx
    table = np.ones((v, v, n), np.int64) if gaps is None else gaps.astype(np.int64)
    return sum(parts(options, task, d_model, table).values())


def parts(options: Options, task: MaxOfK, d_model: int, gaps: Int64[Gaps, "query maximum n_ctx"]) -> dict[str, int]:
    v, n, d = task.d_vocab, task.n_ctx, d_model
    row = 2 * d - 1
    return {
        "embeddings": 2 * d * n + v * d + n * d + v * d,
        "EQKP": 2 * d * n * row + v * n * row,
        "split": _split(options.error, v, n, d),
        "residual": _residual(options.error, v, d),
        "densify": v**2 * (2 if options.error in RANK_ONE else 1),
        "EVOU, PVOU, E_q": 4 * v * d**2 + 2 * d * v**2 + 4 * n * d**2 + 2 * d * n * v + v * d,
        "direct": _direct(options.direct, v, d),
        "logits": v**2 * n + 2 * v * (v - 1) + v + v + v**2 + v * (n * v + v * (n - 1) + v * row + 8 * v + 3),
        "counting": v**2 * n,
    } | _loops(options, task, gaps)


def _loops(options: Options, task: MaxOfK, gaps: Int64[Gaps, "query maximum n_ctx"]) -> dict[str, int]:
    """The rows whose trip counts depend on the gap table."""
    v, n = task.d_vocab, task.n_ctx
    query, maximum, others = np.ogrid[:v, :v, :n]
    reachable = (maximum == query) | (maximum - query >= gaps)
    admissible = (
        (query <= maximum) & reachable & ((others > 0) | (query == maximum)) & ((others == 0) | (maximum >= gaps))
    )
    margins = np.where(reachable & (maximum >= gaps), 4, 2).sum()
    pairs = v * (v - 1) // 2
    masses = np.where(admissible, 21 * n - 5 - 6 * others, 2)[np.triu_indices(v)].sum()
    smallest = np.where(query <= maximum, gaps, v).min(axis=0)[:, 1:]  # [maximum, others]
    visited = smallest <= np.arange(v)[:, None]
    per_column = np.arange(v)[:, None] - smallest + 4 * v + 5 + (3 * v if options.attention.name == "A1" else 0)
    answered = ((query <= maximum) & reachable)[:, :, 1:].sum(axis=0)
    return {
        "margins": v * (6 * v - 4) + int(margins) + 6 * v**2 * n,
        "attention": v * n + v * (n - 2) + 2 * n * pairs + int(masses),
        "worst logits": int((visited * (per_column + 10 * answered)).sum()),
    }


def _decomposition(rows: int, columns: int) -> int:
    """The published charge for a singular value decomposition: checking it."""
    k = min(rows, columns)
    return rows * columns * (2 * k + 2) + k * (rows + columns) + 2 * k**2 * (rows + columns) + 7 * k**2


def _factored_decomposition(v: int, d: int) -> int:
    k = min(v, d)
    inner = k * d + k**2 * (2 * d - 1) + k**2 + _decomposition(k, k)
    return _decomposition(v, d) + _decomposition(d, v) + inner + 2 * v * k * (2 * k - 1)


def _projection(rows: int, columns: int) -> int:
    return 4 * rows * columns + 3 * rows - columns - 1


def _split(error: Error, v: int, n: int, d: int) -> int:
    row = 2 * d - 1
    if error in RANK_ONE:
        return 2 * v * d * row + _factored_decomposition(v, d) + 2 * _projection(v, d) + row + v
    if error in PEELED:
        projections = 4 * _projection(v, d) + 2 * _projection(d, d)
        first = 2 * (2 * d * row + row + v) + 4 * (2 * d * row + v * row)
        second = (2 * v * row + row + v) + 2 * (2 * v * row + d * row)
        return projections + first + second + 19 * v**2 + 4 * v * d + 4 * d**2 + 4
    return 2 * v * d * row + v**2 * row + 3 * (v * d + 2 * d**2 + n * d) - 4


def _residual(error: Error, v: int, d: int) -> int:
    row = 2 * d - 1
    pair = d * (2 * v - 1) + v * d + v * row
    mean_pair = d * v + v * row + (2 * v - 1) + v * d + v
    recursive = d * (2 * v - 1) + 2 * (d**2 + d * row + d) + v * d + v * row + v
    mean_recursive = recursive + d * v + 2 * d * row + v * row + 2 * v - 1 + v * d
    lower_means = (2 * d**2 + d * row + v * row + 2 * v - 1) + (2 * d**2 + v * row + 2 * v - 1)
    subproducts = 4 * v * d * row + 3 * pair + 2 * v
    return {
        Error.E1: _factored_decomposition(v, d) + 1,
        Error.E2: pair,
        Error.E3: subproducts,
        Error.E4: recursive,
        Error.E5: pair + mean_pair,
        Error.E6: subproducts + 3 * mean_pair,
        Error.E7: mean_recursive,
        Error.E8: mean_recursive + lower_means,
        Error.E9: 0,
        Error.E10: v**2 * row + 2 * v * (v - 1) + v,
    }[error]


def _direct(direct: Direct, v: int, d: int) -> int:
    row = 2 * d - 1
    shared = v * row + v * d + 2 * d * (v - 1) + d + v * d + v * row + v * d
    exact = v**2 * row + 2 * v**2 + 2 * v * (v - 1) + v
    return {
        Direct.U1: shared,
        Direct.U2: shared - v * d,
        Direct.U3: shared,
        Direct.U4: exact,
        Direct.U5: exact + 2 * (v**2 - 1) + 1 + v,
    }[direct]


def dimension(options: Options, task: MaxOfK, d_model: int) -> int:
    """The published "unexplained dimension"; the attention option contributes nothing."""
    v, d = task.d_vocab, d_model
    direct = {
        Direct.U1: v + v * d + 2,
        Direct.U2: v + v * d + 2,
        Direct.U3: v * d + 2,
        Direct.U4: 2 * v,
        Direct.U5: 2,
    }[options.direct]
    error = {Error.E1: 2 * v, Error.E9: v**2, Error.E10: 4 * v}.get(options.error)
    if error is None:
        error = (3 if options.error.startswith("mean") else 2) * v + 2 * d
    return direct + error + v + v**2
