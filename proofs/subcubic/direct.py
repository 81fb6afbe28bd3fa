"""The direct path as a vector that all queries share and a number for each query (spec 5.6).

Each option gives `shared` b and `slack` delta with direct[q, x] - direct[q, m] <= b[x] - b[m] + delta[q] for all q, x, m.
U1 to U3 take a residual vector beta for all queries: b = beta W_U and, by the pair lemma, delta = |E_q - beta| range(W_U). It
holds for any beta. U4 and U5 form the table and take its ranges. What biases add is the same for all queries: part of b.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Array, Enclosed
from proofs.model import Model
from proofs.subcubic.options import Direct
from proofs.subcubic.residual import pair, ranges
from proofs.tally import Tally


@dataclass(frozen=True, eq=False)
class SharedDirect:
    shared: Enclosed
    """[1, x]"""
    slack: Float64[Array, " query"]
    """Rounded up."""


Rule = Callable[[Enclosed, Enclosed, Array, Tally], SharedDirect]


def mean_query_max_diff(embedded: Enclosed, unembed: Enclosed, hint: Array, tally: Tally) -> SharedDirect:
    tally.add(embedded.value.size)
    return _around(embedded.value.mean(axis=0), embedded, unembed, tally)


def svd_query_max_diff(embedded: Enclosed, unembed: Enclosed, hint: Array, tally: Tally) -> SharedDirect:
    return _around(hint, embedded, unembed, tally)


def max_diff(embedded: Enclosed, unembed: Enclosed, hint: Array, tally: Tally) -> SharedDirect:
    return SharedDirect(_zeros(unembed), pair(embedded, ranges(unembed, tally), tally))


def max_diff_exact(embedded: Enclosed, unembed: Enclosed, hint: Array, tally: Tally) -> SharedDirect:
    return SharedDirect(_zeros(unembed), ranges(embedded.times(unembed, tally), tally))


def global_max_diff_exact(embedded: Enclosed, unembed: Enclosed, hint: Array, tally: Tally) -> SharedDirect:
    table = embedded.times(unembed, tally)
    whole = ranges(Enclosed(table.value.reshape(1, -1), table.radius), tally)
    return SharedDirect(_zeros(unembed), np.repeat(whole, len(table.value)))


RULES: Mapping[Direct, Rule] = {
    Direct.U1: mean_query_max_diff,
    Direct.U2: svd_query_max_diff,
    Direct.U3: max_diff,
    Direct.U4: max_diff_exact,
    Direct.U5: global_max_diff_exact,
}


def bias_logits(model: Model, tally: Tally) -> Enclosed:
    """What b_V, b_O and b_U add to the logits of every input: attention sums to one. [1, x]"""
    out = Enclosed.exact(model.b_V[None, :]).times(Enclosed.exact(model.W_O), tally)
    return (
        out.plus(Enclosed.exact(model.b_O), tally)
        .times(Enclosed.exact(model.W_U), tally)
        .plus(Enclosed.exact(model.b_U), tally)
    )


def _around(beta: Float64[Array, " d_model"], embedded: Enclosed, unembed: Enclosed, tally: Tally) -> SharedDirect:
    centre = Enclosed(beta[None, :], 0.0)
    away = embedded.plus(Enclosed(-centre.value, 0.0), tally)
    return SharedDirect(centre.times(unembed, tally), pair(away, ranges(unembed, tally), tally))


def _zeros(unembed: Enclosed) -> Enclosed:
    return Enclosed(np.zeros((1, unembed.value.shape[1])), 0.0)
