"""One model looked at from all sides: ablations, explanations tested by resampling, and its circuits' diagnostics.

Deterministic: the same model, draws and seed give the same findings. Free of numba, so that the web process may ask for
a small number of draws; `proofs.exact_ablations` makes the counts exact where that is affordable.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proofs.ablation_effects import Effect, effects
from proofs.ablations import SUBSETS, Mode, Subset, name_of
from proofs.diagnostics import Diagnostics, diagnose
from proofs.faithfulness import CONTROLS, EXPLANATIONS, Resampled, resampled
from proofs.intervals import Interval
from proofs.model import Model
from proofs.prove import task_of
from proofs.residuals import Noise
from proofs.sampling import every_input, uniform
from proofs.tables import Tables
from proofs.tally import Tally

METHOD = "explain-2"
"""Raised when a number may come out differently."""

DRAWS = 4096
SEED = 1234
FEW = 2**15
"""Up to so many inputs all of them are tried."""


@dataclass(frozen=True)
class Findings:
    model: str
    n_ctx: int
    d_vocab: int
    draws: int
    seed: int
    ablations: Mapping[Mode, Mapping[Subset, Effect]]
    explanations: Mapping[str, Resampled]
    diagnostics: Diagnostics
    method: str = field(default=METHOD)

    @property
    def accuracy(self) -> Effect:
        """With nothing taken out."""
        return self.ablations[Mode.ZERO][frozenset()]

    def retained(self, effect: Effect) -> Interval:
        """Accuracy as a share of the accuracy with nothing changed."""
        return effect.accuracy.over(self.accuracy.accuracy)

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self, name) for name in ("method", "model", "n_ctx", "d_vocab", "draws", "seed")},
            "ablations": {
                str(mode): {name_of(subset): _effect_out(effect) for subset, effect in found.items()}
                for mode, found in self.ablations.items()
            },
            "explanations": {
                name: {**_effect_out(one.effect), "agreement": asdict(one.agreement)}
                for name, one in self.explanations.items()
            },
            "diagnostics": {
                "singular_values": list(self.diagnostics.singular_values),
                "figures": dict(self.diagnostics.figures),
                "failures": list(self.diagnostics.failures),
                "error_bounds": dict(self.diagnostics.error_bounds),
                "noise": asdict(self.diagnostics.noise) if self.diagnostics.noise else None,
            },
        }

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> "Findings":
        """What `as_json` said. Raises `KeyError` or `TypeError` for anything else."""
        by_name = {name_of(subset): subset for subset in SUBSETS}
        seen = value["diagnostics"]
        return cls(
            **{name: value[name] for name in ("method", "model", "n_ctx", "d_vocab", "draws", "seed")},
            ablations={
                Mode(mode): {by_name[name]: _effect_in(effect) for name, effect in found.items()}
                for mode, found in value["ablations"].items()
            },
            explanations={
                name: Resampled(_effect_in(one), Interval(**one["agreement"]))
                for name, one in value["explanations"].items()
            },
            diagnostics=Diagnostics(
                tuple(seen["singular_values"]),
                seen["figures"],
                tuple(seen["failures"]),
                seen["error_bounds"],
                Noise(**seen["noise"]) if seen["noise"] else None,
            ),
        )


COUNTS = ("correct", "draws", "undecided")
"""Exact integers, written as text."""


def _effect_out(effect: Effect) -> dict[str, Any]:
    return {**asdict(effect), **{name: str(getattr(effect, name)) for name in COUNTS}}


def _effect_in(value: Mapping[str, Any]) -> Effect:
    return Effect(
        **{name: int(value[name]) for name in COUNTS},
        label=value["label"],
        accuracy=Interval(**value["accuracy"]),
        probability=value["probability"],
        probability_within=Interval(**value["probability_within"]),
    )


def explain(model: Model, *, draws: int = DRAWS, seed: int = SEED) -> Findings:
    """Half a second at (64, 4, 32) with the standard number of draws."""
    task = task_of(model)
    tables = Tables.of(model, Tally())
    tokens = every_input(task) if task.total <= FEW else uniform(task, draws, seed)
    return Findings(
        model=model.digest,
        n_ctx=task.n_ctx,
        d_vocab=task.d_vocab,
        draws=draws,
        seed=seed,
        ablations={mode: effects(tables, task, tokens, mode) for mode in Mode},
        explanations=resampled(tables, task, EXPLANATIONS + CONTROLS, draws=draws, seed=seed),
        diagnostics=diagnose(model),
    )
