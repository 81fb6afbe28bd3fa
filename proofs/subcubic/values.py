"""What attending to tokens and positions can do to the answers (spec 5.5, 5.7)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Array, Enclosed, upward
from proofs.model import Model
from proofs.tally import Tally


@dataclass(frozen=True, eq=False)
class Values:
    position: Float64[Array, "maximum x"]
    """pi_m[x]: the most that a position can lift x above m."""
    own: Float64[Array, "maximum x"]
    """How far attending to m lifts x above m."""
    spread: Float64[Array, " token"]
    """Entry k: the most that attending to any token up to k can lift any answer above any other."""
    radius: float
    """Of a sum position + a * own + (1 - a) * spread, 0 <= a <= 1."""
    largest: float
    """Of any of the three."""

    @classmethod
    def of(cls, ov_token: Enclosed, ov_position: Enclosed, tally: Tally) -> "Values":
        token, at = ov_token.value, ov_position.value
        position = np.max(at[:, None, :] - at[:, :, None], axis=0)
        own = token - token.diagonal()[:, None]
        spread = np.maximum.accumulate(token.max(axis=1) - token.min(axis=1))
        tally.add(2 * len(at) * token.size + token.size + 2 * token.size + len(token))
        largest = upward(2 * max(ov_token.largest, ov_position.largest))
        return cls(position, own, spread, upward(2 * (ov_token.radius + ov_position.radius)), largest)


def ov_tables(model: Model, tally: Tally) -> tuple[Enclosed, Enclosed]:
    """EVOU [token, x] and PVOU [position, x], without biases."""
    W_V, W_O, W_U = (Enclosed.exact(part) for part in (model.W_V, model.W_O, model.W_U))
    return (
        Enclosed.exact(model.W_E).times(W_V, tally).times(W_O, tally).times(W_U, tally),
        Enclosed.exact(model.W_pos).times(W_V, tally).times(W_O, tally).times(W_U, tally),
    )


def mean_folded(ov_token: Enclosed, ov_position: Enclosed) -> tuple[Enclosed, Enclosed]:
    """The mean over positions moved to the tokens: what the published drivers' search sees (5.9)."""
    mean = ov_position.value.mean(axis=0)
    return Enclosed(ov_token.value + mean, ov_token.radius), Enclosed(ov_position.value - mean, ov_position.radius)
