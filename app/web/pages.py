"""How a page is made: a frozen dataclass that names its template, the shell around it, and filters for numbers.

A template sees exactly the fields of its page, `shell`, and the globals below; a test compares them.
"""

from dataclasses import dataclass, fields
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app import numbers
from app.errors import AppError
from app.storage import proofs
from app.web import prose
from app.web.assets import PLOTLY
from proofs.strategies import BY_NAME

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

TEMPLATES = Path(__file__).parents[2] / "templates"


class Page:
    """Base of every page. A subclass is a frozen dataclass whose fields are what its template may use."""

    template: ClassVar[str]


@dataclass(frozen=True)
class Shell:
    """What every page has around it."""

    path: str
    alarms: int = 0
    """How many proofs are under a soundness alarm."""
    revision: int | None = None
    """Where the page starts to listen for changes; None on a page without the database."""
    notices: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request, session: "Session", *notices: str) -> "Shell":
        """Made first, in the session that reads the page: what changes later is then noticed."""
        return cls(request.url.path, proofs.alarms(session), proofs.revision(session), notices)


@dataclass(frozen=True)
class ErrorPage(Page):
    template = "error.html"
    status: int
    title: str
    message: str
    details: tuple[str, ...]
    request_id: str


def render(request: Request, shell: Shell, page: Page, status: int = HTTPStatus.OK) -> HTMLResponse:
    site = request.app.state.site
    context = {field.name: getattr(page, field.name) for field in fields(page)}  # type: ignore[arg-type]
    text = environment().get_template(page.template).render(
        **context, shell=shell, url=site.addresses, asset=site.addresses.asset
    )  # fmt: skip
    return HTMLResponse(text, status)


def error(request: Request, problem: AppError, *, alarms: int = 0) -> HTMLResponse:
    """Needs no database: it may be what is broken."""
    page = ErrorPage(
        status=int(problem.status),
        title=HTTPStatus(problem.status).phrase,
        message=problem.message,
        details=tuple(f"{one.field}: {one.message}" for one in problem.errors),
        request_id=request.state.request_id,
    )
    return render(request, Shell(request.url.path, alarms), page, page.status)


def as_json(value: Any) -> Markup:
    """JSON inside a script element: `<` is escaped, so no text can close the element."""
    text = orjson.dumps(value).decode()
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@cache
def environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "at_least": numbers.at_least,
        "ratio": numbers.ratio_at_least,
        "between": lambda interval: numbers.between(interval.low, interval.high),
        "count": numbers.count,
        "exact": numbers.exact,
        "significant": numbers.significant,
        "duration": numbers.duration,
        "size": numbers.size,
        "moment": numbers.moment,
        "moment_short": numbers.moment_short,
        "as_json": as_json,
        "markdown": prose.to_html,
        "code": lambda name: (BY_NAME[name].code or name) if name in BY_NAME else name,
        "family": lambda name: BY_NAME[name].family if name in BY_NAME else "other",
    }
    from app.web import labels  # made with this environment, so they come after it

    found.globals |= {
        "plotly": PLOTLY,
        "strategy_label": labels.strategy,
        "status_label": labels.status,
        "trust_label": labels.trust,
    }
    return found
