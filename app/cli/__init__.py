"""The command line, `proofboard`.

Commands import what does their work when they are called, not before:
`proofboard --help` then answers in a tenth of a second, and `serve` never loads torch.

Exit codes: 0 done, 2 bad usage or bad file, 3 a strategy does not cover the model, 1 anything else.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app.cli import checking, choosing, research
from app.cli.choosing import Catalogue, Search
from app.errors import AppError
from proofs.devices import COMPILED
from proofs.questions import MOST_COUNTEREXAMPLES
from proofs.strategies import CATALOGUE, SUBCUBIC, Variant

if TYPE_CHECKING:
    from app.settings import Settings

FAILED, BAD_INPUT, NOT_APPLICABLE = 1, 2, 3

app = typer.Typer(
    name="proofboard",
    help="Prove how well a neural network works, and see what each proof costs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
db = typer.Typer(name="db", help="The database.", no_args_is_help=True)
app.add_typer(db)
app.add_typer(research.app)
app.add_typer(checking.app)

File = Annotated[Path, typer.Argument(metavar="FILE.safetensors", help="A checkpoint with TransformerLens names.")]
Timeout = Annotated[
    float | None, typer.Option(min=0.001, metavar="SECONDS", help="For each piece of work, or shard of one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def main() -> None:
    """The console script. An error that a person can mend is one sentence, not a traceback."""
    try:
        app()
    except AppError as error:
        fail(error.message, FAILED)


def fail(message: str, code: int) -> NoReturn:
    """Says why on standard error and ends."""
    print(f"proofboard: {message}", file=sys.stderr)
    raise SystemExit(code)


@app.command()
def prove(
    file: File,
    strategy: Annotated[
        list[str] | None,
        typer.Option("--strategy", "-s", metavar="NAME", help="Name or short code; may be repeated; all if left out."),
    ] = None,
    catalogue: Annotated[
        Catalogue | None, typer.Option(help="Every published strategy: brute force, cubic and the 100 sub-cubic ones.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="OPERATIONS", help="The best strict proof that so many operations buy: 5e6.")
    ] = None,
    variant: Annotated[
        Variant, typer.Option(help="In real arithmetic, in any float32 program, or as the paper's code computes it.")
    ] = Variant.STRICT,
    search: Annotated[
        Search | None, typer.Option(help="Which tables the published search of gaps sees; with --variant as-published.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=256, help="Processes that share a long proof.")] = 1,
    device: Annotated[
        str,
        typer.Option(help="Where dynamic programmes run: compiled, or in torch on cpu, cuda or cuda:1. Same results."),
    ] = COMPILED,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """Prove lower bounds on a model's accuracy; needs no server and no database."""
    choosing.at_most_one({"--strategy": strategy, "--catalogue": catalogue, "--budget": budget})
    if search is not None and variant is not Variant.AS_PUBLISHED:
        raise typer.BadParameter("It matters only with --variant as-published.", param_hint="--search")
    chosen = choosing.strategies(strategy, variant) if catalogue is None and budget is None else []
    most = None if budget is None else choosing.budget(budget, variant)
    choosing.known(device)

    from app.cli import pieces, reports
    from proofs.errors import UnreadableCheckpoint, UnsupportedModel

    if catalogue is not None:
        wanted = pieces.published(variant, search)
    else:
        wanted = pieces.one_by_one(chosen, variant, search) if most is None else pieces.best_within(most)
    try:
        outcomes = reports.watch(file, _read(file), wanted, timeout=timeout, processes=jobs, device=device)
    except (UnreadableCheckpoint, UnsupportedModel) as error:
        fail(f"{file}: {error}", BAD_INPUT)
    reports.show(outcomes, as_json=as_json)
    raise typer.Exit(reports.exit_code(outcomes))


@app.command()
def counterexamples(
    file: File,
    most: Annotated[int, typer.Option(min=1, max=MOST_COUNTEREXAMPLES, help="How many, at most.")] = 20,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """List inputs that a model answers wrongly for certain, worst first."""
    from app.cli import finding
    from proofs.errors import UnreadableCheckpoint, UnsupportedModel

    try:
        code = finding.show(file, _read(file), most, timeout=timeout, as_json=as_json)
    except (UnreadableCheckpoint, UnsupportedModel) as error:
        fail(f"{file}: {error}", BAD_INPUT)
    raise typer.Exit(code)


def _read(file: Path) -> bytes:
    """At most one byte more than a checkpoint may have, so that a huge file is refused without being read."""
    from proofs.checkpoint import MAX_FILE_BYTES

    try:
        with file.open("rb") as source:
            return source.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        fail(f"{file}: {error.strerror}", BAD_INPUT)


@app.command()
def strategies(
    everything: Annotated[bool, typer.Option("--all", help="The 100 published sub-cubic strategies as well.")] = False,
    as_json: Json = False,
) -> None:
    """List the strategies with their costs and variants."""
    from app.cli import reports

    reports.show_strategies(CATALOGUE + SUBCUBIC if everything else CATALOGUE, as_json=as_json)


@app.command()
def train(
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="Where to write the model.")],
    seed: Annotated[int, typer.Option(help="Decides the first weights and the samples.")],
    n_ctx: Annotated[int, typer.Option(help="Tokens of an input: the K of Max-of-K.")] = 4,
    d_vocab: Annotated[int, typer.Option(help="Different tokens.")] = 64,
    d_model: Annotated[int, typer.Option(help="Width of the model and of its head.")] = 32,
    steps: Annotated[int, typer.Option(help="Steps of 128 samples each.")] = 3000,
) -> None:
    """Train a Max-of-K model with the published recipe; the same seed gives the same model."""
    from app.cli import training
    from worker.trainer import Recipe

    try:
        recipe = Recipe(seed=seed, n_ctx=n_ctx, d_vocab=d_vocab, d_model=d_model, steps=steps)
        digest = training.train_to(out, recipe)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        fail(f"{out}: {error.strerror}", BAD_INPUT)
    print(f"{out}: model {digest}")


Host = Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 if left out.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 8000 if left out, any free one if 0.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of database and files; data if left out.")]


@app.command()
def up(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Upgrade the database, load the demo models, run a worker and the web server."""
    settings = _settings(host=host, port=port, data_dir=data_dir)

    from app.cli import supervising

    supervising.up(settings)


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Run the web server alone; `proofboard db upgrade` comes first."""
    settings = _settings(host=host, port=port, data_dir=data_dir)

    from app.cli import serving

    serving.serve(settings)


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run a worker: it proves what is queued, until SIGTERM or Ctrl-C."""
    _settings(data_dir=data_dir)
    os.execv(sys.executable, [sys.executable, "-m", "worker"])


@db.command()
def upgrade(data_dir: DataDir = None) -> None:
    """Bring the database to the schema of this version; does nothing if it is there."""
    settings = _settings(data_dir=data_dir)

    from app.storage import schema

    schema.upgrade(settings.database_url)


def _settings(**flags: object) -> "Settings":
    """From the environment, flags first. Flags go into the environment, so that our other processes see them too."""
    from pydantic import ValidationError

    from app.settings import Settings

    os.environ.update({f"PROOFBOARD_{name.upper()}": str(value) for name, value in flags.items() if value is not None})
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        fail(f"PROOFBOARD_{'_'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}.", BAD_INPUT)
