"""What the command line says about proofs and strategies: progress while they run, then a table or JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import numbers
from app.cli.proving import Outcome, run_all
from app.storage.records import Verdict
from proofs.strategies import BY_NAME, Strategy, Variant

DONE = (Verdict.PROVED, Verdict.VACUOUS)


def watch(
    checkpoint: Path, data: bytes, wanted: Sequence[tuple[Strategy, Variant]], *, timeout: float | None
) -> list[Outcome]:
    """Runs the proofs; a terminal on standard error sees how far they are.

    Raises `UnreadableCheckpoint` or `UnsupportedModel`.
    """
    with progress() as bars:
        bar_of = {strategy.name: bars.add_task(strategy.name, total=None, start=False) for strategy, _ in wanted}

        def report(strategy: Strategy, done: int, of: int) -> None:
            bars.start_task(bar_of[strategy.name])
            bars.update(bar_of[strategy.name], completed=done, total=of)

        outcomes = []
        for outcome in run_all(checkpoint, data, wanted, timeout=timeout, report=report):
            bars.update(bar_of[outcome.strategy], description=f"{outcome.strategy}: {outcome.verdict}")
            bars.stop_task(bar_of[outcome.strategy])
            outcomes.append(outcome)
        return outcomes


def progress() -> Progress:
    """Bars on standard error; nothing if that is no terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def show(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([outcome.as_json() for outcome in outcomes], indent=2))
        return
    console = Console()
    first = outcomes[0]
    console.print(f"Model {first.model}, {first.task}: {numbers.exact(first.total)} inputs", soft_wrap=True)
    table = _table("strategy", "verdict", ">accuracy at least", ">correct", ">operations", ">time", ">memory")
    for outcome in outcomes:
        table.add_row(
            BY_NAME[outcome.strategy].code or outcome.strategy,
            outcome.verdict,
            numbers.at_least(outcome.correct, outcome.total),
            numbers.exact(outcome.correct),
            numbers.count(outcome.length.get("measured-v1")),
            numbers.duration(outcome.seconds),
            "–" if outcome.peak_memory_mb is None else f"{outcome.peak_memory_mb:.0f} MB",
        )
    _print(table)
    for outcome in outcomes:
        if outcome.message:
            print(f"{outcome.strategy}: {outcome.message}")


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 if every proof ended with a bound, 3 if some strategy does not cover the model, 1 if anything else happened."""
    other = {outcome.verdict for outcome in outcomes} - set(DONE)
    return 0 if not other else 3 if other == {Verdict.NOT_APPLICABLE} else 1


def show_strategies(strategies: Sequence[Strategy], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "name": strategy.name,
                "family": strategy.family,
                "complexity": strategy.complexity,
                "summary": strategy.summary,
                "variants": list(strategy.variants),
            }
            for strategy in strategies
        ]
        print(json.dumps(rows, indent=2))
        return
    table = _table("strategy", "cost", "variants", "what it does")
    for strategy in strategies:
        table.add_row(
            strategy.code or strategy.name, strategy.complexity, ", ".join(strategy.variants), strategy.summary
        )
    _print(table)


def _table(*headings: str) -> Table:
    """A heading that begins with > stands over numbers. Only the last column may be folded: numbers are never cut."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading.startswith(">") else "left"
        table.add_column(heading.removeprefix(">"), justify=justify, no_wrap=heading != headings[-1])
    return table


def _print(table: Table) -> None:
    """In a narrow window lines run on rather than lose digits."""
    Console(width=max(Console().width, 120)).print(table)
