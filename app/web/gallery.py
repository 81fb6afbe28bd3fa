"""The figures of the field by name: what each needs, and how it is made from what is stored.

A figure is asked for with the words of the address (`Asked`); a page and its exports are made from the same one.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from app.errors import NotFound
from app.figures import Figure, circuitry, explaining, palette
from app.published import facts
from app.published.facts import Generation
from app.published.overlay import overlay
from app.published.rows import Row, row_of
from app.storage import explanations, models, proofs
from app.storage.blobs import BlobStore
from app.storage.records import FrontPoint
from app.web import fronts
from app.web.site import Site
from proofs.checkpoint import read_model
from proofs.circuits import Circuits, circuits
from proofs.explain import METHOD
from proofs.strategies import Variant

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session


class FigureNotFound(NotFound):
    """There is no figure of this name. The figures page lists those that there are."""

    code = "figure-not-found"


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see, and how they asked."""

    site: Site
    session: "Session"
    query: QueryParams
    path: str
    model: str
    """Digest, for a figure of one model."""


@dataclass(frozen=True)
class Made:
    """A figure with what there is to say and to choose about it."""

    figure: Figure
    remarks: tuple[str, ...] = ()
    choices: tuple[tuple[str, tuple[fronts.Choice, ...]], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """Numbers that go with it: a fit, say."""


@dataclass(frozen=True)
class Entry:
    """One figure of the gallery."""

    name: str
    title: str
    says: str
    make: Callable[[Asked], Made]
    of_model: bool = False
    parameters: tuple[str, ...] = ()


def _bound(asked: Asked) -> Made:
    kept_off = proofs.kept_off(asked.session)
    every = fronts.Every(asked.site.clouds.now(asked.session), asked.session)
    shown = fronts.view(every, asked.query, asked.path, kept_off=kept_off)
    groups = (("Task", shown.tasks), ("Length counted as", shown.rulers), ("Height", shown.heights))
    return Made(shown.figure, shown.remarks, (*groups, ("Published results", shown.overlays)))


def _dimension(asked: Asked) -> Made:
    task, tasks = _task(asked)
    points = proofs.front(asked.session, task=task)
    laid = overlay(*task) if task is not None else None
    figure = explaining.dimension_against_length(points, explanations.widths(asked.session), laid)
    remark = "An estimate of the published work, kept for comparison: no claim rests on it. Strategies that coincide are one mark."
    return Made(figure, (remark,), (("Task", tasks),))


def _ratio(asked: Asked) -> Made:
    variant = Variant.STRICT if asked.query.get("variant") == Variant.STRICT else Variant.AS_PUBLISHED
    task, tasks = _stored_task(asked, {"variant": str(variant)})
    explained = [one for one in explanations.explained(asked.session, METHOD) if (one.n_ctx, one.d_vocab) == task]
    figure, fits = explaining.bound_against_ratio(
        proofs.front(asked.session, variant=variant, task=task), explained, variant
    )
    choices = tuple(
        fronts.Choice(one, _address(asked, variant=str(one)), one is variant)
        for one in (Variant.AS_PUBLISHED, Variant.STRICT)
    )
    lines = tuple(
        (
            f"{error.name} {error}",
            f"bound ≈ {fit.intercept:.4g} + {fit.slope:.3g} · ratio, R² = {fit.r_squared:.3f}, {fit.points} models",
        )
        for error, fit in fits.items()
    )
    said = (
        _unexplained(asked)
        + ((), ("No sub-cubic proof of an explained model has a tightness yet.",))[not figure["data"]]
    )
    return Made(figure, said, (("Task", tasks), ("Variant", choices)), lines)


def _seeds(asked: Asked) -> Made:
    task, tasks = _task(asked)
    n_ctx, d_vocab = task or (4, 64)
    points = proofs.front(asked.session, task=(n_ctx, d_vocab))
    ours = {row: _best_ratios(points, row) for row in Row}
    theirs = {row: facts.best_by_seed(n_ctx, row, Generation.POST) if d_vocab == facts.D_VOCAB else () for row in Row}
    known = {row: facts.normalised(n_ctx, d_vocab, row, Generation.POST) for row in Row}
    figure = explaining.seeds(ours, theirs, {row: one for row, one in known.items() if one is not None}, "published")
    said = (
        "Grey: 151 published seeds, with mean ± standard deviation. Coloured: the best as-published proof of each model here.",
    )
    return Made(figure, said, (("Task", tasks),))


def _best_ratios(points: list[FrontPoint], row: Row) -> list[float]:
    """Of each model, as published: strict proofs are not theirs."""
    best: dict[str, float] = {}
    for point in points:
        if point.tightness is None or point.variant != Variant.AS_PUBLISHED:
            continue
        if row_of(point.strategy) is row:
            best[point.model_digest] = max(point.tightness, best.get(point.model_digest, 0.0))
    return list(best.values())


def _faithfulness(asked: Asked) -> Made:
    by_ratio = asked.query.get("x") == "ratio"
    task, tasks = _stored_task(asked, {"x": "ratio" if by_ratio else "story"})
    pairs = tightness_pairs(asked.session, by_ratio=by_ratio, task=task)
    title = "σ₁ / σ₂ of EQKE" if by_ratio else "answers kept when the account's noise is resampled"
    figure = explaining.tightness_against(pairs, title, lambda family: (palette.colour(family), palette.shape(family)))
    choices = tuple(
        fronts.Choice(label, _address(asked, x=word), (word == "ratio") is by_ratio)
        for word, label in (("story", "faithfulness"), ("ratio", "singular ratio"))
    )
    return Made(figure, _unexplained(asked), (("Task", tasks), ("Across", choices)), tuple(correlations(pairs)))


ENUMERATING = ("brute-force", "separable-exact")
"""Exact whatever the model is like, so they say nothing about an explanation."""


def tightness_pairs(
    session: "Session", *, by_ratio: bool, task: tuple[int, int] | None
) -> dict[str, list[tuple[float, FrontPoint]]]:
    """By family: for each explained model its faithfulness (or singular ratio) and its tightest strict proof."""
    explained = explanations.explained(session, METHOD)
    known = {one.model_digest: one for one in explained if (one.n_ctx, one.d_vocab) == task}
    best: dict[tuple[str, str], FrontPoint] = {}
    for point in proofs.front(session, variant=Variant.STRICT, task=task):
        if point.tightness is None or point.model_digest not in known or point.strategy in ENUMERATING:
            continue
        key = (point.family, point.model_digest)
        if key not in best or point.tightness > (best[key].tightness or 0.0):
            best[key] = point
    pairs: dict[str, list[tuple[float, FrontPoint]]] = {}
    for (family, digest), point in sorted(best.items(), key=lambda item: item[0]):
        across = known[digest].ratio if by_ratio else known[digest].story
        if across is not None:
            pairs.setdefault(family, []).append((across, point))
    return pairs


def correlations(pairs: Mapping[str, list[tuple[float, FrontPoint]]]) -> list[tuple[str, str]]:
    """Of each family, whether more of one goes with more of the other."""
    found = []
    for family, points in pairs.items():
        rank = explaining.rank_correlation([(x, point.tightness or 0.0) for x, point in points])
        said = "too few models" if rank is None else f"rank correlation {rank:+.2f} over {len(points)} models"
        found.append((family, said))
    return found


def _unexplained(asked: Asked) -> tuple[str, ...]:
    left = len(explanations.missing(asked.session, METHOD))
    if not left:
        return ()
    what = "1 model is" if left == 1 else f"{left:,} models are"
    return (f"{what} not here yet: explain them on their pages, or all with `proofboard explain --stored`.",)


def stored_tasks(session: "Session") -> tuple[tuple[int, int], ...]:
    """Tasks of explained models, the one with most models first: claims about different tasks do not compare."""
    counted = Counter((one.n_ctx, one.d_vocab) for one in explanations.explained(session, METHOD))
    return tuple(task for task, _ in counted.most_common())


def _stored_task(asked: Asked, state: Mapping[str, str]) -> tuple[tuple[int, int] | None, tuple[fronts.Choice, ...]]:
    every = {f"{n_ctx}-{d_vocab}": (n_ctx, d_vocab) for n_ctx, d_vocab in stored_tasks(asked.session)}
    task = every.get(asked.query.get("task", ""), next(iter(every.values()), None))
    return task, tuple(
        fronts.Choice(f"max-of-{one[0]}, {one[1]} tokens", _address(asked, **{**state, "task": name}), one == task)
        for name, one in every.items()
    )


def _address(asked: Asked, **change: str) -> str:
    """This figure with one choice changed and the others kept."""
    return f"{asked.path}?{urlencode({**dict(asked.query), **change})}"


def _task(asked: Asked) -> tuple[tuple[int, int] | None, tuple[fronts.Choice, ...]]:
    """The task in the address (`4-64`), else the first that is here or was published; and the others to choose from."""
    every = tuple(dict.fromkeys((*facts.tasks(), *asked.site.clouds.now(asked.session).tasks)))
    names = {f"{n_ctx}-{d_vocab}": (n_ctx, d_vocab) for n_ctx, d_vocab in every}
    chosen = asked.query.get("task", "")
    task = names.get(chosen, every[0] if every else None)
    return task, tuple(
        fronts.Choice(f"max-of-{n_ctx}, {d_vocab} tokens", f"{asked.path}?task={name}", (n_ctx, d_vocab) == task)
        for name, (n_ctx, d_vocab) in names.items()
    )


def _circuit(draw: Callable[[Circuits], Figure]) -> Callable[[Asked], Made]:
    def make(asked: Asked) -> Made:
        blob = models.get(asked.session, asked.model).blob
        seen = circuits_of(asked.site.blobs, blob)
        pooled = (
            (f"Each cell is the mean of {seen.token_block} × {seen.token_block} tokens.",)
            if seen.token_block > 1
            else ()
        )
        return Made(draw(seen), pooled)

    return make


@lru_cache(maxsize=8)
def circuits_of(blobs: BlobStore, blob: str) -> Circuits:
    return circuits(read_model(blobs.get(blob)))


def _table(name: str) -> Callable[[Asked], Made]:
    return _circuit(lambda seen: circuitry.decomposition(seen, name))


ENTRIES: tuple[Entry, ...] = (
    Entry("bound", "Bound against length", "Every proof, the fronts, the published results and the linear baseline.", _bound,
          parameters=fronts.PARAMETERS),
    Entry("dimension", "Unexplained dimension against length", "How many free numbers a proof still ranges over, by what it costs.",
          _dimension, parameters=("task",)),
    Entry("singular-ratio", "Bound against singular ratio", "The nearer attention is to rank one, the tighter the low-rank proofs.",
          _ratio, parameters=("variant", "task")),
    Entry("seeds", "Distributions over seeds", "The best normalised bound of each row, published and here.", _seeds,
          parameters=("task",)),
    Entry("faithfulness", "Tightness against faithfulness", "Does a more faithful explanation give a tighter proof?",
          _faithfulness, parameters=("x", "task")),
    Entry("EQKE", "EQKE", "How much each query attends to each key token; mean position included.", _table("EQKE"), True),
    Entry("EQKE-residual", "EQKE without its first singular part", "What low-rank proofs have to pay for.",
          _circuit(circuitry.residual), True),
    Entry("singular-values", "Singular values of EQKE", "One large value: every query ranks the keys alike.",
          _circuit(circuitry.singular_values), True),
    Entry("directions", "Size and query directions", "EQKE's first singular vectors: how much each key is attended, how strongly "
          "each query asks.", _circuit(circuitry.directions), True),
    Entry("attention-by-gap", "Attention by gap", "How much more a key is attended than a smaller one.",
          _circuit(circuitry.attention_by_gap), True),
    Entry("EQKP", "EQKP", "How much each query prefers a position.", _table("EQKP"), True),
    Entry("EVOU", "EVOU", "What each token says when it is attended to; mean position included.", _table("EVOU"), True),
    Entry("EVOU-centred", "EVOU, centred on the diagonal", "Above zero, a token says another louder than itself.",
          _circuit(circuitry.centred_copying), True),
    Entry("copying", "Copying", "By how much each token says itself loudest.", _circuit(circuitry.copying), True),
    Entry("PVOU", "PVOU, centred", "What each position adds to the logits.", _table("PVOU"), True),
    Entry("EUPU", "EUPU", "What the query says by itself.", _table("EUPU"), True),
)  # fmt: skip

BY_NAME: Mapping[str, Entry] = {entry.name: entry for entry in ENTRIES}


def entry_of(name: str) -> Entry:
    if name not in BY_NAME:
        raise FigureNotFound
    return BY_NAME[name]
