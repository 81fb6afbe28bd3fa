"""Ready or not, and why."""

from pathlib import Path

from fastapi.testclient import TestClient

from app.settings import Settings
from app.storage import checks, queue, workers
from app.storage.blobs import BlobStore
from app.storage.engine import connect
from app.web.main import create_app
from app.web.site import Site
from tests.app.web import scenes


def test_all_is_well(client: TestClient, site: Site) -> None:
    with site.database.writing() as session:
        workers.beat(session, "worker-1", 2)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["parts"]["queue"]["detail"] == "1 workers alive, 0 proofs waiting"
    assert client.get("/livez").json() == {"status": "ok"}


def test_no_worker_is_a_warning_with_the_way_out(client: TestClient) -> None:
    scenes.request(client, scenes.upload(client), "cubic")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "warning")
    assert "1 proofs wait: run `proofboard worker`" in answer.json()["parts"]["queue"]["detail"]
    assert "No worker is alive" in client.get("/queue").text


def test_a_soundness_alarm_is_a_warning(client: TestClient, site: Site) -> None:
    digest = scenes.upload(client)
    scenes.finish(site, scenes.request(client, digest, "brute-force"), correct=20, wrong=5)
    scenes.finish(site, scenes.request(client, digest, "cubic"), correct=24)
    assert client.get("/readyz").json()["parts"]["soundness"]["status"] == "warning"


def test_a_claim_that_was_refused_when_checked_again_is_a_warning_and_on_its_page(
    client: TestClient, site: Site
) -> None:
    proof = scenes.finish(site, scenes.request(client, scenes.upload(client), "cubic"), correct=15)
    assert "Nobody has checked this proof again yet." in client.get(f"/proofs/{proof.id}").text
    for accepted, message in ((True, ""), (False, "expected at most 14 right, found <15>")):
        with site.database.writing() as session:
            checks.add(session, checks.NewCheck(proof.id, proof.certificate or "", "engine 1", accepted, message, 0.1))
        page = client.get(f"/proofs/{proof.id}").text
        assert ("Re-checked once" if accepted else "Re-checked 2 times") in page
        assert ("confirmed" if accepted else "found &lt;15&gt;") in page
        soundness = client.get("/readyz").json()["parts"]["soundness"]
        assert soundness["status"] == ("ok" if accepted else "warning")
    assert "refused when checked again: 1" in soundness["detail"]


def test_a_database_without_its_schema_is_not_ready_and_still_alive(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    database = connect(settings.database_url)
    app = create_app(
        settings=settings, database=database, queue_port=queue.connect(database), blobs=BlobStore(settings.blob_dir)
    )
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "proofboard db upgrade" in answer.json()["parts"]["database"]["detail"]
        assert client.get("/livez").status_code == 200
        assert client.get("/models").status_code >= 500
    database.dispose()


def test_a_locked_database_says_when_to_try_again(client: TestClient, site: Site) -> None:
    body = {"model": scenes.upload(client), "wanted": [{"strategy": "cubic"}]}
    with site.database.writing() as session:
        workers.beat(session, "somebody", 1)  # holds the write lock
        answer = client.post("/api/v1/proofs", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "database-busy")
    assert answer.headers["retry-after"] == "5"
    assert client.post("/api/v1/proofs", json=body).status_code == 202
