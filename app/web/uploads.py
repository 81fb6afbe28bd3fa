"""From bytes to a stored model: streamed to disk while it is hashed, read as hostile, kept only if it is accepted.

The checkpoint's own SHA-256 names the file; `Model.digest` identifies the model, so the same weights in another file are
the same model.
"""

from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from app.errors import RefusedUpload, TooLarge, UnreadableUpload, UnsupportedUpload
from app.storage import models
from app.storage.blobs import Incoming
from app.storage.records import ModelRecord, NewModel
from app.web.site import Site
from proofs.checkpoint import read_model
from proofs.errors import UnreadableCheckpoint, UnsupportedModel
from proofs.prove import task_of

WRITE_BYTES = 2**20
"""Pieces from the network are gathered to this size: one hop to a thread for each write."""


async def receive(
    site: Site, pieces: AsyncIterator[bytes], name: str, *, sha256: str | None = None
) -> tuple[ModelRecord, bool]:
    """The stored model and whether it is new. Raises `RefusedUpload` with what to do, and then stores nothing."""
    with site.blobs.incoming() as blob:
        gathered = bytearray()
        async for piece in pieces:
            gathered += piece
            if len(gathered) >= WRITE_BYTES:
                await run_in_threadpool(_write, site, blob, bytes(gathered))
                gathered.clear()
        await run_in_threadpool(_write, site, blob, bytes(gathered))
        if sha256 is not None and blob.digest != sha256:
            raise RefusedUpload(
                f"The file that arrived has SHA-256 {blob.digest}, not the announced one. Send it again."
            )
        new = await run_in_threadpool(_accepted, blob, name)
    return await run_in_threadpool(_stored, site, new)


def _write(site: Site, blob: Incoming, piece: bytes) -> None:
    if blob.size + len(piece) > site.settings.upload_max_bytes:
        raise TooLarge(
            f"The file has more than the {site.settings.upload_max_bytes:,} bytes that are accepted. "
            "Upload the weights only, without optimiser state."
        )
    blob.write(piece)


def _accepted(blob: Incoming, name: str) -> NewModel:
    try:
        model = read_model(blob.content())
    except UnreadableCheckpoint as error:
        raise UnreadableUpload(str(error)) from error
    except UnsupportedModel as error:
        raise UnsupportedUpload(str(error)) from error
    return NewModel(
        digest=model.digest,
        name=name,
        task=task_of(model).name,
        n_ctx=model.n_ctx,
        d_vocab=model.d_vocab,
        d_model=model.d_model,
        d_head=model.d_head,
        has_biases=model.has_biases,
        source="upload",
        blob=blob.keep(),
        size_bytes=blob.size,
    )


def _stored(site: Site, new: NewModel) -> tuple[ModelRecord, bool]:
    with site.database.writing() as session:
        return models.add(session, new)


def name_of(given: str | None, file_name: str | None) -> str:
    """A name for a model: the person's, else the file's, else something to rename. Only ever text, never a path."""
    own = " ".join((given or "").split())
    from_file = (file_name or "").replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".safetensors")
    return (own or " ".join(from_file.split()) or "unnamed model")[: models.MAX_NAME_LENGTH]
