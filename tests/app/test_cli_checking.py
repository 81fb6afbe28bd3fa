"""`proofboard check` and `proofboard recheck`, as scripts meet them."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from app.settings import Settings
from app.storage import attempts, checks, models, proofs, rechecks, schema
from app.storage.blobs import BlobStore
from app.storage.engine import Database, connect
from app.storage.records import Job, NewModel, Outcome, Verdict
from proofs.certificate import certificate_of
from proofs.prove import prove
from proofs.questions import ENGINE
from proofs.strategies import BY_NAME, SUBCUBIC, Variant
from tests.app.storage.samples import ListQueue
from tests.certificates.bundles import canonical, certified, checkpoint, claim, copier
from tests.processes import PATIENCE_S, PROOFBOARD, proofboard, running
from tests.proofs.references import DATA
from tests.waiting import until

MODEL = copier(2)


class Board:
    """A database in a folder, with stored proofs of one model."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data_dir=folder)
        schema.upgrade(settings.database_url)
        self.folder = folder
        self.database: Database = connect(settings.database_url)
        self.blobs = BlobStore(settings.blob_dir)
        data = checkpoint(MODEL)
        new = NewModel(
            digest=MODEL.digest, name="copier", task="max-of-3", n_ctx=3, d_vocab=4, d_model=5, d_head=4,
            has_biases=False, source="upload", blob=self.blobs.put(data), size_bytes=len(data),
        )  # fmt: skip
        with self.database.writing() as session:
            models.add(session, new)

    def store(
        self, strategy: str, certificate: bytes | None = None, *, more: int = 0, variant: Variant = Variant.STRICT
    ) -> int:
        """A proof's number. `more`: inputs claimed beyond what was proved."""
        claimed = prove(MODEL, BY_NAME[strategy], variant)
        content = certificate or certificate_of(claimed)
        ended = Outcome(
            Verdict.PROVED, correct=claimed.bound.correct + more, wrong=claimed.bound.wrong, lengths=claimed.lengths,
            certificate=self.blobs.put(content), certificate_bytes=len(content),
        )  # fmt: skip
        with self.database.writing() as session:
            (proof,) = proofs.request(session, ListQueue(), model_digest=MODEL.digest, wanted=[(strategy, variant)])
            job = Job(proof.id, proof.attempt)
            attempts.start(session, job)
            assert attempts.finish(session, job, ended)
        return proof.id

    def certificate(self, proof_id: int) -> Path:
        """The file."""
        with self.database.reading() as session:
            return self.blobs.path(proofs.get(session, proof_id).certificate or "")

    def left(self) -> int:
        """How many proofs the engine has not confirmed or refused."""
        with self.database.reading() as session:
            return len(rechecks.missing(session, ENGINE))

    def said(self, proof_id: int) -> list[bool | None]:
        with self.database.reading() as session:
            return [check.accepted for check in checks.of(session, proof_id)]


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.mark.parametrize(("folder", "code"), [("valid", 0), ("invalid", 1), ("unreadable", 2)])
def test_check_says_so_with_its_exit_code(folder: str, code: int) -> None:
    path = sorted((DATA.parent / "certificates" / folder).glob("*.zip"))[0]
    ran = proofboard("check", path)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert ran.stdout.split()[0] == ("ACCEPTED", "REJECTED", "UNREADABLE")[code]


def test_recheck_keeps_what_comes_of_it_and_does_not_repeat_itself(board: Board) -> None:
    ids = [board.store("cubic"), board.store("separable-quartic")]
    ran = proofboard("recheck", "--all", data_dir=board.folder)
    assert ran.returncode == 0, ran.stderr
    assert "2 proofs re-checked with the engine: 2 confirmed, 0 refused, 0 without an answer." in ran.stdout
    assert [board.said(proof) for proof in ids] == [[True], [True]]
    assert "0 proofs re-checked" in proofboard("recheck", "--all", data_dir=board.folder).stdout
    assert "1 proofs re-checked" in proofboard("recheck", str(ids[0]), data_dir=board.folder).stdout
    assert board.said(ids[0]) == [True, True]


