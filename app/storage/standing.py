"""Keeps what the proofs of one model mean together (`consequences`) beside them, so that no page has to find it out.

Whoever changes a result or adds a check calls `settle` in the same transaction: a doubt is there from the moment its cause
is, and goes with it.
"""

from collections import defaultdict
from dataclasses import astuple, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.storage import consequences
from app.storage.records import Doubt, ProofRecord
from app.storage.tables import CheckRow, ModelRow, ProofRow
from proofs.bound import floor_ratio
from proofs.strategies import Variant


def settle(session: Session, model_digest: str, revision: int) -> None:
    """Brings the model's accuracy, and the tightness and doubts of its proofs, up to date."""
    row = ProofRow
    model = session.scalars(sa.select(ModelRow).where(ModelRow.digest == model_digest)).one()
    finished = session.execute(
        sa.select(row.id, row.trust, row.correct, row.wrong, row.tightness, row.tightness_basis, row.doubt)
        .where(row.model_digest == model_digest, row.correct.is_not(None))
    ).all()  # fmt: skip
    words = _last_words(session, model_digest)
    found = consequences.standing(model.total, [_result(one, words[one.id]) for one in finished])
    model.accuracy_lower, model.accuracy_upper = found.truth.lower, found.truth.upper
    model.accuracy = floor_ratio(found.truth.lower, found.truth.total)
    model.best_bound, model.proofs_done = found.best_bound, len(finished)
    for one in finished:
        judged = found.judged[one.id]
        if (one.tightness, one.tightness_basis, one.doubt) != astuple(judged):
            session.execute(
                sa.update(row)
                .where(row.id == one.id)
                .values(
                    tightness=judged.tightness,
                    tightness_basis=judged.basis,
                    doubt=judged.doubt,
                    soundness_alarm=judged.doubt is not None and judged.doubt.is_alarm,
                    revision=revision,
                )
            )
    session.flush()
    session.expire_all()


@dataclass(frozen=True)
class Rival:
    """A proof that cannot be true beside another one."""

    id: int
    strategy: str
    correct: int
    wrong: int
    excess: int
    """Inputs that the two claim beyond those that there are."""
    is_refused: bool


def rivals(session: Session, proof: ProofRecord) -> list[Rival]:
    """The strict results of the same model that a contradicted one contradicts, those that lie furthest apart first."""
    if proof.doubt is not Doubt.CONTRADICTED or proof.correct is None:
        return []
    row = ProofRow
    mine = consequences.Result(proof.id, True, proof.correct, proof.wrong or 0)
    others = session.execute(
        sa.select(row.id, row.strategy, row.correct, row.wrong, row.doubt).where(
            row.model_digest == proof.model_digest,
            row.trust == Variant.STRICT.trust,
            row.correct.is_not(None),
            row.id != proof.id,
        )
    )
    found = []
    for number, strategy, correct, wrong, doubt in others:
        theirs = consequences.Result(number, True, correct or 0, wrong or 0)
        beyond = consequences.excess(mine, theirs, proof.total)
        if beyond > 0:
            found.append(Rival(number, strategy, theirs.correct, theirs.wrong, beyond, doubt == Doubt.REFUSED))
    return sorted(found, key=lambda rival: (-rival.excess, rival.id))


def _last_words(session: Session, model_digest: str) -> dict[int, dict[str, bool]]:
    """What each checking program last decided about the present certificate of each proof, whatever its version."""
    decided = session.execute(
        sa.select(CheckRow.proof_id, CheckRow.checker, CheckRow.accepted)
        .join(ProofRow, (ProofRow.id == CheckRow.proof_id) & (ProofRow.certificate == CheckRow.certificate))
        .where(ProofRow.model_digest == model_digest, CheckRow.accepted.is_not(None))
        .order_by(CheckRow.id)
    )
    words: dict[int, dict[str, bool]] = defaultdict(dict)
    for proof_id, checker, accepted in decided:
        program, _, _version = checker.rpartition(" ")
        words[proof_id][program] = bool(accepted)
    return words


def _result(found: Any, words: dict[str, bool]) -> consequences.Result:
    return consequences.Result(
        id=found.id,
        proved=found.trust == Variant.STRICT.trust,
        correct=found.correct,
        wrong=found.wrong or 0,
        refused=False in words.values(),
        confirmed=bool(words) and all(words.values()),
    )
