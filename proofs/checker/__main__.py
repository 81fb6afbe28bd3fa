"""`python -m proofs.checker bundle.zip`: prints ACCEPTED or REJECTED with the reason.

Exit codes: 0 accepted, 1 rejected, 2 unreadable, beyond this checker, or wrong usage.
"""

import sys
from collections.abc import Sequence

from proofs.checker.bundle import MOST_BUNDLE_BYTES, read_bundle
from proofs.checker.refusals import Rejected, Unreadable
from proofs.checker.verdict import accept

ACCEPTED, REJECTED, UNREADABLE = 0, 1, 2
USAGE = "Usage: python -m proofs.checker bundle.zip"


def check(data: bytes) -> tuple[int, str]:
    """The exit code and what to print about a bundle."""
    try:
        certificate, weights = read_bundle(data)
        found = accept(certificate, weights)
    except Rejected as refusal:
        return REJECTED, f"REJECTED  {refusal}"
    except Unreadable as refusal:
        return UNREADABLE, f"UNREADABLE  {refusal}"
    return ACCEPTED, (
        f"ACCEPTED  {certificate.strategy} ({certificate.variant}), model {weights.digest}\n"
        f"At least {found.correct} of {found.total} inputs are answered correctly, at least {found.wrong} wrongly,\n"
        f"in real arithmetic on these float32 weights. {found.derived} blocks derived."
    )


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return UNREADABLE
    try:
        with open(arguments[0], "rb") as file:
            data = file.read(MOST_BUNDLE_BYTES + 1)
    except OSError as error:
        print(f"UNREADABLE  {error}", file=sys.stderr)
        return UNREADABLE
    code, text = check(data)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
