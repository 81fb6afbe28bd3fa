"""Does a model work as explained, and does a more faithful explanation give a tighter proof?

Reading a page computes nothing: findings are made when somebody asks (about a second of this process for a model of the
paper's size), or on the command line, and are then stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from app.errors import NotFound
from app.figures import Figure, explaining, palette
from app.storage import explanations, models, proofs
from app.storage.explanations import Explained
from app.storage.records import FrontPoint, ModelRecord
from app.web import exports, gallery
from app.web.leaning import LEANINGS, Cost, cost
from app.web.pages import Page, Shell, render
from app.web.schemas import Digest
from app.web.site import Site, SiteDep
from proofs.ablation_effects import Effect
from proofs.ablations import NOISE, SUBSETS, Mode, Path, Subset, name_of
from proofs.checkpoint import read_model
from proofs.diagnostics import LABELS
from proofs.explain import METHOD, Findings, explain
from proofs.faithfulness import CONTROLS, EXPLANATIONS, Explanation, Resampled
from proofs.intervals import CONFIDENCE, Interval
from proofs.strategies import Variant
from proofs.subcubic.options import Error

router = APIRouter(include_in_schema=False)

DRAWS = 2048
"""A second of this process at most; the command line takes as many as are wanted."""

COLUMNS = (
    "kind", "name", "correct", "draws", "undecided", "label", "accuracy_low", "accuracy_high", "probability",
    "probability_low", "probability_high", "agreement_low", "agreement_high",
)  # fmt: skip


class NotExplained(NotFound):
    """This model was not explained yet: do it on its explanations page, or with `proofboard explain`."""

    code = "not-explained"


@dataclass(frozen=True)
class ExplanationsPage(Page):
    template = "explanations/index.html"
    explained: tuple[Explained, ...]
    missing: int
    figure: Figure
    correlations: tuple[tuple[str, str], ...]
    by_ratio: tuple[tuple[str, str], ...]
    task: tuple[int, int] | None
    """(n_ctx, d_vocab) that the comparison is about: the one with most models."""
    tightest: Mapping[str, FrontPoint]
    """By digest, the tightest strict proof that does not enumerate."""


@dataclass(frozen=True)
class Tested:
    """One statement with what became of the model under it."""

    explanation: Explanation
    result: Resampled
    cost: Cost | None


@dataclass(frozen=True)
class ExplanationPage(Page):
    template = "explanations/show.html"
    model: ModelRecord
    findings: Findings | None
    statements: tuple[Tested, ...]
    controls: tuple[Tested, ...]
    paths: tuple[tuple[Path, Effect, Effect], ...]
    """Each path alone, out by zero and out by its mean."""
    noise: tuple[Effect, Effect] | None
    subsets: tuple[tuple[str, Effect, Effect], ...]
    figures: tuple[tuple[str, float], ...]
    granted: tuple[tuple[str, str, float], ...]
    """Code, name and error bound of each attention option."""
    tightest: FrontPoint | None
    confidence: float


@router.get("/explanations", name="explanations")
def index(request: Request, site: SiteDep) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        explained = explanations.explained(session, METHOD)
        missing = len(explanations.missing(session, METHOD))
        tasks = gallery.stored_tasks(session)
        task = next(iter(tasks), None)
        pairs = gallery.tightness_pairs(session, by_ratio=False, task=task)
        ratios = gallery.tightness_pairs(session, by_ratio=True, task=task)
        every = [gallery.tightness_pairs(session, by_ratio=False, task=one) for one in tasks]
    page = ExplanationsPage(
        explained=tuple(explained),
        missing=missing,
        figure=explaining.tightness_against(
            ratios, "σ₁ / σ₂ of EQKE", lambda name: (palette.colour(name), palette.shape(name))
        ),
        correlations=tuple(gallery.correlations(pairs)),
        by_ratio=tuple(gallery.correlations(ratios)),
        tightest={digest: point for some in every for digest, point in _tightest(some).items()},
        task=task,
    )
    return render(request, shell, page)


def _tightest(pairs: Mapping[str, list[tuple[float, FrontPoint]]]) -> dict[str, FrontPoint]:
    best: dict[str, FrontPoint] = {}
    for points in pairs.values():
        for _, point in points:
            known = best.get(point.model_digest)
            if known is None or (point.tightness or 0) > (known.tightness or 0):
                best[point.model_digest] = point
    return best


@router.get("/models/{digest}/explanations", name="explanation")
def show(request: Request, site: SiteDep, digest: Digest) -> Response:
    with site.database.reading() as session:
        shell = Shell.of(request, session)
        model = models.get(session, digest)
        stored = explanations.find(session, digest, METHOD)
        points = proofs.front(session, model_digest=digest)
    findings = Findings.of_json(stored.findings) if stored else None
    return render(request, shell, _page(model, findings, points))


def _page(model: ModelRecord, findings: Findings | None, points: list[FrontPoint]) -> ExplanationPage:
    if findings is None:
        return ExplanationPage(model, None, (), (), (), None, (), (), (), None, CONFIDENCE)
    costs = {leaning.explanation: cost(leaning, points) for leaning in LEANINGS}
    zero, mean = findings.ablations[Mode.ZERO], findings.ablations[Mode.MEAN]
    bounds = findings.diagnostics.error_bounds
    strict = [
        p
        for p in points
        if p.variant == Variant.STRICT and p.strategy not in gallery.ENUMERATING and p.tightness is not None
    ]

    def both(subset: Subset) -> tuple[Effect, Effect]:
        return zero[subset], mean[subset]

    return ExplanationPage(
        model=model,
        findings=findings,
        statements=tuple(Tested(one, findings.explanations[one.name], costs.get(one.name)) for one in EXPLANATIONS),
        controls=tuple(Tested(one, findings.explanations[one.name], None) for one in CONTROLS),
        paths=tuple((path, *both(frozenset({path}))) for path in Path),
        noise=both(NOISE),
        subsets=tuple((name_of(subset), *both(subset)) for subset in SUBSETS),
        figures=tuple((label, findings.diagnostics.figures[name]) for name, label in LABELS.items()),
        granted=tuple((error.name, str(error), bounds[error.name]) for error in Error if error.name in bounds),
        tightest=max(strict, key=lambda point: point.tightness or 0.0, default=None),
        confidence=CONFIDENCE,
    )


@router.post("/models/{digest}/explanations", name="explain")
def make(request: Request, site: SiteDep, digest: Digest) -> Response:
    """Explains the model and stores what was found."""
    with site.database.reading() as session:
        model = models.get(session, digest)
    findings = explain(read_model(site.blobs.get(model.blob)), draws=DRAWS)
    with site.database.writing() as session:
        explanations.keep(session, findings)
    return RedirectResponse(str(request.app.url_path_for("explanation", digest=digest)), HTTPStatus.SEE_OTHER)


@router.get("/models/{digest}/explanations.json", name="explanation.json")
def show_json(site: SiteDep, digest: Digest) -> dict[str, Any]:
    return dict(_stored(site, digest).as_json())


@router.get("/models/{digest}/explanations.csv", name="explanation.csv")
def show_csv(site: SiteDep, digest: Digest) -> Response:
    findings = _stored(site, digest)
    rows = [
        _row(f"{mode} ablation", name_of(subset), found[subset], None)
        for mode, found in findings.ablations.items()
        for subset in SUBSETS
    ]
    rows += [_row("resampling", name, one.effect, one.agreement) for name, one in findings.explanations.items()]
    return exports.csv_response(rows, COLUMNS, f"proofboard-explanations-{digest[:12]}")


def _row(kind: str, name: str, effect: Effect, agreement: Interval | None) -> Mapping[str, Any]:
    return {
        "kind": kind, "name": name, "correct": str(effect.correct), "draws": str(effect.draws),
        "undecided": str(effect.undecided), "label": effect.label,
        "accuracy_low": effect.accuracy.low, "accuracy_high": effect.accuracy.high, "probability": effect.probability,
        "probability_low": effect.probability_within.low, "probability_high": effect.probability_within.high,
        "agreement_low": agreement and agreement.low, "agreement_high": agreement and agreement.high,
    }  # fmt: skip


def _stored(site: Site, digest: str) -> Findings:
    with site.database.reading() as session:
        models.get(session, digest)
        stored = explanations.find(session, digest, METHOD)
    if stored is None:
        raise NotExplained
    return Findings.of_json(stored.findings)
