"""What can go wrong, one class each: its HTTP status, its stable code, and its docstring as the default message.

Raised wherever it is noticed; turned into an answer by one handler in `app.web`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar


@dataclass(frozen=True)
class Detail:
    """One of several things that are wrong: where, and what to do."""

    field: str
    message: str


class AppError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal-error"
    retry_after_s: ClassVar[int | None] = None
    """Seconds after which the same request may succeed; None where trying again is no use."""

    def __init__(self, message: str | None = None, *, errors: Sequence[Detail] = ()) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.errors = tuple(errors)
        super().__init__(self.message)


class BadRequest(AppError):
    """The request could not be understood."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad-request"


class InvalidParameter(BadRequest):
    """A parameter has a value that is not accepted."""

    code = "invalid-parameter"


class NotFound(AppError):
    """There is nothing at this address."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"


class ModelNotFound(NotFound):
    """There is no model with this digest. The list of models shows those that are stored."""

    code = "model-not-found"


class ProofNotFound(NotFound):
    """There is no proof with this number. The queue page lists those that were requested."""

    code = "proof-not-found"


class BlobNotFound(NotFound):
    """The file is not in the blob store: restore it from a backup or upload it again."""

    code = "blob-not-found"


class Conflict(AppError):
    """The request does not fit the present state."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class AlreadyFinished(Conflict):
    """The proof has already ended, so there is nothing to cancel."""

    code = "already-finished"


class ChangedMeanwhile(AppError):
    """Somebody changed it since it was read, so nothing was changed now: read it again, then send the change with the new ETag."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "changed-meanwhile"


class UnknownStrategy(AppError):
    """There is no such strategy. The strategies page lists those that exist."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unknown-strategy"


class UnknownVariant(AppError):
    """The strategy has no such variant. The strategies page lists the variants of each."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unknown-variant"


class RefusedUpload(AppError):
    """The checkpoint was refused."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "refused-upload"


class UnreadableUpload(RefusedUpload):
    """The file is not a well-formed safetensors file. Save it again with the safetensors library."""

    code = "unreadable-checkpoint"


class UnsupportedUpload(RefusedUpload):
    """The file is readable, but the proofs do not cover the model in it."""

    code = "unsupported-model"


class DamagedBlob(AppError):
    """A stored file no longer has the content it was stored under: restore it from a backup or upload it again."""

    code = "damaged-blob"


class TooLarge(AppError):
    """The upload is larger than this server accepts."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too-large"


class StorageFull(AppError):
    """The disk is full. Nothing was stored: free some space, then try again."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    code = "storage-full"


class DatabaseBusy(AppError):
    """The database is locked or cannot be reached. Nothing was changed: try again in a few seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "database-busy"
    retry_after_s = 5


class DatabaseOutdated(AppError):
    """The database has another schema than this version needs. Run `proofboard db upgrade`, then start again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "database-outdated"
    retry_after_s = 5
