"""The names of the 100 published combinations: long names, short codes, groups. Free of numerical imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Direct(StrEnum):
    """How the direct path is bounded (5.6); the value is the published option name."""

    U1 = "mean_query+max_diff"
    U2 = "svd_query+max_diff"
    U3 = "max_diff"
    U4 = "max_diff_exact"
    U5 = "global_max_diff_exact"


class Attention(StrEnum):
    """Whether attention is averaged over queries (5.7)."""

    A1 = "mean_query+diff"
    A2 = "drop_average_query_per_output_logit_reasoning"


class Error(StrEnum):
    """How the range of the attention scores' residual is bounded (5.2)."""

    E1 = "svd"
    E2 = "max_diff"
    E3 = "max_diff_subproduct"
    E4 = "max_diff_subproduct_recursive"
    E5 = "mean+max_diff"
    E6 = "mean+max_diff_subproduct"
    E7 = "mean+max_diff_subproduct_recursive"
    E8 = "mean_recursive+max_diff_subproduct_recursive"
    E9 = "exact_EQKE+max_diff_exact"
    E10 = "max_diff_exact"


RANK_ONE = frozenset({Error.E1, Error.E2, Error.E5, Error.E10})
"""Errors of a rank-one split by singular vectors."""
PEELED = frozenset({Error.E3, Error.E4, Error.E6, Error.E7, Error.E8})
"""Errors of a split by six directions."""

QUADRATIC_DIRECT = frozenset({Direct.U1, Direct.U2, Direct.U3})
QUADRATIC_ERROR = frozenset({Error.E4, Error.E7, Error.E8})
VOCAB_MODEL_SQUARED_ERROR = frozenset({Error.E1, Error.E2, Error.E3, Error.E5, Error.E6})


def _camel(option: str) -> str:
    pieces = option.replace("-", "_").replace("+", "_").split("_")
    return "".join(piece[:1].upper() + piece[1:].lower() for piece in pieces)


@dataclass(frozen=True)
class Options:
    """One of the 100 strategies."""

    direct: Direct
    attention: Attention
    error: Error

    @property
    def code(self) -> str:
        return f"{self.direct.name}-{self.attention.name}-{self.error.name}"

    @property
    def long_name(self) -> str:
        return f"EUPU{_camel(self.direct)}Attn{_camel(self.attention)}AttnErr{_camel(self.error)}"

    @property
    def text_name(self) -> str:
        """As the reference prints it."""
        return f"EUPU-{self.direct}--attn-{self.attention}--attn-err-{self.error}".replace("_", "-")

    @property
    def group(self) -> str:
        """The label in the published plots (5.10)."""
        labels = []
        if self.error in QUADRATIC_ERROR:
            labels.append("attention-quadratic")
        elif self.error in VOCAB_MODEL_SQUARED_ERROR:
            labels.append("attention-vocab-model-squared")
        if self.direct in QUADRATIC_DIRECT:
            labels.append("direct-quadratic")
        return f"subcubic ({', '.join(labels)})" if labels else "subcubic"

    @property
    def leading_complexity(self) -> str:
        if self.direct in QUADRATIC_DIRECT and self.error in QUADRATIC_ERROR:
            return "almost-quadratic"
        if self.direct in QUADRATIC_DIRECT and self.error in VOCAB_MODEL_SQUARED_ERROR:
            return "vocab-model-squared"
        return "subcubic"

    @property
    def caveats(self) -> tuple[str, ...]:
        """Where the published argument, as published, is not a proof (audit section 10.1)."""
        found = []
        if self.attention is Attention.A1:
            found += [CAVEATS["U-1"], CAVEATS["U-2"]]
        if self.error in RANK_ONE:
            found.append(CAVEATS["U-3"])
        if self.error is Error.E1:
            found.append(CAVEATS["U-4"])
        return (*found, CAVEATS["U-5"])


CAVEATS: Mapping[str, str] = {
    "U-1": "U-1: for queries that attend to the maximum less than average, the correction for averaged attention is not an "
    "upper bound; a model is known on which this option claims more than is true.",
    "U-2": "U-2: only one end of the attention interval is examined, although some answers are worst at the other.",
    "U-3": "U-3: the cross terms of the rank-one split are dropped; they vanish only for exact singular vectors.",
    "U-4": "U-4: the residual's largest singular value comes from a floating-point decomposition, not from a proved bound.",
    "U-5": "U-5: floating-point arithmetic without an error bound decides every comparison.",
}

ALL: tuple[Options, ...] = tuple(
    Options(direct, attention, error) for direct in Direct for attention in Attention for error in Error
)
"""In the published order."""

BY_CODE: Mapping[str, Options] = {options.code: options for options in ALL}
BY_LONG_NAME: Mapping[str, Options] = {options.long_name: options for options in ALL}
