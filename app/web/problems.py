"""Every error's answer: problem+json (RFC 9457) for programs, a page with the way out for people."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from app.errors import AppError, BadRequest, Detail, NotFound
from app.storage import proofs
from app.web import pages

MEDIA_TYPE = "application/problem+json"


class MethodNotAllowed(AppError):
    """This address does not take that method. The Allow header lists those it takes."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method-not-allowed"


class Invalid(AppError):
    """The request has fields that are not accepted; `errors` lists them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid-request"


def install(app: FastAPI) -> None:
    @app.exception_handler(AppError)
    def known(request: Request, error: AppError) -> Response:
        return answer(request, error, alarms=alarms)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, Invalid(errors=[_detail(one) for one in error.errors()]), alarms=alarms)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return answer(request, MethodNotAllowed(), headers={"allow": ", ".join(_allowed(request))})
        if error.status_code == HTTPStatus.NOT_FOUND:
            return answer(request, NotFound(), alarms=alarms)
        return answer(request, BadRequest(str(error.detail)), headers=error.headers)


def alarms(request: Request) -> int:
    """Soundness alarms are on error pages too, unless the database is what is broken."""
    try:
        with request.app.state.site.database.reading() as session:
            return proofs.alarms(session)
    except AppError:
        return 0


def answer(
    request: Request, error: AppError, *, headers: Any = None, alarms: Callable[[Request], int] = lambda _: 0
) -> Response:
    """The same error for a program or a person, by what was asked for."""
    extra = dict(headers or {})
    if error.retry_after_s is not None:
        extra["retry-after"] = str(error.retry_after_s)
    if wants_json(request):
        return JSONResponse(problem(request, error), int(error.status), extra, MEDIA_TYPE)
    response = pages.error(request, error, alarms=alarms(request) if error.status < 500 else 0)
    response.headers.update(extra)
    return response


def problem(request: Request, error: AppError) -> dict[str, Any]:
    return {
        "type": f"urn:proofboard:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": int(error.status),
        "detail": error.message,
        "code": error.code,
        "errors": [{"field": one.field, "message": one.message} for one in error.errors],
        "request_id": request.state.request_id,
    }


def wants_json(request: Request) -> bool:
    path = request.url.path
    return path.startswith(("/api", "/livez", "/readyz", "/events")) or path.endswith((".json", ".csv"))


def _detail(error: Any) -> Detail:
    return Detail(".".join(str(part) for part in error["loc"]), f"{error['msg']}.".replace("..", "."))


def _allowed(request: Request) -> list[str]:
    """Every method that some route takes at this path: a router alone names those of its first route only."""
    bare = {"type": "http", "path": request.url.path, "root_path": "", "headers": []}
    return [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches({**bare, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
