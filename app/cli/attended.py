"""`python -m app.cli.attended`: a worker that stops when its standard input ends, which is when its starter does."""

import os
import signal
import sys
from threading import Thread

from worker.__main__ import main


def stop_with_starter() -> None:
    """The pipe is never written to: reading ends when the other end is closed, by whatever death."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=stop_with_starter, daemon=True).start()
    code = main()
    sys.stderr.flush()
    os._exit(code)  # as `worker.__main__`: waiting threads must not keep the process
