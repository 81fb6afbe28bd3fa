"""What a child process is like, whoever starts it."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.processes import ROOT, finished
from worker.limits import Report

PROGRAM = """
import sys
from math import inf
import dbos, typer  # what a command line and a worker load, and a child must not
from worker import limits
from tests.worker.test_limits import loaded

if __name__ == "__main__":
    limits.prepare(["tests.worker.test_limits"])
    most = limits.Limits(seconds=inf, memory_mb=1000)
    ending = limits.run(loaded, None, most, watch=lambda progress: True)
    print(ending.content.decode())
    assert sys.modules["__main__"].__spec__ is None
"""


def loaded(_argument: Any, _report: Report) -> bytes:
    """Runs in the child."""
    with open("/proc/self/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open("/proc/self/stat", encoding="ascii") as file:
        session = int(file.read().rsplit(")", 1)[1].split()[3])
    facts = {
        "heavy": sorted({"dbos", "typer", "sqlalchemy"} & set(sys.modules)),
        "no_new_privileges": status["NoNewPrivs"],
        "leads_its_session": session == int(status["Pid"]),
    }
    return json.dumps(facts).encode()


def test_a_child_loads_no_program_and_gains_no_rights(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = finished([sys.executable, program], env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"heavy": [], "no_new_privileges": "1", "leads_its_session": True}


def test_who_starts_children_loads_nothing_numerical() -> None:
    code = "import sys, worker.service, worker.work; print({'numpy', 'numba', 'torch'} & set(sys.modules))"
    assert finished([sys.executable, "-c", code]).stdout == "set()\n"
