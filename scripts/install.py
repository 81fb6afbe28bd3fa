"""Creates .venv and installs Proofboard into it; does nothing while what it needs has not changed.

    python3 scripts/install.py          what `make run` needs
    python3 scripts/install.py --tests  also what `make test` needs

Only the standard library: nothing is installed yet when this runs.
"""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"


def main(arguments: list[str]) -> int:
    if set(arguments) - {"--tests"}:
        print(__doc__, file=sys.stderr)
        return 2
    extra = "[test]" if "--tests" in arguments else ""
    if up_to_date(extra):
        return 0
    print(f"Installing Proofboard{extra} into {VENV}; minutes the first time, seconds later.", file=sys.stderr)
    return 0 if create() and install(extra) else 1


def up_to_date(extra: str) -> bool:
    """A stamp of the fuller installation serves the lesser one as well."""
    return any(read(stamp) == fingerprint() for stamp in {stamp_of(extra), stamp_of("[test]")})


def stamp_of(extra: str) -> Path:
    return VENV / f"installed{extra or '[run]'}.stamp"


def read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def fingerprint() -> str:
    """Changes with the requirements and with the environment's Python and place."""
    sources = (ROOT / "pyproject.toml", ROOT / "constraints.txt", VENV / "pyvenv.cfg")
    return hashlib.sha256(b"\n".join(path.read_bytes() for path in sources if path.exists())).hexdigest()


def create() -> bool:
    """An environment made in this folder; one that was moved here, or lost its Python, is replaced."""
    if is_usable():
        return True
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except subprocess.CalledProcessError:
        print(
            "This Python cannot create an environment with pip. On Debian or Ubuntu:\n"
            "    sudo apt-get install python3-venv\nand then the same command again.",
            file=sys.stderr,
        )
        return False
    return True


def is_usable() -> bool:
    """Installed scripts name the folder that they were installed in, so an environment cannot be moved."""
    made = re.search(r"^command = .* -m venv .*?(/.*)$", read(VENV / "pyvenv.cfg") or "", re.MULTILINE)
    if made is None or Path(made[1]).resolve() != VENV:
        return False
    return subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0


def install(extra: str) -> bool:
    prefer_cpu_torch()
    done = pip("install", "--constraint", str(ROOT / "constraints.txt"), "--editable", f"{ROOT}{extra}")
    if done:
        stamp_of(extra).write_text(fingerprint())
        compile_kernels()
    else:
        print(
            "\npip could not install what Proofboard needs; its reason stands above. Without a way to PyPI, name a "
            "mirror (PIP_INDEX_URL) or a folder of wheels (PIP_FIND_LINKS), then run the same command again.",
            file=sys.stderr,
        )
    return done


def compile_kernels() -> None:
    """So that the first proof does not wait for it. Kernels that change later are compiled when they are used."""
    print("Compiling the numerical kernels.", file=sys.stderr)
    subprocess.run([PYTHON, "-c", "import worker.preload"], cwd=ROOT, check=False)


def prefer_cpu_torch() -> None:
    """PyPI's torch for Linux carries gigabytes of CUDA: take the processor-only build where it can be had.

    A torch that is installed, or that pip would find among local wheels, is taken as it is. An index that does not
    answer only costs disk: the installation goes on without it.
    """
    index = os.environ.get("PROOFBOARD_TORCH_INDEX", CPU_BUILDS)
    requirement = torch_requirement()
    if (
        sys.platform != "linux"
        or not index
        or pip("install", "--dry-run", "--no-index", "--no-deps", requirement, quiet=True)
    ):
        return
    # --no-deps: nothing but torch is ever looked up there.
    if not pip("install", "--no-deps", "--retries=1", "--timeout=10", f"--index-url={index}", requirement):
        print(f"No processor-only torch from {index}; taking PyPI's, which is larger.", file=sys.stderr)


def torch_requirement() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return next(str(line) for line in project["dependencies"] if line.startswith("torch"))


def pip(*arguments: str, quiet: bool = False) -> bool:
    command = [str(PYTHON), "-m", "pip", *arguments, "--disable-pip-version-check"]
    if not sys.stderr.isatty():
        command.append("--quiet")
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, stdout=output, stderr=output, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
