import sys
from pathlib import Path

from tests.processes import finished
from worker import executor


def test_each_worker_of_a_machine_has_its_own_name(tmp_path: Path) -> None:
    with executor.claimed(tmp_path) as first, executor.claimed(tmp_path) as second:
        assert first != second
    with executor.claimed(tmp_path) as again:
        assert again == first


def test_a_name_is_free_again_when_its_process_was_killed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; from worker import executor\n"
        "with executor.claimed(pathlib.Path(sys.argv[1])) as name:\n"
        "    print(name, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = finished([sys.executable, "-c", code, tmp_path])
    with executor.claimed(tmp_path) as name:
        assert name == killed.stdout.strip()
