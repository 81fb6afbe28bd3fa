"""Asking for a stored proof to be checked again, and keeping the answer.

A re-check is a job like a proof, with a row among the proofs while it is under way: it can be watched and cancelled there. Its
answer is a row of `checks`; ended, it is no more among the proofs that are listed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.errors import Conflict, InvalidParameter
from app.storage import asking, checks, proof_rows, proofs
from app.storage.queue import Queue
from app.storage.records import Outcome, ProofRecord, Verdict
from app.storage.tables import ProofRow
from proofs import ENGINE_VERSION
from proofs.questions import ENGINE, INDEPENDENT, RECHECK
from proofs.strategies import Variant

PROGRAMS = (ENGINE, INDEPENDENT)
DECIDED = {Verdict.PROVED: True, Verdict.REFUSED: False}
"""What a verdict says about the claim; any other says nothing."""

INDEPENDENTLY = (Variant.STRICT, Variant.AS_EXECUTED)
"""What the independent checker has theorems for."""

MOST_KEY_LENGTH = 200


class NothingToCheck(Conflict):
    """Only a proof with a result has a certificate to check again."""

    code = "nothing-to-check"


def covers(program: str, proof: ProofRecord) -> bool:
    """Whether this program can check this proof again."""
    is_claim = proof.correct is not None and proof.certificate is not None
    return is_claim and (program == ENGINE or proof.variant in INDEPENDENTLY)


def require(program: str, proof: ProofRecord) -> None:
    """Raises `NothingToCheck` unless this program can check this proof."""
    if covers(program, proof):
        return
    raise NothingToCheck(
        f"Proof {proof.id} has no certificate: only a proof with a result has one."
        if proof.certificate is None or proof.correct is None
        else f"The independent checker has no theorem for proofs {proof.variant.replace('-', ' ')}: check one that is proved."
    )


def checker(program: str) -> str:
    """The program with the version that runs here: the name of a checker in the record of checks."""
    return f"{program} {ENGINE_VERSION}"


def missing(session: Session, program: str, *, since: datetime | None = None) -> Sequence[int]:
    """Proofs ended at or after `since` that this version of the program can check and has not yet confirmed or refused."""
    variants = None if program == ENGINE else INDEPENDENTLY
    return checks.missing(session, checker(program), variants=variants, since=since)


def ask(
    session: Session,
    queue: Queue,
    proof_id: int,
    *,
    program: str = ENGINE,
    asked_by: str = checks.LOCAL,
    key: str | None = None,
) -> ProofRecord:
    """The job, queued unless one of the same proof by the same program is under way, or one with this key was asked for.

    Raises `ProofNotFound`, `InvalidParameter` or `NothingToCheck` before anything is queued.
    """
    if program not in PROGRAMS:
        raise InvalidParameter(f"There is no checker {program[:60]!r}. Choose one of {', '.join(PROGRAMS)}.")
    if key is not None and not 1 <= len(key) <= MOST_KEY_LENGTH:
        raise InvalidParameter(f"A key has from 1 to {MOST_KEY_LENGTH} characters.")
    proof_rows.next_revision(session)  # the lock: nobody else asks between the look and the request
    proof = proofs.get(session, proof_id)
    require(program, proof)
    known = [job for job in _jobs(session, proof) if job.parameters["checker"] == program]
    for job in known:
        if job.state in proof_rows.UNFINISHED or (key is not None and job.parameters.get("key") == key):
            return job
    distinct = {"time": len(known) + 1} if key is None else {"key": key}
    wanted = asking.Asked(
        RECHECK,
        Variant(proof.variant),
        {"proof": proof_id, "checker": program, "by": asked_by, **distinct},
    )
    return asking.each(session, queue, proof.model_digest, [wanted])[0]


def under_way(session: Session, proof: ProofRecord) -> list[ProofRecord]:
    """The jobs that check this proof again and have not ended, oldest first."""
    return [job for job in _jobs(session, proof) if job.state in proof_rows.UNFINISHED]


def keep(session: Session, row: ProofRow, outcome: Outcome) -> None:
    """Stores what came of a job, and who asked. A worker calls it, so the version is that of the program that ran."""
    certificate = session.scalar(sa.select(ProofRow.certificate).where(ProofRow.id == row.parameters["proof"]))
    checks.add(
        session,
        checks.NewCheck(
            proof_id=row.parameters["proof"],
            certificate=certificate or "",
            checker=checker(row.parameters["checker"]),
            accepted=DECIDED.get(outcome.verdict),
            message=outcome.message,
            seconds=outcome.seconds if outcome.seconds is not None else _since(row.started_at),
            asked_by=row.parameters["by"],
        ),
    )


def _since(start: datetime | None) -> float:
    return 0.0 if start is None else max(0.0, (datetime.now(UTC) - start).total_seconds())


def _jobs(session: Session, proof: ProofRecord) -> list[ProofRecord]:
    found = session.scalars(
        proof_rows.rows()
        .where(ProofRow.model_digest == proof.model_digest, ProofRow.strategy == RECHECK)
        .order_by(ProofRow.id)
    )
    return [proof_rows.record(row) for row in found if row.parameters.get("proof") == proof.id]
