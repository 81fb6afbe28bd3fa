"""`python -m worker`: settings from the environment, log lines on standard error, exit code 0 when asked to stop."""

import logging
import os
import sys

from app import logs
from app.errors import AppError
from app.settings import Settings
from worker.service import serve


def main() -> int:
    logs.configure()
    try:
        serve(Settings())
    except AppError as error:
        print(f"worker: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)  # threads that wait for a database that is away must not keep the process
