"""`scripts/install.py`: installs once, again when something changed, and prefers a small torch without depending on it."""

import importlib.util
import venv
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
TORCH = "torch>=2.6,<2.14"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work in a folder of its own with an environment without pip."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    install = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(install)
    root = tmp_path.resolve()
    (root / "pyproject.toml").write_text(f'[project]\ndependencies = ["numpy>=2", "{TORCH}"]\n')
    (root / "constraints.txt").write_text("numpy==2.4.6\n")
    venv.create(root / ".venv")
    for name, value in {"ROOT": root, "VENV": root / ".venv", "PYTHON": root / ".venv" / "bin" / "python"}.items():
        monkeypatch.setattr(install, name, value)
    monkeypatch.setattr(install, "compile_kernels", lambda: None)
    return install


@pytest.fixture
def asked(place: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip was asked to do; it does all of it, and knows no local wheel."""
    return answer(place, monkeypatch, lambda arguments: "--dry-run" not in arguments)


def answer(
    place: ModuleType, monkeypatch: pytest.MonkeyPatch, succeeds: Callable[[tuple[str, ...]], bool]
) -> list[tuple[str, ...]]:
    calls: list[tuple[str, ...]] = []

    def pip(*arguments: str, quiet: bool = False) -> bool:
        calls.append(arguments)
        return succeeds(arguments)

    monkeypatch.setattr(place, "pip", pip)
    monkeypatch.setattr(place, "is_usable", lambda: True)
    monkeypatch.setattr(place.sys, "platform", "linux")
    monkeypatch.delenv("PROOFBOARD_TORCH_INDEX", raising=False)
    return calls


def test_a_second_installation_asks_pip_for_nothing(place: ModuleType, asked: list[tuple[str, ...]]) -> None:
    assert place.main([]) == 0
    assert asked
    asked.clear()
    assert place.main([]) == 0
    assert asked == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", ".venv/pyvenv.cfg"])
def test_a_change_of_what_is_needed_installs_again(place: ModuleType, asked: list[tuple[str, ...]], name: str) -> None:
    assert place.main([]) == 0
    asked.clear()
    changed = place.ROOT / name
    changed.write_text(changed.read_text() + "\n# changed\n")
    assert place.main([]) == 0
    assert asked


def test_an_installation_for_tests_serves_running_but_not_the_other_way_round(
    place: ModuleType, asked: list[tuple[str, ...]]
) -> None:
    assert place.main([]) == 0
    asked.clear()
    assert place.main(["--tests"]) == 0
    assert any("[test]" in argument for call in asked for argument in call)
    asked.clear()
    assert place.main([]) == 0
    assert asked == []


def test_a_failed_installation_is_not_taken_for_done(
    place: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(place, monkeypatch, lambda arguments: False)
    assert place.main([]) == 1
    assert "PIP_INDEX_URL" in capsys.readouterr().err
    calls = answer(place, monkeypatch, lambda arguments: True)
    assert place.main([]) == 0
    assert calls


def test_only_torch_is_looked_up_in_the_index_of_processor_builds(
    place: ModuleType, asked: list[tuple[str, ...]]
) -> None:
    assert place.main([]) == 0
    (special,) = [call for call in asked if any("--index-url" in argument for argument in call)]
    assert TORCH in special
    assert "--no-deps" in special


def test_an_index_that_does_not_answer_is_no_reason_to_stop(
    place: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(place, monkeypatch, lambda arguments: "--editable" in arguments)
    assert place.main([]) == 0
    assert "taking PyPI's" in capsys.readouterr().err


def test_a_local_wheel_or_an_installed_torch_is_taken_as_it_is(
    place: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = answer(place, monkeypatch, lambda arguments: True)
    assert place.main([]) == 0
    assert not any("--index-url" in argument for call in calls for argument in call)


def test_the_index_can_be_switched_off(
    place: ModuleType, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFBOARD_TORCH_INDEX", "")
    assert place.main([]) == 0
    assert not any("--index-url" in argument for call in asked for argument in call)


def test_only_an_environment_with_pip_that_was_made_here_is_used(place: ModuleType) -> None:
    assert not place.is_usable()
    packages = next((place.VENV / "lib").glob("python*")) / "site-packages"
    (packages / "pip.py").touch()
    assert place.is_usable()
    (place.VENV / "pyvenv.cfg").write_text("command = /usr/bin/python3 -m venv /elsewhere/.venv\n")
    assert not place.is_usable()


def test_an_unknown_argument_is_refused(place: ModuleType) -> None:
    assert place.main(["--test"]) == 2
