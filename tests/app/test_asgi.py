"""Entering the web process: where it may listen, and what it never loads."""

import json
import sys
from pathlib import Path

import pytest

from app.asgi import UnprotectedAddress, build, require_loopback
from app.settings import Settings
from tests.processes import finished

MOST_MEMORY_MB = 130
"""The goal is 110; the rest is room for other machines' allocators."""

LOOK = """
import json, sys
from pathlib import Path
from app.asgi import build
from app.settings import Settings
app = build(Settings(data_dir=Path(sys.argv[1])))
loaded = sorted({name.partition(".")[0] for name in sys.modules})
status = Path("/proc/self/status").read_text()
memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
print(json.dumps({"loaded": loaded, "memory_mb": memory}))
"""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_an_address_that_others_reach_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(UnprotectedAddress, match="no login yet"):
        build(Settings(host=host, data_dir=tmp_path))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    require_loopback(host)


def test_a_guarded_network_may_be_trusted(tmp_path: Path) -> None:
    build(Settings(host="0.0.0.0", trusted_network=True, data_dir=tmp_path)).state.site.database.dispose()


def test_the_web_process_loads_no_torch_no_numba_no_plotly_and_stays_small(tmp_path: Path) -> None:
    told = finished([sys.executable, "-c", LOOK, tmp_path])
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert not {"torch", "numba", "llvmlite", "scipy", "plotly", "pandas"} & set(found["loaded"])
    assert found["memory_mb"] < MOST_MEMORY_MB, found["memory_mb"]
