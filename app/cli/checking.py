"""Commands of those who do not take a bound on trust: `check` and `recheck`."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofs.questions import ENGINE, INDEPENDENT

if TYPE_CHECKING:
    from app.cli.rechecking import Rechecker

app = typer.Typer()

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database, as for `serve`.")]


class Checker(StrEnum):
    ENGINE = ENGINE
    INDEPENDENT = INDEPENDENT.split()[0]

    @property
    def program(self) -> str:
        """Its name in the record of checks."""
        return ENGINE if self is Checker.ENGINE else INDEPENDENT


@app.command()
def check(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE.zip", help="As a proof's page offers it.")],
) -> None:
    """Check a bundle with the independent checker: exit code 0 accepted, 1 rejected, 2 unreadable."""
    from proofs.checker.__main__ import main

    raise SystemExit(main([str(bundle)]))


@app.command()
def recheck(
    proofs: Annotated[list[int] | None, typer.Argument(metavar="[PROOF]...", help="Numbers of stored proofs.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every proof that this version has not confirmed or refused yet.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="With --all: ended since (UTC).")
    ] = None,
    checker: Annotated[
        Checker, typer.Option(help="The engine again, or the independent checker: slower, and only what is proved.")
    ] = Checker.ENGINE,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=256, help="Checks at once.")] = 1,
    timeout: Annotated[float | None, typer.Option(min=0.001, metavar="SECONDS", help="For each check.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Derive stored claims again and keep each answer at once. Stopped by Ctrl-C or otherwise, the same command goes on where it
    was. Exit code 0 if all were confirmed, 1 if one was refused or got no answer, or if it was stopped."""
    if every is bool(proofs) or (since is not None and not every):
        raise typer.BadParameter("Name proofs, or say --all (with --since or without).", param_hint="PROOF")

    from app import cli
    from app.cli.rechecking import Rechecker
    from app.storage import engine, rechecks
    from app.storage.blobs import BlobStore

    settings = cli._settings(data_dir=data_dir)
    database = engine.connect(settings.database_url)
    try:
        engine.require_current(database)
        with database.reading() as session:
            start = None if since is None else since.replace(tzinfo=UTC)
            wanted = list(proofs or ()) or rechecks.missing(session, checker.program, since=start)
        rechecker = Rechecker(database, BlobStore(settings.blob_dir), checker.program, timeout, jobs)
        all_confirmed = _watch(rechecker, list(wanted), names_each=not every)
    finally:
        database.dispose()
    raise SystemExit(0 if all_confirmed else cli.FAILED)


def _watch(rechecker: "Rechecker", wanted: list[int], *, names_each: bool) -> bool:
    """Says what is not confirmed, and at the end how many there were. True if all were confirmed."""
    from contextlib import closing

    from app.cli import reports
    from app.storage import proofs

    counts = {"confirmed": 0, "refused": 0, "no answer": 0}
    stopped = False
    with reports.progress() as bars, closing(rechecker.run(wanted)) as found:
        bar = bars.add_task("re-checked", total=len(wanted))
        try:
            for proof, check in found:
                counts[check.verdict] += 1
                bars.update(bar, advance=1, description=f"re-checked, {counts['refused']:,} refused")
                if names_each or not check.accepted:
                    why = f": {check.message}" if check.message else ""
                    print(f"proof {proof.id} {proof.strategy} ({proof.variant}): {check.verdict}{why}")
        except KeyboardInterrupt:
            stopped = True
    done = sum(counts.values())
    print(
        f"{done:,} proofs re-checked with the {rechecker.program}: {counts['confirmed']:,} confirmed, "
        f"{counts['refused']:,} refused, {counts['no answer']:,} without an answer."
    )
    if stopped:
        print(f"Stopped with {len(wanted) - done:,} left. With --all, the same command goes on there.")
    with rechecker.database.reading() as session:
        alarms = proofs.alarms(session)
    if alarms:
        print(f"Proofs under a soundness alarm: {alarms:,}. See /proofs?soundness_alarm=true.")
    return counts["confirmed"] == len(wanted)
