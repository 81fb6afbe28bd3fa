"""The house itself: what the README promises exists, the contracts name what there is, and nothing forbidden crept in."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.settings import Settings
from proofs.strategies import BY_NAME, CATALOGUE
from tests.processes import finished

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("proofs", "app", "worker")
CONTRACTS = {contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}


PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text()


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return finished(command, env={"PATH": "/usr/bin:/bin"})


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(read("docker-compose.yml"))
    return loaded


# --- the two commands -----------------------------------------------------------------------------------------------


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_documents_exist(page: str) -> None:
    text = read(page)
    assert (
        set(re.findall(r"(?<![\w-])make ([a-z-]+)(?= *(?:$|`|#|ARGS|PYTHON|JOBS))", text, re.MULTILINE))
        <= make_targets()
    )
    help_text = run(sys.executable, "-c", "from app.cli import main; main()", "--help").stdout
    for command in re.findall(r"`?proofboard ([a-z]+)", text):
        assert re.search(rf"^  {command} ", help_text, re.MULTILINE), f"proofboard {command}"


@pytest.mark.parametrize("page", PAGES)
def test_links_in_the_documents_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", read(page)):
        if not target.startswith(("http://", "https://")):
            assert ((ROOT / page).parent / target).exists(), target


def test_the_two_commands_stand_on_the_first_screen_of_the_readme() -> None:
    first_screen = "\n".join(read("README.md").splitlines()[:40])
    assert "make run" in first_screen
    assert "make test" in first_screen


def test_the_readmes_map_names_every_folder() -> None:
    tracked = run("git", "ls-files").stdout.splitlines()
    folders = {path.split("/")[0] for path in tracked if "/" in path and not path.startswith(".")}
    text = read("README.md")
    assert {folder for folder in folders if f"{folder}/" not in text} == set()


def test_an_old_python_is_refused_with_a_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 && exit\nexit 1\n')
    old.chmod(0o755)
    done = finished([ROOT / "scripts" / "find-python"], env={"PATH": "/usr/bin:/bin", "PYTHON": str(old)})
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr


def test_a_python_that_is_new_enough_is_found() -> None:
    done = finished([ROOT / "scripts" / "find-python"], env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable})
    assert done.stdout.strip() == sys.executable


# --- contracts and catalogue ----------------------------------------------------------------------------------------


def test_the_independence_contract_names_every_strategy_module() -> None:
    shared = {"__init__", "hints"}
    modules = {path.stem for path in (ROOT / "proofs" / "strategies").glob("*.py")} - shared
    named = CONTRACTS["Strategies do not lean on each other"]["modules"]
    assert set(named) == {f"proofs.strategies.{module}" for module in modules}


@pytest.mark.parametrize("strategy", CATALOGUE, ids=lambda strategy: strategy.name)
def test_every_strategy_has_a_page_of_its_own(strategy: Any) -> None:
    assert read(f"docs/strategies/{strategy.page}").startswith(f"# {strategy.name}\n")


@pytest.mark.parametrize("page", sorted({strategy.page for strategy in BY_NAME.values()}))
def test_every_page_of_a_strategy_states_theorem_cost_and_looseness(page: str) -> None:
    text = read(f"docs/strategies/{page}")
    for part in ("Theorem", "Cost", "loose|exact"):
        assert re.search(part, text), part


def test_every_dependency_is_explained() -> None:
    text = read("docs/decisions/0009-dependencies.md")
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"]
    names = [re.match(r"[\w.-]+", line) for line in wanted]
    assert [name[0] for name in names if name and f"`{name[0]}`" not in text] == []


def test_constraints_pin_every_dependency_but_torch() -> None:
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in read("constraints.txt").splitlines() if "==" in line
    }
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"]
    names = {re.split(r"[\[<>=~]", line)[0].lower() for line in wanted}
    assert names - pinned == {"torch"}
    assert not pinned & {"torch", "triton"}


def test_every_setting_is_documented() -> None:
    text = read("docs/settings.md")
    assert [name for name in Settings.model_fields if f"`PROOFBOARD_{name.upper()}`" not in text] == []


# --- what must not be there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forbidden", "why"),
    [
        (
            r"^\s*(import|from) (pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\b",
            "pickles run code when opened",
        ),
        (r"weights_only\s*=\s*False", "as above"),
        (r"(?<![\w.])(eval|exec)\(", "text is never code"),
        (r"shell\s*=\s*True", "text is never a command"),
    ],
)
def test_no_source_opens_a_door(forbidden: str, why: str) -> None:
    pattern = re.compile(forbidden, re.MULTILINE)
    assert [
        str(path) for path in sources(*PACKAGES, "migrations", "scripts") if pattern.search(path.read_text())
    ] == [], why


def test_the_tree_names_no_machine_of_ours() -> None:
    """A clone must work where nothing but a package registry is known."""
    private = re.compile(r"/(work/shared|opt/(wheels|pypi))|\.\./shared")
    tracked = [ROOT / name for name in run("git", "ls-files").stdout.splitlines()]
    texts = [
        path for path in tracked if path.suffix in {"", ".py", ".md", ".toml", ".txt", ".yml", ".sh", ".html", ".js"}
    ]
    assert [
        str(path) for path in texts if path.exists() and path != Path(__file__) and private.search(path.read_text())
    ] == []


# --- the image and the compose file ---------------------------------------------------------------------------------


def test_the_compose_file_is_valid() -> None:
    tool = Path(sys.executable).parent / "check-jsonschema"
    done = run(tool, "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_wait_for_what_they_need() -> None:
    services = compose()["services"]
    assert "healthcheck" in services["postgres"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["migrate"]["restart"] == "no"
    for name in ("web", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_workers_can_be_scaled() -> None:
    """A fixed name or a published port allows one container only."""
    assert not {"container_name", "ports", "hostname"} & set(compose()["services"]["worker"])


def test_no_port_is_published_beyond_this_machine() -> None:
    published = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_compose_file_has_no_default_password() -> None:
    text = read("docker-compose.yml")
    assert set(re.findall(r"POSTGRES_PASSWORD(.)", text)) <= {":", " ", ","}
    assert all(use.startswith(":?") for use in re.findall(r"\$\{POSTGRES_PASSWORD([^}]*)\}", text))


def test_the_compose_services_run_commands_that_exist() -> None:
    help_text = run(sys.executable, "-c", "from app.cli import main; main()", "--help").stdout
    for name in ("migrate", "web", "worker"):
        assert re.search(rf"^  {compose()['services'][name]['command'][0]} ", help_text, re.MULTILINE)


def test_settings_in_the_compose_file_exist() -> None:
    used = set(re.findall(r"^\s+(PROOFBOARD_\w+):", read("docker-compose.yml"), re.MULTILINE))
    used |= set(re.findall(r"(PROOFBOARD_\w+)=", read("Dockerfile")))
    assert used <= {f"PROOFBOARD_{name.upper()}" for name in Settings.model_fields}


def test_the_dockerfile_passes_its_linter() -> None:
    done = run(Path(sys.executable).parent / "hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_without_root_and_copies_every_folder_that_the_application_reads() -> None:
    final = read("Dockerfile").split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*$", final, re.MULTILINE)
    for folder in ("templates", "static", "migrations", "demo"):
        assert f"COPY {folder} {folder}" in final
        assert f"!{folder}\n" in read(".dockerignore") + "\n"
