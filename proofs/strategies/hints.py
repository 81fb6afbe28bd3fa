"""Hints are hostile: what strategies share in reading them."""

from proofs.counting import MOST_BINS
from proofs.errors import InvalidHints
from proofs.strategies import Hints


def bins_of(hints: Hints) -> int:
    """The number of bins for counting. Any number is sound; more bins are tighter and cost more."""
    return whole(hints, "bins", 1, MOST_BINS)


def whole(hints: Hints, name: str, least: int, most: int) -> int:
    """A hint that must be a whole number in a range."""
    value = hints.get(name)
    if type(value) is not int or not least <= value <= most:
        raise InvalidHints(f"{name} must be a whole number from {least} to {most}, got {value!r}.")
    return value
