"""The REST API as a program meets it."""

import errno
import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save

from app.storage.blobs import Incoming
from app.web.site import Site
from proofs.checker.__main__ import check
from tests.app.web import scenes


def file_with_header(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


class TestUploads:
    def test_a_new_model_is_created_and_its_address_is_told(self, client: TestClient) -> None:
        answer = client.post("/api/v1/models?name=mine", content=scenes.checkpoint())
        assert answer.status_code == 201
        found = client.get(answer.headers["location"]).json()
        assert found == answer.json()
        assert (found["name"], found["task"], found["d_vocab"], found["n_ctx"]) == ("mine", "max-of-2", 5, 2)
        assert found["accuracy"] == {"lower": "0", "upper": "25", "total": "25", "label": "unknown"}

    def test_the_same_weights_in_another_file_are_the_same_model(self, client: TestClient) -> None:
        first = client.post("/api/v1/models?name=mine", content=scenes.checkpoint()).json()
        other = client.post("/api/v1/models?name=other", content=scenes.checkpoint(metadata={"a": "b"}))
        assert other.status_code == 200
        assert other.json() == first
        assert client.get("/api/v1/models").json()["total"] == 1

    def test_a_file_is_stored_once_and_comes_back_as_it_was(self, client: TestClient) -> None:
        content = scenes.checkpoint()
        digest = client.post("/api/v1/models", content=content).json()["checkpoint"]
        assert digest == hashlib.sha256(content).hexdigest()
        answer = client.get(f"/api/v1/checkpoints/{digest}")
        assert answer.content == content
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["content-security-policy"]

    def test_a_client_asks_by_hash_before_it_sends(self, client: TestClient) -> None:
        content = scenes.checkpoint()
        address = f"/api/v1/checkpoints/{hashlib.sha256(content).hexdigest()}"
        assert client.head(address).status_code == 404
        created = client.put(address, content=content)
        assert created.status_code == 201
        assert client.head(address).status_code == 200
        assert client.head(f"/api/v1/models/{created.json()['digest']}").status_code == 200
        assert client.put(address, content=content).status_code == 200

    def test_a_file_damaged_on_its_way_is_refused_and_leaves_nothing(self, client: TestClient, site: Site) -> None:
        answer = client.put(f"/api/v1/checkpoints/{'0' * 64}", content=scenes.checkpoint())
        assert (answer.status_code, answer.json()["code"]) == (422, "refused-upload")
        assert "Send it again" in answer.json()["detail"]
        assert [path for path in site.blobs.root.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize(
        ("content", "code", "says"),
        [
            (b"", "unreadable-checkpoint", "0 bytes"),
            (b"PK\x03\x04" + b"\0" * 99, "unreadable-checkpoint", "Pickles can run code"),
            (b"\x80\x02}q\x00.", "unreadable-checkpoint", "Pickles can run code"),
            (struct.pack("<Q", 2**63) + b"{}", "unreadable-checkpoint", "announces a header of"),
            (file_with_header({"a": F32}), "unreadable-checkpoint", "truncated or damaged"),
            (file_with_header({"a": F32, "b": F32}, b"1234"), "unreadable-checkpoint", "overlaps its neighbour"),
            (file_with_header({str(n): F32 for n in range(12_000)}), "unreadable-checkpoint", "at most 10,000"),
            (file_with_header({"embed.W_E": F32}, b"1234"), "unsupported-model", "embed.W_E has shape [1]"),
            (scenes.checkpoint()[:-1], "unreadable-checkpoint", "truncated or damaged"),
        ],
    )
    def test_bad_files_are_refused_with_a_sentence(
        self, client: TestClient, site: Site, content: bytes, code: str, says: str
    ) -> None:
        answer = client.post("/api/v1/models", content=content)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert says in answer.json()["detail"]
        assert [path for path in site.blobs.root.rglob("*") if path.is_file()] == []
        assert client.get("/api/v1/models").json()["total"] == 0

    def test_weights_that_are_not_finite_are_refused_with_the_tensor(self, client: TestClient) -> None:
        tensors = scenes.tensors()
        tensors["unembed.W_U"][1, 2] = float("nan")
        answer = client.post("/api/v1/models", content=save(tensors))
        assert answer.status_code == 422
        assert "W_U[1, 2] is nan" in answer.json()["detail"]

    def test_too_large_is_refused_before_it_is_read(self, client: TestClient, site: Site) -> None:
        too_much = site.settings.upload_max_bytes * 2
        answer = client.post("/api/v1/models", content=b"x", headers={"content-length": str(too_much)})
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    def test_too_large_without_a_length_is_stopped_on_the_way(self, client: TestClient, site: Site) -> None:
        taken = 0

        def endless() -> Iterator[bytes]:
            nonlocal taken
            for _ in range(64):
                taken += 1
                yield b"x" * 2**16

        answer = client.post("/api/v1/models", content=endless())
        assert answer.status_code == 413
        assert [path for path in site.blobs.root.rglob("*") if path.is_file()] == []

    def test_a_name_is_text_and_never_a_path(self, client: TestClient, site: Site) -> None:
        name = "../../etc/passwd\0/x"
        found = client.post("/api/v1/models", params={"name": name}, content=scenes.checkpoint()).json()
        assert found["name"].startswith("../../etc/passwd")
        kept = [path for path in site.blobs.root.rglob("*") if path.is_file()]
        assert kept == [site.blobs.path(found["checkpoint"])]

    def test_a_full_disk_is_said_and_leaves_nothing(
        self, client: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_blob: Incoming, _chunk: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Incoming, "write", full)
        answer = client.post("/api/v1/models", content=scenes.checkpoint())
        assert (answer.status_code, answer.json()["code"]) == (507, "storage-full")
        assert "free some space" in answer.json()["detail"]
        assert [path for path in site.blobs.root.rglob("*") if path.is_file()] == []
        assert client.get("/api/v1/models").json()["total"] == 0


class TestModels:
    def test_a_change_of_what_somebody_else_changed_is_refused(self, client: TestClient) -> None:
        address = f"/api/v1/models/{scenes.upload(client)}"
        read = client.get(address).headers["etag"]
        first = client.patch(address, json={"notes": "mine"}, headers={"if-match": read})
        assert (first.status_code, first.json()["notes"]) == (200, "mine")
        late = client.patch(address, json={"notes": "theirs"}, headers={"if-match": read})
        assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
        assert late.headers["content-type"] == "application/problem+json"
        assert client.get(address).json()["notes"] == "mine"
        assert client.get(address).headers["etag"] == first.headers["etag"] != read
        again = client.patch(address, json={"tags": ["a"]}, headers={"if-match": f'"old", {first.headers["etag"]}'})
        assert again.status_code == 200

    @pytest.mark.parametrize(
        ("header", "status"),
        [(None, 200), ("*", 200), ('"other"', 412), ("", 412), ('W/"{tag}"', 412), ('"{tag}"', 200)],
    )
    def test_if_match_is_read_as_the_standard_says(self, client: TestClient, header: str | None, status: int) -> None:
        address = f"/api/v1/models/{scenes.upload(client)}"
        tag = client.get(address).headers["etag"].strip('"')
        headers = {} if header is None else {"if-match": header.replace("{tag}", tag)}
        assert client.patch(address, json={"notes": "x"}, headers=headers).status_code == status

    def test_a_result_does_not_change_the_version_of_the_notes(self, client: TestClient, site: Site) -> None:
        digest = scenes.upload(client)
        before = client.get(f"/api/v1/models/{digest}").headers["etag"]
        scenes.finish(site, scenes.request(client, digest, "cubic"), correct=15)
        assert client.get(f"/api/v1/models/{digest}").headers["etag"] == before

    def test_name_notes_and_tags_change_and_the_rest_stays(self, client: TestClient) -> None:
        digest = scenes.upload(client, "old")
        changed = client.patch(f"/api/v1/models/{digest}", json={"tags": ["b", "a", "a"], "notes": "seen"}).json()
        assert (changed["name"], changed["tags"], changed["notes"]) == ("old", ["a", "b"], "seen")

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("n_ctx=3", ["gamma"]),
            ("n_ctx__lte=2", ["beta", "alpha"]),
            ("name__contains=A", ["gamma", "beta", "alpha"]),
            ("name__in=alpha,gamma", ["gamma", "alpha"]),
            ("sort=name&limit=2", ["alpha", "beta"]),
        ],
    )
    def test_filters_and_sorts(self, client: TestClient, query: str, names: list[str]) -> None:
        for seed, name in enumerate(["alpha", "beta"]):
            scenes.upload(client, name, seed=seed)
        scenes.upload(client, "gamma", n_ctx=3)
        assert [one["name"] for one in client.get(f"/api/v1/models?{query}").json()["items"]] == names

    def test_pages_follow_each_other_and_count_the_whole(self, client: TestClient) -> None:
        for seed in range(5):
            scenes.upload(client, f"m{seed}", seed=seed)
        seen, following = [], None
        while True:
            query = f"limit=2&sort=name&next={following or ''}"
            page = client.get(f"/api/v1/models?{query}").json()
            seen += [one["name"] for one in page["items"]]
            following = page["next"]
            assert page["total"] == 5
            if following is None:
                break
        assert seen == [f"m{seed}" for seed in range(5)]


