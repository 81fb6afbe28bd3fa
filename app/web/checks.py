"""What a proof's page says about re-checks, and the form that asks for one."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from app.storage import checks, rechecks
from app.storage.checks import CheckRecord
from app.storage.records import ProofRecord
from app.web.api.proofs import ProofId
from app.web.site import SiteDep
from proofs.questions import ENGINE, INDEPENDENT

if TYPE_CHECKING:  # only storage speaks SQL; here a session is handed on
    from sqlalchemy.orm import Session

router = APIRouter(include_in_schema=False)

SHOWN = 50
TAKES = {ENGINE: "seconds", INDEPENDENT: "seconds to minutes"}


@dataclass(frozen=True)
class Program:
    name: str
    takes: str
    job: ProofRecord | None
    """Its re-check that is under way."""


@dataclass(frozen=True)
class Checks:
    count: int
    done: tuple[CheckRecord, ...]
    """The last first; of many only the last ones."""
    programs: tuple[Program, ...]
    """Those that can check this proof."""

    @property
    def is_independent(self) -> bool:
        """Whether somebody who does not believe us can check it."""
        return any(program.name == INDEPENDENT for program in self.programs)


def checks_of(session: "Session", proof: ProofRecord) -> Checks:
    done = checks.of(session, proof.id)
    jobs = {job.parameters["checker"]: job for job in rechecks.under_way(session, proof)}
    able = [program for program in rechecks.PROGRAMS if rechecks.covers(program, proof)]
    return Checks(len(done), tuple(done[:SHOWN]), tuple(Program(name, TAKES[name], jobs.get(name)) for name in able))


@router.post("/proofs/{proof_id}/checks", name="check_again")
def check_again(site: SiteDep, proof_id: ProofId, checker: Annotated[str, Form()] = ENGINE) -> Response:
    with site.database.writing() as session:
        rechecks.ask(session, site.queue, proof_id, program=checker)
    return RedirectResponse(f"{site.addresses('proof', proof_id=proof_id)}#checks", HTTPStatus.SEE_OTHER)
