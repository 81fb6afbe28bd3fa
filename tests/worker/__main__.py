"""A worker under test: `python -m tests.worker [MOMENT MARKER]`.

It behaves as `tests.worker.behaviour` says, lives at a quicker pace, and kills itself at MOMENT unless the file MARKER is
there (it makes it first: once is enough; MARKER `-` kills it every time).
"""

import logging
import os
import signal
import sys
from pathlib import Path

from app.settings import Settings
from tests.worker.behaviour import behave
from worker import limits
from worker.service import Pace, serve

PACE = Pace(beat_s=0.2, silence_s=2.0, poll_s=0.05, sweep_s=0.5, goodbye_s=2)


def main(moment: str = "", marker: str = "-") -> None:
    def at(here: str) -> None:
        if here != moment or (marker != "-" and Path(marker).exists()):
            return
        if marker != "-":
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)

    logging.basicConfig(level=logging.INFO)
    serve(Settings(), work=behave, prepare=lambda device: limits.prepare(["tests.worker.behaviour"]), at=at, pace=PACE)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)