class TestProofs:
    def test_the_same_request_twice_queues_once(self, client: TestClient) -> None:
        digest = scenes.upload(client)
        body = {"model": digest, "wanted": [{"strategy": "cubic"}, {"strategy": "cubic", "variant": "as-published"}]}
        first = client.post("/api/v1/proofs", json=body, headers={"idempotency-key": "k"})
        assert first.status_code == 202
        assert [one["state"] for one in first.json()] == ["queued", "queued"]
        assert client.post("/api/v1/proofs", json=body).json() == first.json()
        assert client.get("/api/v1/proofs").json()["total"] == 2

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            ({"strategy": "magic"}, "unknown-strategy"),
            ({"strategy": "brute-force", "variant": "as-published"}, "unknown-variant"),
        ],
    )
    def test_what_does_not_exist_is_refused_before_anything_is_queued(
        self, client: TestClient, wanted: dict[str, str], code: str
    ) -> None:
        body = {"model": scenes.upload(client), "wanted": [{"strategy": "cubic"}, wanted]}
        answer = client.post("/api/v1/proofs", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert client.get("/api/v1/proofs").json()["total"] == 0

    def test_exact_integers_are_text(self, client: TestClient, site: Site) -> None:
        proof = scenes.request(client, scenes.upload(client), "cubic")
        scenes.finish(site, proof, correct=15, length=2**70)
        found = client.get(f"/api/v1/proofs/{proof}").json()
        assert (found["correct"], found["total"]) == ("15", "25")
        assert found["length"] == {"measured-v1": str(2**70)}
        assert found["bound"] <= 0.6

    def test_cancelling_twice_is_once_and_a_result_cannot_be_cancelled(self, client: TestClient, site: Site) -> None:
        digest = scenes.upload(client)
        waiting, done = scenes.request(client, digest, "cubic"), scenes.request(client, digest, "brute-force")
        scenes.finish(site, done, correct=20, wrong=5)
        for _ in range(2):
            assert client.post(f"/api/v1/proofs/{waiting}/cancel").json()["verdict"] == "cancelled"
        refused = client.post(f"/api/v1/proofs/{done}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (409, "already-finished")

    def test_the_certificate_is_a_download(self, client: TestClient, site: Site) -> None:
        digest = scenes.upload(client)
        proof, without = scenes.request(client, digest, "cubic"), scenes.request(client, digest, "brute-force")
        scenes.finish(site, proof, correct=15)
        answer = client.get(f"/api/v1/proofs/{proof}/certificate")
        assert "blocks" in answer.json()
        assert answer.headers["content-disposition"] == f'attachment; filename="proof-{proof}-cubic-strict.json"'
        assert client.get(f"/api/v1/proofs/{without}/certificate").status_code == 404

    def test_a_proof_can_be_taken_away_and_checked_elsewhere(self, client: TestClient, site: Site) -> None:
        digest = scenes.upload(client)
        proof, without = scenes.request(client, digest, "cubic"), scenes.request(client, digest, "brute-force")
        scenes.finish(site, proof, correct=0)
        answer = client.get(f"/api/v1/proofs/{proof}/bundle")
        assert answer.headers["content-disposition"] == f'attachment; filename="proof-{proof}-cubic-strict.zip"'
        code, text = check(answer.content)
        assert code == 0, text
        assert digest in text
        assert f"/api/v1/proofs/{proof}/bundle" in client.get(f"/proofs/{proof}").text
        assert client.get(f"/api/v1/proofs/{without}/bundle").status_code == 404
        assert "/bundle" not in client.get(f"/proofs/{without}").text

    def test_a_models_proofs_and_its_front(self, client: TestClient, site: Site) -> None:
        digest = scenes.full_board(client, site)
        scenes.upload(client, "another", seed=1)
        assert client.get(f"/api/v1/models/{digest}/proofs?sort=id").json()["total"] == 6
        fronts = client.get(f"/api/v1/front?model={digest}").json()["items"]
        steps = {front["variant"]: [step["strategy"] for step in front["steps"]] for front in fronts}
        assert steps == {"strict": ["cubic", "brute-force"], "as-published": ["cubic"]}
        (only,) = client.get(f"/api/v1/front?model={digest}&variant=as-published").json()["items"]
        assert only["steps"][0]["correct"] == "16"


class TestErrors:
    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/api/v1/nothing", 404, "not-found"),
            (f"/api/v1/models/{'0' * 64}", 404, "model-not-found"),
            ("/api/v1/proofs/7", 404, "proof-not-found"),
            ("/api/v1/models/short", 422, "invalid-request"),
            ("/api/v1/proofs/x", 422, "invalid-request"),
            ("/api/v1/models?colour=red", 400, "invalid-parameter"),
            ("/api/v1/models?n_ctx=many", 400, "invalid-parameter"),
            ("/api/v1/models?sort=colour", 400, "invalid-parameter"),
            ("/api/v1/models?next=bogus", 400, "invalid-parameter"),
            ("/api/v1/models?limit=0", 400, "invalid-parameter"),
            ("/api/v1/strategies?x=1", 400, "invalid-parameter"),
            ("/api/v1/front?cost=1", 400, "invalid-parameter"),
            ("/models.json?colour=red", 400, "invalid-parameter"),
            ("/models.csv?n_ctx=many", 400, "invalid-parameter"),
        ],
    )
    def test_every_error_is_a_problem(self, client: TestClient, path: str, status: int, code: str) -> None:
        answer = client.get(path)
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
        assert problem["request_id"] == answer.headers["x-request-id"]

    def test_a_wrong_body_names_its_fields(self, client: TestClient) -> None:
        problem = client.post("/api/v1/proofs", json={"model": "x", "extra": 1}).json()
        assert {one["field"] for one in problem["errors"]} == {"body.model", "body.extra"}

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/api/v1/models", "GET, POST"),
            (f"/api/v1/models/{'0' * 64}", "GET, HEAD, PATCH"),
            (f"/api/v1/checkpoints/{'0' * 64}", "GET, HEAD, PUT"),
            ("/api/v1/proofs/1/cancel", "POST"),
            ("/livez", "GET"),
        ],
    )
    def test_a_wrong_method_is_told_all_the_right_ones(self, client: TestClient, path: str, allowed: str) -> None:
        answer = client.request("DELETE", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.json()["code"] == "method-not-allowed"

    def test_a_bug_is_a_problem_with_a_request_id_and_no_traceback(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr("app.storage.models.page", broken)
        answer = client.get("/api/v1/models", headers={"x-request-id": "my-own-id-1"})
        assert (answer.status_code, answer.json()["code"]) == (500, "internal-error")
        assert answer.json()["request_id"] == "my-own-id-1"
        assert "secret" not in answer.text
        page = client.get("/models")
        assert page.status_code == 500
        assert "secret" not in page.text
        assert page.headers["x-request-id"] in page.text
