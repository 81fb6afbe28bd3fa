"""Log lines for people: the message, then what it was about as key=value. Configured once, by each entry point."""

import logging

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class WithExtras(logging.Formatter):
    """Appends the variables of `extra` to the line."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        extras = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD)
        return f"{line} {extras}" if extras else line


def configure() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(WithExtras("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("dbos").setLevel(logging.WARNING)
