"""Re-checks are added to, and say what is still to be checked."""

from datetime import UTC, datetime, timedelta

from app.storage import checks, proofs
from app.storage.checks import NewCheck
from app.storage.engine import Database
from app.storage.records import Doubt, Outcome, ProofRecord, Verdict
from tests.app.storage.samples import TOTAL, ListQueue, add_model, finish, get, model, outcome, request


def proved(database: Database) -> ProofRecord:
    add_model(database)
    proof = request(database, ListQueue())
    finish(database, proof, outcome(5))
    return proof


def checked(
    database: Database,
    proof: ProofRecord,
    accepted: bool | None = True,
    *,
    certificate: str = "d" * 64,
    checker: str = "engine 1",
) -> None:
    message = "" if accepted else "expected 4, found 5"
    with database.writing() as session:
        checks.add(session, NewCheck(proof.id, certificate, checker, accepted, message, 0.5))


def missing(database: Database, checker: str = "engine 1", since: datetime | None = None) -> list[int]:
    with database.reading() as session:
        return list(checks.missing(session, checker, since=since))


def test_checks_come_back_the_last_first(database: Database) -> None:
    proof = proved(database)
    checked(database, proof)
    checked(database, proof, False)
    with database.reading() as session:
        last, first = checks.of(session, proof.id)
    assert (first.accepted, last.accepted, last.message) == (True, False, "expected 4, found 5")
    assert (first.checker, first.seconds, first.certificate, first.asked_by) == ("engine 1", 0.5, "d" * 64, "local")
    assert (first.verdict, last.verdict) == ("confirmed", "refused")
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


def test_a_check_without_an_answer_leaves_the_proof_missing_and_in_no_doubt(database: Database) -> None:
    proof = proved(database)
    checked(database, proof, None)
    assert missing(database) == [proof.id]
    assert get(database, proof).doubt is None


def test_a_refusal_is_an_alarm_until_the_same_program_takes_it_back(database: Database) -> None:
    proof = proved(database)
    checked(database, proof, checker="independent checker 1")
    checked(database, proof, False, checker="engine 1")
    assert get(database, proof).doubt is Doubt.REFUSED
    assert get(database, proof).soundness_alarm
    assert model(database).best_bound is None
    with database.reading() as session:
        assert proofs.alarms(session) == 1
        assert proofs.front(session) == []
    checked(database, proof, checker="independent checker 1")
    assert get(database, proof).doubt is Doubt.REFUSED
    checked(database, proof, None, checker="engine 2")
    assert get(database, proof).doubt is Doubt.REFUSED
    checked(database, proof, checker="engine 2")
    assert get(database, proof).doubt is None
    assert model(database).best_bound is not None


def test_a_refusal_of_another_certificate_is_no_alarm(database: Database) -> None:
    proof = proved(database)
    checked(database, proof, False, certificate="e" * 64)
    assert get(database, proof).doubt is None


def test_a_contradiction_ends_with_checks_and_every_change_of_a_doubt_is_told(database: Database) -> None:
    queue = ListQueue()
    add_model(database)
    bad, good = request(database, queue, "cubic"), request(database, queue, "brute-force")
    finish(database, bad, outcome(TOTAL // 2 + 1))
    finish(database, good, outcome(TOTAL // 2, TOTAL // 2))
    for record in (bad, good):
        assert get(database, record).doubt is Doubt.CONTRADICTED
    assert model(database).accuracy.label == "unknown"
    with database.reading() as session:
        before = proofs.revision(session)
    checked(database, bad, False)
    assert get(database, good).doubt is Doubt.CONTRADICTED  # nobody has confirmed it yet
    checked(database, good)
    with database.reading() as session:
        assert {proof.id: proof.doubt for proof in proofs.changed_since(session, before)[1]} == {
            bad.id: Doubt.REFUSED,
            good.id: None,
        }
        assert [point.proof_id for point in proofs.front(session)] == [good.id]
    assert model(database).accuracy.label == "exact"
    assert get(database, good).tightness == 1.0
