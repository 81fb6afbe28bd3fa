"""Breaks one line of a function, so that a soundness test can show that it would notice."""

import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any


def mutant(function: Callable[..., Any], right: str, broken: str) -> Any:
    """The function with `right` replaced by `broken`; a numba kernel comes back as plain Python."""
    plain = getattr(function, "py_func", function)
    source = dedent(inspect.getsource(plain))
    assert source.count(right) == 1, f"{plain.__name__} holds {right!r} {source.count(right)} times; update the mutant"
    undecorated = source[source.index("def ") :]
    namespace = dict(plain.__globals__)
    exec(undecorated.replace(right, broken), namespace)  # the test's own source, mutated on purpose
    return namespace[plain.__name__]
