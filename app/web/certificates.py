"""Reads the counts out of a stored certificate, for display, and packs it for those who want to check it themselves."""

from app.errors import DamagedBlob
from proofs import certificate
from proofs.bound import Bound, Counts
from proofs.errors import CheckRefused, InvalidCertificate
from proofs.strategies import Variant
from proofs.task import MaxOfK


def blocks(content: bytes, task: MaxOfK) -> tuple[Counts, ...]:
    """What a proof certified, query by query. Raises `DamagedBlob` for anything that cannot be true of the task."""
    try:
        found = certificate.read(content)
        rows = zip(found.blocks_correct, found.blocks_wrong, strict=True)
        return Bound.of(
            task, [Counts(q, (0,) * q + right, (0,) * q + wrong) for q, (right, wrong) in enumerate(rows)]
        ).blocks
    except (CheckRefused, InvalidCertificate) as error:
        raise DamagedBlob(f"The certificate cannot be read: {error} Request the proof again.") from error


def bundle(content: bytes, checkpoint: bytes) -> bytes:
    """The certificate and the checkpoint as one file that `python -m proofs.checker` reads."""
    return certificate.bundle(content, checkpoint)


def statement(variant: str) -> str:
    """The name of what certificates of this variant are about."""
    return certificate.STATEMENTS[Variant(variant)]


def bundle_bytes(certificate_bytes: int, checkpoint_bytes: int) -> int:
    """How large the bundle of files of these sizes is: it holds them as they are."""
    return len(certificate.bundle(b"", b"")) + certificate_bytes + checkpoint_bytes
