"""`proofboard explain` and `proofboard import`, as scripts meet them."""

import json
from pathlib import Path

import pytest

from app.settings import Settings
from app.storage import explanations, models, reference_results, schema
from app.storage.blobs import BlobStore
from app.storage.engine import Database, connect
from app.storage.records import NewModel
from proofs.checkpoint import read_model
from proofs.explain import METHOD, Findings
from proofs.prove import task_of
from tests.app.published.test_results import CUBIC
from tests.processes import ROOT, proofboard

TRAINED = ROOT / "tests" / "data" / "k3_v10_d8_seed123" / "weights.safetensors"


@pytest.fixture
def stored(tmp_path: Path) -> Database:
    settings = Settings(data_dir=tmp_path)
    schema.upgrade(settings.database_url)
    return connect(settings.database_url)


def test_explain_counts_every_input_and_prints_what_it_found() -> None:
    ran = proofboard("explain", TRAINED, "--draws", "300", "--exact", "--json")
    assert ran.returncode == 0, ran.stderr
    found = Findings.of_json(json.loads(ran.stdout))
    assert found.model == read_model(TRAINED.read_bytes()).digest
    assert (found.accuracy.correct, found.accuracy.draws, found.accuracy.label) == (1000, 1000, "exact")


def test_explain_speaks_to_people() -> None:
    ran = proofboard("explain", TRAINED, "--draws", "200")
    assert ran.returncode == 0, ran.stderr
    assert "EU-EQKP-PVOU" in ran.stdout
    assert "Every query attends alike." in ran.stdout


def test_explain_wants_a_file_or_all_that_are_stored(tmp_path: Path) -> None:
    assert proofboard("explain").returncode == 2
    assert proofboard("explain", TRAINED, "--stored").returncode == 2
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no")
    ran = proofboard("explain", broken)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr


def test_too_many_inputs_to_count_are_not_applicable() -> None:
    large = ROOT / "tests" / "data" / "k10_v64_d32_seed123" / "weights.safetensors"
    ran = proofboard("explain", large, "--draws", "10", "--exact")
    assert ran.returncode == 3
    assert "Leave --exact out" in ran.stderr


def test_stored_models_are_explained_once(stored: Database, tmp_path: Path) -> None:
    content = TRAINED.read_bytes()
    model, blobs = read_model(content), BlobStore(Settings(data_dir=tmp_path).blob_dir)
    with stored.writing() as session:
        models.add(
            session,
            NewModel(
                digest=model.digest, name="ours", task=task_of(model).name, n_ctx=3, d_vocab=10, d_model=8, d_head=8,
                has_biases=False, source="upload", blob=blobs.put(content), size_bytes=len(content),
            ),
        )  # fmt: skip
    ran = proofboard("explain", "--stored", "--draws", "200", data_dir=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "ours" in ran.stdout
    with stored.reading() as session:
        assert explanations.missing(session, METHOD) == []
    assert "0 models explained" in proofboard("explain", "--stored", data_dir=tmp_path).stdout


def test_import_loads_a_file_or_nothing(stored: Database, tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    file.write_text(CUBIC)
    ran = proofboard("import", file, "--name", "ours", "--n-ctx", "5", data_dir=tmp_path)
    assert (ran.returncode, "2 results imported" in ran.stdout) == (0, True), ran.stderr
    file.write_text(CUBIC.replace("1024704921.0", "?"))
    ran = proofboard("import", file, "--name", "theirs", "--n-ctx", "5", data_dir=tmp_path)
    assert ran.returncode == 2
    assert "Line 3, column 'correct-count-lower-bound'" in ran.stderr
    with stored.reading() as session:
        assert [(one.name, one.rows) for one in reference_results.origins(session)] == [("ours", 2)]


def test_import_needs_a_file_and_a_database(tmp_path: Path) -> None:
    ran = proofboard("import", tmp_path / "none.csv", "--name", "x", data_dir=tmp_path)
    assert ran.returncode == 2
    file = tmp_path / "results.csv"
    file.write_text(CUBIC)
    ran = proofboard("import", file, "--name", "x", "--n-ctx", "5", data_dir=tmp_path / "empty")
    assert ran.returncode == 1
    assert "proofboard db upgrade" in ran.stderr


def test_estimate_is_labelled_and_has_an_interval() -> None:
    ran = proofboard("estimate", TRAINED, "--draws", "2000", "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["label"] == "estimated"
    assert found["within"]["low"] <= 1.0 <= found["within"]["high"]
    assert "An estimate, not a proof." in proofboard("estimate", TRAINED, "--draws", "100").stdout
