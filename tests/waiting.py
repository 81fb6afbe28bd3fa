"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_S = 60.0


def until(condition: Callable[[], Found | None], what: str, *, seconds: float = PATIENCE_S) -> Found:
    """The first true value of the condition; fails with `what` if it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)
