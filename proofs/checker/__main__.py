"""`python -m proofs.checker bundle.zip`: prints ACCEPTED or REJECTED with the reason.

Exit codes: 0 accepted, 1 rejected, 2 unreadable, beyond this checker, or wrong usage.
"""

import sys
from collections.abc import Sequence

from proofs.checker.bundle import MOST_BUNDLE_BYTES, read_bundle
from proofs.checker.refusals import Rejected, Unreadable
from proofs.checker.verdict import STATEMENTS, accept

ACCEPTED, REJECTED, UNREADABLE = 0, 1, 2


def check(data: bytes) -> tuple[int, str]:
    """The exit code and what to print about a bundle."""
    try:
        certificate, weights = read_bundle(data)
        derived = accept(certificate, weights)
    except Rejected as refusal:
        return REJECTED, f"REJECTED  {refusal}"
    except Unreadable as refusal:
        return UNREADABLE, f"UNREADABLE  {refusal}"
    claim = certificate["claim"]
    return ACCEPTED, (
        f"ACCEPTED  {certificate['strategy']['name']}, model {weights.digest}\n"
        f"At least {claim['correct']} of {claim['total']} inputs are answered correctly, at least {claim['wrong']} wrongly,\n"
        f"{STATEMENTS[certificate['statement']]}. {derived} blocks derived.\n"
        "The lengths in the certificate are the prover's word: they were not checked."
    )


def main(arguments: Sequence[str]) -> int:
    try:
        (path,) = arguments
        with open(path, "rb") as file:
            data = file.read(MOST_BUNDLE_BYTES + 1)
    except (OSError, ValueError) as error:
        print(f"UNREADABLE  {error}\nUsage: python -m proofs.checker bundle.zip", file=sys.stderr)
        return UNREADABLE
    code, text = check(data)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
