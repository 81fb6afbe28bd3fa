"""`proofboard explain` (one checkpoint, or every stored model that was not explained yet) and `proofboard estimate`."""

import json
from dataclasses import asdict, replace
from math import isfinite

from rich.console import Console

from app import numbers
from app.cli import reports
from app.settings import Settings
from app.storage import engine, explanations, models
from app.storage.blobs import BlobStore
from proofs.ablation_effects import Effect
from proofs.ablations import Mode, Path, name_of
from proofs.checkpoint import read_model
from proofs.estimates import estimate
from proofs.exact_ablations import exact_effects
from proofs.explain import METHOD, Findings, explain
from proofs.faithfulness import CONTROLS, EXPLANATIONS
from proofs.intervals import CONFIDENCE
from proofs.model import Model
from proofs.prove import task_of
from proofs.tables import Tables
from proofs.tally import Tally


def explain_file(data: bytes, *, draws: int, exact: bool) -> Findings:
    """Raises `UnreadableCheckpoint`, `UnsupportedModel`, or `NotApplicable` if there are too many inputs to count."""
    return _explain(read_model(data), draws=draws, exact=exact)


def _explain(model: Model, *, draws: int, exact: bool) -> Findings:
    findings = explain(model, draws=draws)
    if not exact:
        return findings
    tables = Tables.of(model, Tally())
    counted = {}
    with reports.progress() as bars:
        for mode in Mode:
            bar = bars.add_task(f"{mode} ablations", total=32)
            counted[mode] = exact_effects(
                tables, task_of(model), mode, dict(findings.ablations[mode]),
                report=lambda done, of, bar=bar: bars.update(bar, completed=done),  # type: ignore[misc]
            )  # fmt: skip
    return replace(findings, ablations=counted)


def explain_stored(settings: Settings, *, draws: int, exact: bool) -> None:
    """One model after the other, each kept as soon as it is done: an interrupted run goes on where it stopped."""
    database, blobs = engine.connect(settings.database_url), BlobStore(settings.blob_dir)
    try:
        engine.require_current(database)
        with database.reading() as session:
            found = [models.get(session, digest) for digest in explanations.missing(session, METHOD)]
        for record in found:
            findings = _explain(read_model(blobs.get(record.blob)), draws=draws, exact=exact)
            with database.writing() as session:
                explanations.keep(session, findings)
            kept = findings.explanations["story"].agreement
            print(f"{record.digest[:12]} {record.name}: keeps {numbers.between(kept.low, kept.high)} of its answers")
    finally:
        database.dispose()
    print(f"{len(found):,} models explained.")


def estimate_file(data: bytes, *, draws: int, seed: int, as_json: bool) -> None:
    """Raises `UnreadableCheckpoint`, `UnsupportedModel`, or `NotApplicable` if there are too many strata."""
    model = read_model(data)
    with reports.progress() as bars:
        bar = bars.add_task("strata", total=None)
        found = estimate(
            model, draws=draws, seed=seed, report=lambda done, of: bars.update(bar, completed=done, total=of)
        )
    if as_json:
        print(
            json.dumps(
                {"model": model.digest, "label": "estimated", "confidence": CONFIDENCE, **asdict(found)}, indent=2
            )
        )
        return
    print(
        f"Accuracy {found.accuracy:.6f}, in {numbers.between(found.within.low, found.within.high)} with {CONFIDENCE:.0%} "
        f"confidence: {found.draws:,} inputs from {found.strata:,} strata. An estimate, not a proof."
    )


def show(findings: Findings, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(findings.as_json(), indent=2))
        return
    zero, mean = findings.ablations[Mode.ZERO], findings.ablations[Mode.MEAN]
    console = Console()
    console.print(f"Model {findings.model}: accuracy {_said(findings.accuracy)}", soft_wrap=True)
    table = reports.table("taken out", ">zero instead", ">mean instead")
    for subset in (*(frozenset({path}) for path in Path), frozenset({Path.EU, Path.EQKP, Path.PVOU})):
        table.add_row(name_of(subset), _said(zero[subset]), _said(mean[subset]))
    reports.print_table(table)
    table = reports.table(">answers kept", ">accuracy", "what is exchanged for another input's")
    for one in EXPLANATIONS + CONTROLS:
        found = findings.explanations[one.name]
        table.add_row(numbers.between(found.agreement.low, found.agreement.high), _said(found.effect), one.says)
    reports.print_table(table)
    ratio = findings.diagnostics.ratio
    print(f"Singular ratio of EQKE {numbers.significant(ratio) if isfinite(ratio) else 'infinite'}, "
          f"{len(findings.diagnostics.failures)} tokens do not copy.")  # fmt: skip


def _said(effect: Effect) -> str:
    """Exact where it is, else an interval."""
    if effect.label == "exact" and not effect.undecided:
        return numbers.at_least(effect.correct, effect.draws)
    return numbers.between(effect.accuracy.low, effect.accuracy.high)
