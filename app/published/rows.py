"""The rows of the published table, and which strategy belongs to which."""

from enum import StrEnum

from proofs.subcubic.options import (
    ALL,
    BY_CODE,
    BY_LONG_NAME,
    QUADRATIC_DIRECT,
    QUADRATIC_ERROR,
    VOCAB_MODEL_SQUARED_ERROR,
    Options,
)  # fmt: skip


class Row(StrEnum):
    """A family of published proofs; the value is its published name."""

    BRUTE_FORCE = "brute force"
    CUBIC = "cubic"
    SUBCUBIC = "sub-cubic"
    LOW_RANK_QK = "low-rank QK"
    LOW_RANK_EU = "low-rank EU"
    LOW_RANK_QK_EU = "low-rank QK & EU"
    QUADRATIC_QK = "quadratic QK"
    QUADRATIC_QK_EU = "quadratic QK & low-rank EU"


SUBCUBIC_ROWS = tuple(Row)[2:]

SINGLE = {"brute-force": Row.BRUTE_FORCE, "cubic": Row.CUBIC}


def row_of(strategy: str) -> Row | None:
    """The row of one of our strategies, by its name in the catalogue; None for those that are not in the paper."""
    options = options_of(strategy)
    return SINGLE.get(strategy) if options is None else row_of_options(options)


def options_of(strategy: str) -> Options | None:
    """One of the 100, by its long name or its short code (`U4-A1-E9`, in either case)."""
    return BY_LONG_NAME.get(strategy) or BY_CODE.get(strategy.upper())


def row_of_options(options: Options) -> Row:
    low_rank_eu = options.direct in QUADRATIC_DIRECT
    if options.error in QUADRATIC_ERROR:
        return Row.QUADRATIC_QK_EU if low_rank_eu else Row.QUADRATIC_QK
    if options.error in VOCAB_MODEL_SQUARED_ERROR:
        return Row.LOW_RANK_QK_EU if low_rank_eu else Row.LOW_RANK_QK
    return Row.LOW_RANK_EU if low_rank_eu else Row.SUBCUBIC


MEMBERS: dict[Row, tuple[Options, ...]] = {
    row: tuple(options for options in ALL if row_of_options(options) is row) for row in SUBCUBIC_ROWS
}
