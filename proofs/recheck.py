"""The engine's own second look at a certificate: the same theorem again, with the certificate's hints.

Fast, and not independent: a slip in the engine would be made twice. `proofs.checker` is the other road.
"""

from collections.abc import Callable

from proofs import ENGINE_VERSION
from proofs.certificate import Certificate
from proofs.errors import CheckRefused, InvalidCertificate, NotReproduced
from proofs.model import Model
from proofs.prove import prove
from proofs.strategies import BY_NAME


def recheck(
    certificate: Certificate, model: Model, *, report: Callable[[int, int], None] = lambda done, of: None
) -> None:
    """Returns if every block's claim follows again. Raises `CheckRefused` with what was expected and found if not,
    `NotReproduced` if an engine of another version claimed it (bins and shells may differ, so that may be no fault),
    `InvalidCertificate` if it is about other weights, and what `prove` raises."""
    if certificate.model_digest != model.digest:
        raise InvalidCertificate(
            f"The certificate is about other weights: expected {model.digest}, found {certificate.model_digest}."
        )
    again = prove(model, BY_NAME[certificate.strategy], certificate.variant, hints=certificate.hints, report=report)
    for row in again.bound.blocks:
        wrong = row.wrong or (0,) * model.d_vocab
        for maximum in range(row.query, model.d_vocab):
            offset = maximum - row.query
            right = certificate.blocks_correct[row.query][offset]
            refuted = certificate.blocks_wrong[row.query][offset]
            if right > row.certified[maximum] or refuted > wrong[maximum]:
                found = (
                    f"Block ({row.query}, {maximum}): expected at most {row.certified[maximum]} right and {wrong[maximum]} "
                    f"wrong inputs, found {right} and {refuted} claimed."
                )
                if certificate.engine_version != ENGINE_VERSION:
                    raise NotReproduced(
                        f"{found} Engine {certificate.engine_version} claimed it; this is engine {ENGINE_VERSION}, which may "
                        "count more coarsely. Ask the independent checker."
                    )
                raise CheckRefused(found)
