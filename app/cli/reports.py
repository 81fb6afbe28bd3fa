"""What the command line says about proofs and strategies: progress while they run, then a table or JSON."""

import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import numbers
from app.cli.proving import Outcome, Piece, run_all
from app.storage.records import Verdict
from proofs.strategies import Strategy

DONE = (Verdict.PROVED, Verdict.VACUOUS)


def watch(
    checkpoint: Path, data: bytes, pieces: Sequence[Piece], *, timeout: float | None, processes: int, device: str
) -> list[Outcome]:
    """Runs the proofs; a terminal on standard error sees how far they are.

    Raises `UnreadableCheckpoint`, `UnsupportedModel` or `NoSuchDevice`.
    """
    with progress() as bars:
        bar_of = {piece.label: bars.add_task(piece.label, total=None, start=False) for piece in pieces}

        def report(piece: Piece, done: int, of: int) -> None:
            bars.start_task(bar_of[piece.label])
            bars.update(bar_of[piece.label], completed=done, total=of)

        outcomes: list[Outcome] = []
        done = run_all(checkpoint, data, pieces, timeout=timeout, processes=processes, device=device, report=report)
        for piece, made in done:
            came_to = ", ".join(sorted({outcome.verdict for outcome in made}))
            bars.update(bar_of[piece.label], description=f"{piece.label}: {came_to}")
            bars.stop_task(bar_of[piece.label])
            outcomes += made
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
    listed = table("strategy", "verdict", ">accuracy at least", ">correct", ">operations", ">time", ">memory")
    for outcome in outcomes:
        listed.add_row(
            _short(outcome),
            outcome.verdict,
            numbers.at_least(outcome.correct, outcome.total),
            numbers.exact(outcome.correct),
            numbers.count(outcome.length.get("measured-v1")),
            numbers.duration(outcome.seconds),
            "–" if outcome.peak_memory_mb is None else f"{outcome.peak_memory_mb:.0f} MB",
        )
    print_table(listed)
    for message in dict.fromkeys(outcome.message for outcome in outcomes if outcome.message):
        about = [_short(outcome) for outcome in outcomes if outcome.message == message]
        print(f"{about[0] if len(about) == 1 else f'{len(about)} strategies'}: {message}")


def _short(outcome: Outcome) -> str:
    """The strategy's code or name, and what was chosen for it."""
    chosen = [f"{name}={value}" for name, value in outcome.parameters.items() if name != "budget"]
    return " ".join([outcome.code or outcome.strategy, *chosen])


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 if every proof ended with a bound, 3 if some strategy does not cover the model, 1 if anything else happened."""
    return code_of({outcome.verdict for outcome in outcomes})


def code_of(verdicts: Set[str]) -> int:
    other = verdicts - set(DONE)
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
                "code": strategy.code,
                "group": strategy.group,
                "caveats": list(strategy.caveats),
                "page": f"docs/strategies/{strategy.page}",
            }
            for strategy in strategies
        ]
        print(json.dumps(rows, indent=2))
        return
    listed = table("strategy", "cost", "variants", "what it does")
    for strategy in strategies:
        listed.add_row(
            strategy.code or strategy.name, strategy.complexity, ", ".join(strategy.variants), strategy.summary
        )
    print_table(listed)


def table(*headings: str) -> Table:
    """A heading that begins with > stands over numbers. Only the last column may be folded: numbers are never cut."""
    made = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading.startswith(">") else "left"
        made.add_column(heading.removeprefix(">"), justify=justify, no_wrap=heading != headings[-1])
    return made


def print_table(made: Table) -> None:
    """In a narrow window lines run on rather than lose digits."""
    Console(width=max(Console().width, 120)).print(made)
