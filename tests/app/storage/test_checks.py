"""Re-checks are added to, and say what is still to be checked."""

from datetime import UTC, datetime, timedelta

from app.storage import checks
from app.storage.engine import Database
from app.storage.records import Outcome, ProofRecord, Verdict
from tests.app.storage.samples import ListQueue, add_model, finish, outcome, request


def proved(database: Database) -> ProofRecord:
    add_model(database)
    proof = request(database, ListQueue())
    finish(database, proof, outcome(5))
    return proof


def checked(database: Database, proof: ProofRecord, *, accepted: bool = True, certificate: str = "d" * 64) -> None:
    with database.writing() as session:
        checks.add(
            session, proof_id=proof.id, certificate=certificate, checker="engine 1", accepted=accepted,
            message="" if accepted else "expected 4, found 5", seconds=0.5,
        )  # fmt: skip


def missing(database: Database, checker: str = "engine 1", since: datetime | None = None) -> list[int]:
    with database.reading() as session:
        return list(checks.missing(session, checker, since=since))


def test_checks_come_back_the_last_first(database: Database) -> None:
    proof = proved(database)
    checked(database, proof)
    checked(database, proof, accepted=False)
    with database.reading() as session:
        last, first = checks.of(session, proof.id)
    assert (first.accepted, last.accepted, last.message) == (True, False, "expected 4, found 5")
    assert (first.checker, first.seconds, first.certificate) == ("engine 1", 0.5, "d" * 64)
    assert datetime.now(UTC) - first.checked_at < timedelta(minutes=5)


def test_a_proof_is_missing_until_this_checker_has_checked_this_certificate(database: Database) -> None:
    proof = proved(database)
    assert missing(database) == [proof.id]
    checked(database, proof, certificate="e" * 64)
    assert missing(database) == [proof.id]
    checked(database, proof)
    assert missing(database) == []
    assert missing(database, "engine 2") == [proof.id]


def test_only_proofs_with_a_claim_are_missing(database: Database) -> None:
    add_model(database)
    proof = request(database, ListQueue())
    assert missing(database) == []
    finish(database, proof, Outcome(Verdict.NOT_APPLICABLE, "too long"))
    assert missing(database) == []


def test_missing_can_be_asked_since_a_moment(database: Database) -> None:
    proof = proved(database)
    now = datetime.now(UTC)
    assert missing(database, since=now - timedelta(hours=1)) == [proof.id]
    assert missing(database, since=now + timedelta(hours=1)) == []


def test_refused_proofs_are_known(database: Database) -> None:
    proof = proved(database)
    checked(database, proof)
    with database.reading() as session:
        assert checks.refused(session) == []
    checked(database, proof, accepted=False)
    with database.reading() as session:
        assert checks.refused(session) == [proof.id]
