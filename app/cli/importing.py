"""`proofboard import`: a results file into the database, whole or not at all."""

from app.errors import InvalidParameter
from app.published.results import MalformedResults, decoded, read
from app.settings import Settings
from app.storage import engine, reference_results
from app.storage.reference_results import NewResult
from proofs.task import MaxOfK


class Refused(Exception):
    """The file or the name cannot be taken; nothing was imported."""


def load(settings: Settings, content: bytes, *, name: str, n_ctx: int, d_vocab: int) -> int:
    """How many rows were imported. Raises `Refused`, and then stores nothing."""
    try:
        found = [NewResult(**vars(one), bound=one.bound) for one in read(decoded(content), MaxOfK(d_vocab, n_ctx))]
    except MalformedResults as error:
        raise Refused(str(error)) from error
    database = engine.connect(settings.database_url)
    try:
        engine.require_current(database)
        with database.writing() as session:
            reference_results.put(session, origin=name, n_ctx=n_ctx, d_vocab=d_vocab, results=found)
    except InvalidParameter as error:
        raise Refused(error.message) from error
    finally:
        database.dispose()
    return len(found)
