"""What `proofboard prove` is asked for, checked before anything heavy is loaded."""

from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from re import fullmatch

import typer

from proofs.devices import NAMES
from proofs.questions import MOST_BUDGET
from proofs.strategies import BY_NAME, CATALOGUE, Strategy, Variant, named


class Catalogue(StrEnum):
    PUBLISHED = "published"


class Search(StrEnum):
    """As `proofs.subcubic.pieces.SearchTables`, which would load numpy; a test compares them."""

    UNCENTRED = "uncentred"
    MEAN_FOLDED = "mean-folded"


def at_most_one(given: Mapping[str, object]) -> None:
    used = [name for name, value in given.items() if value]
    if len(used) > 1:
        raise typer.BadParameter(f"{' and '.join(used)} exclude each other: choose one.", param_hint=used[0])


def strategies(names: list[str] | None, variant: Variant) -> list[Strategy]:
    """Those to run, in the order asked for, each once."""
    if not names:
        return [strategy for strategy in CATALOGUE if variant in strategy.variants]
    found = [_strategy(name) for name in names]
    for strategy in found:
        if variant not in strategy.variants:
            message = f"{strategy.name} has no variant {variant}: choose one of {', '.join(strategy.variants)}."
            raise typer.BadParameter(message, param_hint="--variant")
    return list({strategy.name: strategy for strategy in found}.values())


def _strategy(name: str) -> Strategy:
    found = named(name)
    if found is None:
        near = get_close_matches(name, BY_NAME, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`proofboard strategies --all` lists them."
        raise typer.BadParameter(f"There is no strategy {name!r}. {hint}", param_hint="--strategy")
    return found


def known(device: str) -> None:
    if not fullmatch(NAMES, device):
        raise typer.BadParameter(
            f"{device!r} is no device: choose compiled, cpu, cuda or cuda:1.", param_hint="--device"
        )


def budget(text: str, variant: Variant) -> int:
    """A whole number of operations; 5e6 and 5_000_000 are."""
    if variant is not Variant.STRICT:
        raise typer.BadParameter("A budget buys strict proofs only: leave --variant out.", param_hint="--budget")
    try:
        operations = float(text)
        if not 1 <= operations <= MOST_BUDGET or operations != int(operations):
            raise ValueError
    except (ValueError, OverflowError):
        message = f"{text!r} is not a whole number of operations from 1 to {MOST_BUDGET:.0e}, such as 5e6."
        raise typer.BadParameter(message, param_hint="--budget") from None
    return int(operations)
