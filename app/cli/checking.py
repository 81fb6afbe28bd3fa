"""Commands of those who do not take a bound on trust: `check` and `recheck`."""

from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.storage.blobs import BlobStore
    from app.storage.engine import Database

app = typer.Typer()

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database, as for `serve`.")]


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
    every: Annotated[bool, typer.Option("--all", help="Every proof that this engine has not re-checked yet.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="With --all: ended since (UTC).")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Prove stored claims again and keep what comes of it. Interrupted, `--all` goes on where it stopped; exit code 1 if one is
    refused."""
    if every is bool(proofs) or (since is not None and not every):
        raise typer.BadParameter("Name proofs, or say --all (with --since or without).", param_hint="PROOF")

    from app import cli
    from app.storage import checks, engine
    from app.storage.blobs import BlobStore
    from proofs.recheck import CHECKER

    settings = cli._settings(data_dir=data_dir)
    database, blobs = engine.connect(settings.database_url), BlobStore(settings.blob_dir)
    try:
        engine.require_current(database)
        with database.reading() as session:
            start = None if since is None else since.replace(tzinfo=UTC)
            wanted = list(proofs or ()) if not every else checks.missing(session, CHECKER, since=start)
        refused = sum(not _recheck(database, blobs, proof_id) for proof_id in wanted)
    finally:
        database.dispose()
    print(f"{len(wanted):,} proofs re-checked, {refused:,} refused.")
    raise SystemExit(cli.FAILED if refused else 0)


def _recheck(database: "Database", blobs: "BlobStore", proof_id: int) -> bool:
    """Whether the stored claim follows again; the answer is kept at once."""
    from app.errors import AppError, NotFound
    from app.storage import checks, models, proofs
    from proofs.certificate import read
    from proofs.checkpoint import read_model
    from proofs.errors import ProofError
    from proofs.recheck import CHECKER, recheck

    with database.reading() as session:
        proof = proofs.get(session, proof_id)
        model = models.get(session, proof.model_digest)
    if proof.certificate is None or proof.correct is None:
        raise NotFound(f"Proof {proof_id} has no certificate of a claim: only a proof with a result has one.")
    started = perf_counter()
    message = ""
    try:
        certificate = read(blobs.get(proof.certificate))
        if (certificate.correct, certificate.wrong) != (proof.correct, proof.wrong or 0):
            message = (
                f"The certificate claims {certificate.correct} right and {certificate.wrong} wrong inputs, the stored "
                f"proof {proof.correct} and {proof.wrong or 0}."
            )
        else:
            recheck(certificate, read_model(blobs.get(model.blob)))
    except (ProofError, AppError) as refusal:
        message = str(refusal)
    with database.writing() as session:
        checks.add(
            session,
            checks.NewCheck(proof_id, proof.certificate, CHECKER, not message, message, perf_counter() - started),
        )
    print(f"proof {proof_id} {proof.strategy} ({proof.variant}): {message or 'accepted'}")
    return not message
