"""Loaded once by the fork server, from which every proof's process is forked: the numerical libraries, compiled.

Importing this module is its purpose. A child forked here starts in milliseconds and pays for no compilation. No kernel
may start threads: they would not survive the fork.
"""

import logging

import numpy as np

from proofs.errors import ProofError
from proofs.model import WEIGHTS, Model, expected_shapes
from proofs.prove import prove
from proofs.strategies import CATALOGUE, SUBCUBIC, Variant

EVERY = 33
"""The published strategies share their kernels: a few of the hundred call them all."""


def compile_kernels() -> None:
    """Runs strategies once on a model of a few numbers; numba keeps the machine code on disk for the next start."""
    shapes = expected_shapes(d_vocab=3, n_ctx=3, d_model=2, d_head=2)
    random = np.random.default_rng(0)
    model = Model.of({name: random.standard_normal(shapes[name]).astype(np.float32) for name in WEIGHTS})
    for strategy in (*CATALOGUE, *SUBCUBIC[::EVERY]):
        for variant in set(strategy.variants) - {Variant.AS_EXECUTED}:  # which runs the strict kernels
            try:
                prove(model, strategy, variant)
            except ProofError:
                continue  # the strategy has nothing to say about so small a model
            except Exception:  # a broken strategy must not take the others' process down: its own proofs will say so
                logging.getLogger(__name__).exception("warm-up failed", extra={"strategy": strategy.name})


compile_kernels()
