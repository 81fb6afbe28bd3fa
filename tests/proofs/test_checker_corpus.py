"""Folders of bundles: to accept, to reject, not even to read. Past unsoundness never leaves."""

import re
from pathlib import Path

import pytest

from proofs.certificate import read
from proofs.checker.__main__ import check
from proofs.errors import InvalidCertificate
from tests.certificates import generate
from tests.certificates.bundles import canonical

CORPUS = Path(generate.__file__).parent


def cases(folder: str) -> list[object]:
    found = [pytest.param(path, id=path.stem) for path in sorted((CORPUS / folder).glob("*.zip"))]
    assert found, folder
    return list(found)


@pytest.mark.parametrize("path", cases("valid"))
def test_accepts(path: Path) -> None:
    code, text = check(path.read_bytes())
    assert (code, text.split()[0]) == (0, "ACCEPTED"), text


@pytest.mark.parametrize("path", cases("invalid"))
def test_rejects_and_says_why(path: Path) -> None:
    code, text = check(path.read_bytes())
    assert (code, text.split()[0]) == (1, "REJECTED"), text
    assert "expected" in text
    assert "found" in text


@pytest.mark.parametrize("path", cases("unreadable"))
def test_does_not_even_read(path: Path) -> None:
    code, text = check(path.read_bytes())
    assert (code, text.split()[0]) == (2, "UNREADABLE"), text
    assert len(text) < 1000


@pytest.mark.parametrize(("name", "content"), generate._certificates(canonical(generate.EXACT)).items())
def test_the_engine_does_not_read_what_is_no_certificate(name: str, content: bytes) -> None:
    if name.startswith("gaps"):
        return  # the engine leaves hints to the check that is given them
    with pytest.raises(InvalidCertificate):
        read(content)


def test_the_corpus_is_what_its_generator_writes() -> None:
    for folder in ("valid", "invalid", "unreadable"):
        assert {path.stem for path in (CORPUS / folder).glob("*.zip")} == set(getattr(generate, folder)()), folder


def test_the_readme_says_what_each_bundle_is_about() -> None:
    text = (CORPUS / "README.md").read_text()
    said = {folder: re.findall(r"^- `([^`]+)`: ", part, re.MULTILINE) for folder, part in _sections(text)}
    for folder in ("invalid", "unreadable"):
        assert sorted(said[folder]) == sorted(path.stem for path in (CORPUS / folder).glob("*.zip")), folder
    every = {path.stem for path in CORPUS.rglob("*.zip")}
    asked_for = re.findall(r"^\| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)[2:]
    assert len(asked_for) == 11
    assert {name for names in asked_for for name in names.split(", ")} <= every


def _sections(text: str) -> list[tuple[str, str]]:
    parts = re.split(r"^## (\w+)/$", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*.zip")) < 800_000
