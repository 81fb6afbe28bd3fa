"""Labels that stand in every row of a long table: written in `_parts.html`, made once for each of the few there are.

A macro takes some 30 µs, and a page of rows has hundreds of labels.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from app.storage.records import ProofRecord, State
from app.web import pages

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 1024


@lru_cache(KEPT)
def strategy(name: str, variant: str) -> Markup:
    return Markup(_parts().strategy(name, variant))


def status(proof: ProofRecord) -> Markup:
    if proof.state is State.RUNNING:
        return Markup(_parts().status(proof))  # shows how far it is
    return _status(proof.doubt, proof.verdict, proof.trust, proof.state)


def trust(proof: ProofRecord) -> Markup:
    return _trust(proof.correct is None, proof.soundness_alarm, proof.trust)


@lru_cache(KEPT)
def _status(doubt: str | None, verdict: str | None, trust: str, state: str) -> Markup:
    shown: Mapping[str, Any] = {"doubt": doubt, "verdict": verdict, "trust": trust, "state": state}
    return Markup(_parts().status(shown))


@lru_cache(KEPT)
def _trust(no_result: bool, soundness_alarm: bool, trust: str) -> Markup:
    return Markup(
        _parts().trust({"correct": None if no_result else 1, "soundness_alarm": soundness_alarm, "trust": trust})
    )


def _parts() -> Any:
    return pages.environment().get_template("_parts.html").module
