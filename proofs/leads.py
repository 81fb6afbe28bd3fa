"""How far the best wrong answer leads: the step that makes one threshold out of all wrong answers."""

import numpy as np
from jaxtyping import Float64

from proofs.enclosure import Array
from proofs.tally import Tally


def leads(logits: Float64[Array, "... row logit"], tally: Tally) -> Float64[Array, "... row logit"]:
    """lead[..., t, m] = max_{x != m} logits[..., t, x] - logits[..., t, m], from the two largest entries of each row."""
    d_vocab = logits.shape[-1]
    if d_vocab == 1:
        return np.full(logits.shape, -np.inf)
    second, first = np.moveaxis(np.partition(logits, d_vocab - 2, axis=-1)[..., -2:], -1, 0)
    tally.add(logits.size * 4)  # two running maxima, a comparison and a subtraction for each entry
    largest_other = np.where(logits == first[..., None], second[..., None], first[..., None])
    return np.asarray(largest_other - logits)
