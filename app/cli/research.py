"""Commands of those who compare with the paper: `explain`, `estimate` and `import`."""

from pathlib import Path
from typing import Annotated

import typer

from proofs.errors import NotApplicable, UnreadableCheckpoint, UnsupportedModel

MOST_DRAWS = 2**24

app = typer.Typer()

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database, as for `serve`.")]


@app.command()
def explain(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE.safetensors]", help="A checkpoint.")] = None,
    stored: Annotated[bool, typer.Option("--stored", help="Instead: every stored model that lacks it; kept.")] = False,
    draws: Annotated[int, typer.Option(min=1, max=MOST_DRAWS, help="Inputs to try where not all are.")] = 2**16,
    exact: Annotated[bool, typer.Option("--exact", help="Count the ablations over every input.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Ablate each path, test the account of a model by resampling, and look at its circuits."""
    if (file is None) is not stored:
        raise typer.BadParameter("Name one checkpoint, or say --stored.", param_hint="FILE")

    from app import cli
    from app.cli import explaining

    if file is None:
        explaining.explain_stored(cli._settings(data_dir=data_dir), draws=draws, exact=exact)
        return
    try:
        findings = explaining.explain_file(cli._read(file), draws=draws, exact=exact)
    except (UnreadableCheckpoint, UnsupportedModel) as error:
        cli.fail(f"{file}: {error}", cli.BAD_INPUT)
    except NotApplicable as reason:
        cli.fail(f"{file}: {reason} Leave --exact out.", cli.NOT_APPLICABLE)
    explaining.show(findings, as_json=as_json)


@app.command("import")
def import_results(
    file: Annotated[Path, typer.Argument(metavar="RESULTS.csv", help="As the reference project writes it.")],
    name: Annotated[str, typer.Option(help="What to call these results.")],
    n_ctx: Annotated[int, typer.Option(min=1, max=64, help="Tokens of an input: the K of Max-of-K.")] = 4,
    d_vocab: Annotated[int, typer.Option(min=1, max=4096, help="Different tokens.")] = 64,
    data_dir: DataDir = None,
) -> None:
    """Load old results of the reference project, all rows or none; the reproduction page shows them."""
    from app import cli
    from app.cli import importing

    try:
        content = file.read_bytes()
    except OSError as error:
        cli.fail(f"{file}: {error.strerror}", cli.BAD_INPUT)
    try:
        rows = importing.load(cli._settings(data_dir=data_dir), content, name=name, n_ctx=n_ctx, d_vocab=d_vocab)
    except importing.Refused as error:
        cli.fail(f"{file}: {error}", cli.BAD_INPUT)
    print(f"{file}: {rows:,} results imported as {name!r}")


@app.command()
def estimate(
    file: Annotated[Path, typer.Argument(metavar="FILE.safetensors", help="A checkpoint.")],
    draws: Annotated[int, typer.Option(min=1, max=MOST_DRAWS, help="Inputs to try, at least.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides which.")] = 1234,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")] = False,
) -> None:
    """Estimate the accuracy from a stratified sample, with an interval; not a proof."""
    from app import cli
    from app.cli import explaining

    try:
        explaining.estimate_file(cli._read(file), draws=draws, seed=seed, as_json=as_json)
    except (UnreadableCheckpoint, UnsupportedModel) as error:
        cli.fail(f"{file}: {error}", cli.BAD_INPUT)
    except NotApplicable as reason:
        cli.fail(f"{file}: {reason}", cli.NOT_APPLICABLE)
