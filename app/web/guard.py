"""What holds for every request, whatever route it meets: host, origin, size, request id, headers, and no bare crash.

A server on localhost is reachable from every web page its user opens. So a request must name an allowed host (DNS
rebinding), and one that changes something must come from our own pages or from no browser at all (CSRF).
"""

import logging
import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import AppError, BadRequest, TooLarge
from app.web.problems import answer

log = logging.getLogger(__name__)

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
FORM_BYTES = 2**20
"""Largest body of anything but an upload."""

UPLOAD_OVERHEAD_BYTES = 2**16
"""What multipart wraps around a file."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; "
        "style-src 'self' 'unsafe-inline'; "  # plotly.js writes style elements (plotly.js issue 7543)
        "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; "
        "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class WrongHost(BadRequest):
    """This server does not answer to that host name. Add it to PROOFBOARD_ALLOWED_HOSTS if it should."""

    code = "wrong-host"


class CrossOrigin(AppError):
    """The request came from another site's page, so nothing was done. Open this page here and try again."""

    status = 403
    code = "cross-origin"


class Guard:
    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str], upload_max_bytes: int, uploads: set[str]) -> None:
        self.app = app
        self.allowed_hosts = {host.lower() for host in allowed_hosts}
        self.upload_max_bytes = upload_max_bytes
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                outgoing = MutableHeaders(scope=message)
                outgoing["x-request-id"] = request_id
                for name, value in HEADERS.items():
                    outgoing.setdefault(name, value)
                outgoing.setdefault("cache-control", "no-cache" if scope["method"] in SAFE_METHODS else "no-store")
            await send(message)

        try:
            self._check(scope, headers)
            await self.app(scope, self._counted(scope, receive), send_guarded)
        except Exception as error:
            if not isinstance(error, AppError):
                log.exception("request failed", extra={"request_id": request_id, "path": scope["path"]})
            if started:
                raise  # too late for an answer: the connection breaks, which is the only honest thing left
            known = error if isinstance(error, AppError) else AppError(
                "Something went wrong on the server; nothing was lost. Try again, and report the request id if it stays."
            )  # fmt: skip
            await answer(Request(scope), known)(scope, receive, send_guarded)

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if _host_name(host) not in self.allowed_hosts and "*" not in self.allowed_hosts:
            raise WrongHost
        if scope["method"] not in SAFE_METHODS:
            _check_origin(host, headers)
        announced = headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > self._limit(scope):
            raise self._too_large(scope)

    def _limit(self, scope: Scope) -> int:
        is_upload = scope["path"].startswith(tuple(self.uploads))
        return self.upload_max_bytes + UPLOAD_OVERHEAD_BYTES if is_upload else FORM_BYTES

    def _too_large(self, scope: Scope) -> TooLarge:
        return TooLarge(
            f"The upload is larger than the {self._limit(scope):,} bytes that are accepted here. "
            "Upload the weights only, without optimiser state."
        )

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """Stops reading as soon as the limit is passed, whatever length was announced."""
        received = 0
        limit = self._limit(scope)

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise self._too_large(scope)
            return message

        return counted


def _host_name(host: str) -> str:
    """Without the port; an IPv6 address keeps its brackets."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _check_origin(host: str, headers: Headers) -> None:
    """Browsers say where a request comes from and pages cannot forge it; programs say nothing and carry no cookies.

    `Sec-Fetch-Site` decides where it is sent: under our referrer policy a browser calls the origin of our own forms `null`.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise CrossOrigin
        return
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise CrossOrigin
