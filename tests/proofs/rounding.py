"""A model on which every float computation is wrong: what the rounding margins are for."""

import numpy as np

from proofs.model import Model


def hides_its_answer_below_the_last_bit() -> Model:
    """Always answers 0. A float64 sum of its direct path says 1: 2^60 + 0.5 - 2^60 is 0.5, but 0 in floats."""
    tensors = {
        "W_E": np.array([[2.0**30, 1.0]] * 2),
        "W_pos": np.zeros((2, 2)),
        "W_U": np.array([[2.0**30, 0.0], [0.5, 0.0]]),
        "b_U": np.array([-(2.0**60), 0.25]),
    }
    tensors |= {name: np.zeros((2, 1)) for name in ("W_Q", "W_K", "W_V")} | {"W_O": np.zeros((1, 2))}
    return Model.of({name: tensor.astype(np.float32) for name, tensor in tensors.items()})
