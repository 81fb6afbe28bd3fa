from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings


def test_nothing_set_is_a_private_server_on_sqlite() -> None:
    settings = Settings()
    assert settings.host == "127.0.0.1"
    assert settings.database_url == "sqlite:///data/proofboard.db"
    assert settings.blob_dir == Path("data/blobs")


def test_the_environment_speaks_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFBOARD_DATA_DIR", "/somewhere")
    monkeypatch.setenv("PROOFBOARD_ALLOWED_HOSTS", "proofs.example.org, localhost")
    monkeypatch.setenv("PROOFBOARD_WORKER_SLOTS", "7")
    monkeypatch.setenv("WORKER_SLOTS", "8")
    settings = Settings()
    assert settings.database_url == "sqlite:////somewhere/proofboard.db"
    assert settings.allowed_hosts == ("proofs.example.org", "localhost")
    assert settings.worker_slots == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("WORKER_SLOTS", "0"), ("PROOF_TIME_LIMIT_S", "-1"), ("UPLOAD_MAX_BYTES", "x")],
)
def test_an_impossible_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PROOFBOARD_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_every_setting_is_explained() -> None:
    source = Path(__import__("app.settings").settings.__file__).read_text()
    for name in Settings.model_fields:
        after = source.split(f"\n    {name}:", 1)[1].split("\n", 1)[1]
        assert after.lstrip().startswith('"""'), f"{name} has no sentence"
