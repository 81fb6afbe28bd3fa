"""How much structure the circuits have: the numbers that decide how tight a low-rank proof can be (spec 9.2 and 9.3).

Low-rank proofs take the attention scores EQKE for one number per query times one per key (`query_direction`,
`size_direction`) and pay for the rest; the larger sigma_1 / sigma_2, the less there is to pay. Proofs about the output
pay for the direct path's range, and for tokens that do not say themselves loudest when attended to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Float64

from proofs.circuits import Circuits, circuits
from proofs.enclosure import Array
from proofs.model import Model
from proofs.residuals import Noise, look

MOST_TOKENS = 512
"""A larger vocabulary is pooled before it is looked at: a singular value decomposition is cubic in it."""


@dataclass(frozen=True)
class Diagnostics:
    singular_values: tuple[float, ...]
    """Of EQKE, not divided by sqrt(d_head)."""
    figures: Mapping[str, float]
    """Named numbers; see `LABELS`."""
    failures: tuple[int, ...]
    """Tokens that another logit outshouts when only they are attended to, without the direct path."""
    error_bounds: Mapping[str, float]
    """What each attention option (E1 …) grants for its residual, / sqrt(d_head); empty for a vocabulary beyond `MOST_TOKENS`."""
    noise: Noise | None
    """Whether the residual is structureless; None for a vocabulary beyond `MOST_TOKENS`."""

    @property
    def ratio(self) -> float:
        """sigma_1 / sigma_2 of EQKE; infinite if it is rank one."""
        first, second = (*self.singular_values, 0.0, 0.0)[:2]
        return first / second if second > 0 else float("inf")


LABELS: Mapping[str, str] = {
    "residual_spread": "largest row range of EQKE without its first singular part, / √d_head",
    "residual_sigma": "σ₁ of that residual, / √d_head",
    "residual_frobenius": "√2 · its Frobenius norm, / √d_head",
    "size_smallest_step": "smallest step of the size direction from one token to the next",
    "position_spread": "largest row range of EQKP, / √d_head",
    "direct_spread": "largest row range of EU",
    "direct_mean_spread": "mean row range of EU",
    "position_values": "largest entry of PVOU without its mean",
    "copying": "smallest lead of a token's own logit in EVOU",
    "copying_mean": "mean lead of a token's own logit in EVOU",
}


def singular_parts(scores: Float64[Array, "query key"]) -> tuple[Array, Array, Array]:
    """Left vectors, values and right vectors of EQKE; signs are such that the first key direction rises with the token."""
    left, values, right = np.linalg.svd(scores)
    up = 1.0 if right[0, -1] >= right[0, 0] else -1.0
    return left * up, values, right * up


def diagnose(model: Model) -> Diagnostics:
    seen = circuits(model, most_cells=MOST_TOKENS)
    scores = seen.QK * sqrt(model.d_head)
    left, values, right = singular_parts(scores)
    residual = seen.QK - np.outer(left[:, 0] * values[0], right[0]) / sqrt(model.d_head)
    leads = copying_leads(seen)
    figures = {
        "residual_spread": _widest(residual),
        "residual_sigma": float(np.linalg.norm(residual, 2)),
        "residual_frobenius": float(sqrt(2) * np.linalg.norm(residual)),
        "size_smallest_step": float(np.diff(right[0]).min(initial=np.inf)) if len(right) > 1 else 0.0,
        "position_spread": _widest(seen.QK_position),
        "direct_spread": _widest(seen.direct),
        "direct_mean_spread": float(np.ptp(seen.direct, axis=1).mean()),
        "position_values": float(np.abs(seen.OV_position).max()),
        "copying": float(leads.min()),
        "copying_mean": float(leads.mean()),
    }
    bounds, noise = look(model) if model.d_vocab <= MOST_TOKENS else ({}, None)
    rank = min(model.d_head, model.d_model, len(values))
    return Diagnostics(
        singular_values=tuple(map(float, values[:rank])),
        figures=figures,
        failures=tuple(int(token) for token in np.flatnonzero(leads <= 0)),
        error_bounds=bounds,
        noise=noise,
    )


def copying_leads(seen: Circuits) -> Float64[Array, " token"]:
    """EVOU[k, k] minus the largest other entry of row k: negative where copying fails."""
    own = np.diagonal(seen.OV)
    if len(own) == 1:
        return np.zeros(1)
    others = np.where(np.eye(len(own), dtype=bool), -np.inf, seen.OV)
    return np.asarray(own - others.max(axis=1))


def _widest(table: Float64[Array, "row column"]) -> float:
    return float(np.ptp(table, axis=1).max())