def test_recheck_stopped_by_ctrl_c_goes_on_where_it_was(board: Board) -> None:
    ids = [board.store(strategy.name) for strategy in SUBCUBIC[::3]]
    environment = {**os.environ, "PROOFBOARD_DATA_DIR": str(board.folder)}
    with running([*PROOFBOARD, "recheck", "--all"], stderr=subprocess.PIPE, text=True, env=environment) as process:
        until(lambda: board.left() < len(ids) or process.poll() is not None, "the first answer")
        process.send_signal(signal.SIGINT)
        said, trouble = process.communicate(timeout=PATIENCE_S)
    kept = len(ids) - board.left()
    assert 0 < kept < len(ids)
    assert process.returncode == 1, trouble
    assert "Traceback" not in trouble
    assert f"{kept:,} proofs re-checked with the engine: {kept:,} confirmed" in said
    assert f"Stopped with {len(ids) - kept:,} left." in said
    ran = proofboard("recheck", "--all", "--jobs", "2", data_dir=board.folder)
    assert f"{len(ids) - kept:,} proofs re-checked" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0
    assert [board.said(one) for one in ids] == [[True]] * len(ids)


def test_recheck_with_the_independent_checker_is_another_opinion_on_strict_proofs(board: Board) -> None:
    strict, published = board.store("cubic"), board.store("cubic", variant=Variant.AS_PUBLISHED)
    assert "2 proofs" in proofboard("recheck", "--all", data_dir=board.folder).stdout
    ran = proofboard("recheck", "--all", "--checker", "independent", data_dir=board.folder)
    assert ran.returncode == 0, ran.stderr
    assert "1 proofs re-checked with the independent checker: 1 confirmed" in ran.stdout
    assert (board.said(strict), board.said(published)) == ([True, True], [True])
    refused = proofboard("recheck", str(published), "--checker", "independent", data_dir=board.folder)
    assert refused.returncode == 1
    assert "no theorem for proofs as published" in refused.stderr


def test_recheck_without_an_answer_is_no_refusal_and_is_tried_again(board: Board) -> None:
    proof = board.store("cubic")
    certificate = board.certificate(proof)
    content = certificate.read_bytes()
    certificate.unlink()
    ran = proofboard("recheck", "--all", data_dir=board.folder)
    assert ran.returncode == 1
    assert "0 confirmed, 0 refused, 1 without an answer" in ran.stdout
    assert f"proof {proof} cubic (strict): no answer" in ran.stdout
    certificate.write_bytes(content)
    assert "1 confirmed" in proofboard("recheck", "--all", data_dir=board.folder).stdout
    assert board.said(proof) == [True, None]


def test_a_check_that_takes_too_long_is_no_answer(board: Board) -> None:
    proof = board.store("cubic")
    ran = proofboard("recheck", "--all", "--timeout", "0.001", data_dir=board.folder)
    assert ran.returncode == 1
    assert "Not done in time" in ran.stdout
    assert board.said(proof) == [None]


def test_recheck_can_start_at_a_date(board: Board) -> None:
    board.store("cubic")
    assert "0 proofs" in proofboard("recheck", "--all", "--since", "2999-01-01", data_dir=board.folder).stdout
    assert "1 proofs" in proofboard("recheck", "--all", "--since", "2020-01-01", data_dir=board.folder).stdout


def test_recheck_refuses_a_claim_that_does_not_follow(board: Board) -> None:
    wrong = board.store("cubic", canonical(claim(certified(MODEL, "cubic"), 2, 2, correct=1)), more=1)
    other = board.store("separable-cubic", more=1)  # the row says more than its certificate
    damaged = board.store("separable-quadratic", b"{}\n")
    right = board.store("separable-quartic")
    ran = proofboard("recheck", "--all", data_dir=board.folder)
    assert ran.returncode == 1
    assert "4 proofs re-checked with the engine: 1 confirmed, 3 refused, 0 without an answer." in ran.stdout
    assert "Proofs under a soundness alarm: 3." in ran.stdout
    assert f"proof {wrong} cubic (strict): refused: Block (2, 2): expected at most" in ran.stdout
    assert f"proof {right} " not in ran.stdout
    assert [board.said(proof) for proof in (wrong, other, damaged, right)] == [[False], [False], [False], [True]]


@pytest.mark.parametrize(
    "arguments", [(), ("1", "--all"), ("1", "--since", "2020-01-01"), ("--all", "--since", "soon")]
)
def test_recheck_wants_proofs_or_all(arguments: tuple[str, ...]) -> None:
    assert proofboard("recheck", *arguments).returncode == 2


def test_recheck_of_a_proof_that_is_not_there(board: Board) -> None:
    ran = proofboard("recheck", "77", data_dir=board.folder)
    assert ran.returncode == 1
    assert "no proof 77" in ran.stderr
