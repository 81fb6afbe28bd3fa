"""What is left of EQKE once its structure is taken out, and whether that is structureless noise (spec 9.2).

`error_bounds`: what each published attention option has to grant for its residual, at the query where it is most.
`noise`: the widest row of the residual's product of four factors, beside that of products of the same factors with their
entries permuted, or drawn anew from a normal law with the same mean and deviation. If the real one is not smaller, the
factors hold structure that adds up; if it is like the others, worst-case bounds of the product must lose what chance cancels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import sqrt

import numpy as np

from proofs.enclosure import Array
from proofs.model import Model
from proofs.subcubic import directions, residual, split
from proofs.subcubic.options import RANK_ONE, Error
from proofs.tally import Tally

DRAWS = 100
SEED = 1234


@dataclass(frozen=True)
class Noise:
    """Widest rows, divided by sqrt(d_head): of the residual, and mean and largest over `DRAWS` resampled ones."""

    actual: float
    permuted: float
    permuted_most: float
    normal: float
    normal_most: float


def look(model: Model) -> tuple[Mapping[str, float], Noise]:
    """Error bounds by option (E1 …; not E9, which has none), divided by sqrt(d_head), and the resampling test."""
    found, tally, scale = directions.find(model), Tally(), sqrt(model.d_head)
    embeddings = split.Embeddings.of(model, tally)
    rank_one = split.rank_one(model, embeddings, found, tally).factors
    peeled = split.peeled(model, embeddings, found, tally).factors
    bounds = {
        error.name: float(residual.BOUNDS[error](rank_one if error in RANK_ONE else peeled, tally).max()) / scale
        for error in Error
        if error is not Error.E9
    }
    return bounds, _noise([factor.value for factor in peeled], scale)


def _noise(factors: list[Array], scale: float) -> Noise:
    rng = np.random.default_rng(SEED)
    permuted = [_widest([rng.permutation(f.ravel()).reshape(f.shape) for f in factors]) for _ in range(DRAWS)]
    normal = [_widest([rng.normal(f.mean(), f.std(), f.shape) for f in factors]) for _ in range(DRAWS)]
    return Noise(
        _widest(factors) / scale,
        float(np.mean(permuted)) / scale,
        max(permuted) / scale,
        float(np.mean(normal)) / scale,
        max(normal) / scale,
    )


def _widest(factors: list[Array]) -> float:
    return float(np.ptp(reduce(np.matmul, factors), axis=1).max())
