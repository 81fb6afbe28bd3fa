"""A stored claim checked once more, by the engine or by the independent checker, with the answer of whichever it was."""

from dataclasses import dataclass
from time import perf_counter

from proofs.certificate import bundle, read
from proofs.checker.__main__ import REJECTED, UNREADABLE, check
from proofs.checkpoint import read_model
from proofs.errors import NotReproduced, ProofError
from proofs.questions import ENGINE
from proofs.recheck import recheck
from worker.limits import Report
from worker.messages import Request, write
from worker.run import peak_memory_mb, stored


@dataclass(frozen=True)
class Answer:
    accepted: bool | None
    """None: this program cannot tell."""
    message: str = ""


def check_again(request: Request, report: Report) -> bytes:
    """Reads what is stored and says `proved`, `refused`, or `not-applicable` where the checker cannot tell."""
    claimed = request.claimed
    if claimed is None:
        raise ValueError("There is no claim to check.")
    started = perf_counter()
    found = examine(
        str(request.parameters["checker"]),
        stored("certificate", claimed.certificate, claimed.blob),
        stored("checkpoint", request.checkpoint, request.blob),
        claimed=(claimed.correct, claimed.wrong),
        report=report,
    )
    said = {
        "verdict": {True: "proved", False: "refused", None: "not-applicable"}[found.accepted],
        "message": found.message,
        "seconds": perf_counter() - started,
        "peak_memory_mb": peak_memory_mb(),
    }
    return write((said, b""))


def examine(
    program: str,
    certificate: bytes,
    checkpoint: bytes,
    *,
    claimed: tuple[int, int],
    report: Report = lambda done, of: None,
) -> Answer:
    """`claimed` are the right and wrong inputs that the database says are proved."""
    try:
        read_certificate = read(certificate)
        found = read_certificate.correct, read_certificate.wrong
        if found != claimed:
            return Answer(
                False,
                f"The certificate claims {found[0]:,} right and {found[1]:,} wrong inputs, the stored proof "
                f"{claimed[0]:,} and {claimed[1]:,}.",
            )
        if program == ENGINE:
            recheck(read_certificate, read_model(checkpoint), report=report)
            return Answer(True)
        code, text = check(bundle(certificate, checkpoint))
    except NotReproduced as reason:
        return Answer(None, str(reason))
    except ProofError as refusal:
        return Answer(False, str(refusal))
    if code == UNREADABLE:
        return Answer(None, text)
    return Answer(False, text) if code == REJECTED else Answer(True)
