"""The proof engine: a model's weights in, a certified lower bound on its accuracy out.

Read in this order: `task` (what is claimed), `model` and `checkpoint` (about which weights), `tables` (the
model multiplied out, with its rounding error), `bound` (what a check may say), `strategies` (the proofs),
`prove` (the only place where a claim is put together).

Pure: no web, database, files, clock, environment or logging.
"""

ENGINE_VERSION = "2"
"""Stamped on every result. Raise it when a strategy's numbers may change."""
