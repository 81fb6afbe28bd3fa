"""Answers that hold until somebody writes: kept compressed, by address, for the revision of the database they show.

For what is made of proofs and models only. Each write to those takes a revision, so an answer is either as good as new or
not found. A browser that has it already is told so (304).
"""

import gzip
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import Response

from app.storage import proofs
from app.storage.engine import Database

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

MOST_BYTES = 8 * 2**20
COMPRESSION = 5


@dataclass(frozen=True)
class Answer:
    revision: int
    compressed: bytes
    media_type: str


class Kept:
    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._process = secrets.token_hex(4)
        """Another process may have other templates, so its answers are others."""

    def answer(self, request: Request, database: Database, make: "Callable[[Session], Response]") -> Response:
        """What `make` made of this address at this revision; `make` is called where nobody did yet."""
        address = f"{request.url.path}?{request.url.query}"
        with database.reading() as session:
            revision = proofs.revision(session)
            tag = f'W/"{self._process}-{revision}"'
            if tag in request.headers.get("if-none-match", ""):
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": tag})
            found = self._answers.get(address)
            if found is None or found.revision != revision:
                made = make(session)
                if made.status_code != HTTPStatus.OK:
                    return made
                content = gzip.compress(bytes(made.body), COMPRESSION, mtime=0)
                found = Answer(revision, content, made.headers["content-type"])
                self._keep(address, found)
        headers = {"etag": tag, "vary": "accept-encoding", "content-type": found.media_type}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.compressed, headers={**headers, "content-encoding": "gzip"})
        return Response(gzip.decompress(found.compressed), headers=headers)

    def _keep(self, address: str, answer: Answer) -> None:
        """Those that were made last, as many as there is room for."""
        with self._lock:
            before = self._answers.pop(address, None)
            self._bytes += len(answer.compressed) - (len(before.compressed) if before else 0)
            self._answers[address] = answer
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._answers.popitem(last=False)[1].compressed)
