"""A log line says what it was about."""

import logging

from app.logs import WithExtras


def test_extras_follow_the_message_as_key_value() -> None:
    record = logging.makeLogRecord({"msg": "job ended", "name": "worker.jobs", "proof": 7, "verdict": "proved"})
    assert WithExtras("%(name)s: %(message)s").format(record) == "worker.jobs: job ended proof=7 verdict=proved"


def test_a_line_without_extras_stays_as_it_is() -> None:
    assert WithExtras("%(message)s").format(logging.makeLogRecord({"msg": "worker ready"})) == "worker ready"
