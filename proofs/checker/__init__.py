"""The independent checker: `python -m proofs.checker bundle.zip` says whether a certificate's claim is true.

A program of its own. It needs Python's standard library and nothing else, shares no code with the engine, and uses no
floating point: weights are integers times a power of two, exponentials and square roots are enclosed by integers. It does
not repeat the engine's arithmetic but the engine's theorems, so it may find more than is claimed, never has to find less.

Read in this order: `refusals` (the two ways to say no), `bundle` and `weights` (hostile bytes in, integers out),
`arithmetic`, `float32` and `tables` (the model multiplied out, and how far a program may stray from it), `counting`,
`theorems` and `published` (what each strategy proves), `verdict` (the one function that accepts a claim).
"""
