"""Models: one row for each set of weights, whatever file they came in.

A model's digest never changes; its name, notes and tags may. Its accuracy and best bound are written by `attempts.finish`
only. Callers own the transaction; nothing here commits.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.errors import ChangedMeanwhile, InvalidParameter, ModelNotFound
from app.storage import filters as conditions
from app.storage import keyset, proof_rows
from app.storage.columns import canonical, storable
from app.storage.records import Accuracy, Filter, ModelRecord, NewModel, Page
from app.storage.tables import ModelRow

MAX_NAME_LENGTH = 200
MAX_NOTES_LENGTH = 20_000
MAX_TAGS = 50
MAX_TAG_LENGTH = 64

SORTS: keyset.Columns = {
    "created_at": ModelRow.created_at,
    "name": ModelRow.name,
    "best_bound": ModelRow.best_bound,
    "accuracy": ModelRow.accuracy,
    "proofs_done": ModelRow.proofs_done,
    "n_ctx": ModelRow.n_ctx,
    "d_vocab": ModelRow.d_vocab,
}
FIELDS: conditions.Columns = {
    **SORTS,
    "digest": ModelRow.digest,
    "blob": ModelRow.blob,
    "task": ModelRow.task,
    "d_model": ModelRow.d_model,
    "d_head": ModelRow.d_head,
    "has_biases": ModelRow.has_biases,
    "seed": ModelRow.seed,
    "source": ModelRow.source,
    "notes": ModelRow.notes,
    "tags": ModelRow.tags,
}


def add(session: Session, new: NewModel) -> tuple[ModelRecord, bool]:
    """The stored model, and whether it is new: False if the same weights are already there (they keep their name)."""
    name, notes, tags = _name(new.name), _notes(new.notes), _tags(new.tags)
    proof_rows.next_revision(session)
    total = new.d_vocab**new.n_ctx
    inserted = session.scalar(
        _insert(session)
        .values(
            digest=new.digest, name=name, task=new.task, n_ctx=new.n_ctx, d_vocab=new.d_vocab, d_model=new.d_model,
            d_head=new.d_head, has_biases=new.has_biases, seed=new.seed, source=new.source, blob=new.blob,
            size_bytes=new.size_bytes, total=total, accuracy_lower=0, accuracy_upper=total, accuracy=0.0, proofs_done=0,
            best_bound=None, notes=notes, tags=tags, created_at=datetime.now(UTC),
        )
        .on_conflict_do_nothing(index_elements=[ModelRow.digest])
        .returning(ModelRow.id)
    )  # fmt: skip
    return get(session, new.digest), inserted is not None


def get(session: Session, digest: str) -> ModelRecord:
    """Raises `ModelNotFound`."""
    row = session.scalar(sa.select(ModelRow).where(ModelRow.digest == digest))
    if row is None:
        raise ModelNotFound(f"There is no model {digest[:70]!r}. The list of models shows those that are stored.")
    return record(row)


def find_by_blob(session: Session, blob: str) -> ModelRecord | None:
    """The model that came in a file with this SHA-256: a client that asks first need not send it again."""
    row = session.scalar(sa.select(ModelRow).where(ModelRow.blob == blob).limit(1))
    return None if row is None else record(row)


def page(
    session: Session,
    *,
    filters: Sequence[Filter] = (),
    sort: str = "-created_at",
    next: str | None = None,
    limit: int = 100,
) -> Page[ModelRecord]:
    """Raises `InvalidParameter` for an unknown field, sort or `next`."""
    query = sa.select(ModelRow).where(*conditions.where(FIELDS, filters))
    order = keyset.sort_of(SORTS, ModelRow.id, sort)
    found, following = keyset.rows(session, query, order, next=next, limit=limit)
    return Page([record(row) for row in found], following, total(session, filters))


def total(session: Session, filters: Sequence[Filter] = ()) -> int:
    """How many models there are that fit."""
    return session.scalar(sa.select(sa.func.count(ModelRow.id)).where(*conditions.where(FIELDS, filters))) or 0


def annotate(
    session: Session,
    digest: str,
    *,
    name: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    expected: Collection[str] | None = None,
) -> ModelRecord:
    """Changes what is given and leaves the rest. Raises `ModelNotFound` or `InvalidParameter`, or `ChangedMeanwhile` if the
    present version is none of those that are `expected`."""
    proof_rows.next_revision(session)
    row = session.scalar(sa.select(ModelRow).where(ModelRow.digest == digest).with_for_update())
    if row is None:
        raise ModelNotFound(f"There is no model {digest[:70]!r}. The list of models shows those that are stored.")
    if expected is not None and version(record(row)) not in expected:
        raise ChangedMeanwhile
    row.name = row.name if name is None else _name(name)
    row.notes = row.notes if notes is None else _notes(notes)
    row.tags = row.tags if tags is None else _tags(tags)
    session.flush()
    return record(row)


def version(model: ModelRecord) -> str:
    """Of what people write about a model: changes with its name, notes and tags, and with nothing else."""
    return hashlib.sha256(canonical([model.name, model.notes, list(model.tags)]).encode()).hexdigest()[:16]


def record(row: ModelRow) -> ModelRecord:
    exact = row.accuracy_lower == row.accuracy_upper
    known = row.accuracy_lower > 0 or row.accuracy_upper < row.total
    return ModelRecord(
        digest=row.digest,
        name=row.name,
        task=row.task,
        n_ctx=row.n_ctx,
        d_vocab=row.d_vocab,
        d_model=row.d_model,
        d_head=row.d_head,
        has_biases=row.has_biases,
        seed=row.seed,
        source=row.source,
        blob=row.blob,
        size_bytes=row.size_bytes,
        accuracy=Accuracy(
            row.accuracy_lower, row.accuracy_upper, row.total, "exact" if exact else "proved" if known else "unknown"
        ),
        notes=row.notes,
        tags=tuple(row.tags),
        created_at=row.created_at,
        proofs_done=row.proofs_done,
        best_bound=row.best_bound,
    )


def _insert(session: Session) -> postgresql.Insert | sqlite.Insert:
    """Both databases know ON CONFLICT, each by its own dialect."""
    return sqlite.insert(ModelRow) if session.get_bind().dialect.name == "sqlite" else postgresql.insert(ModelRow)


def _name(name: str) -> str:
    name = " ".join(storable(name).split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise InvalidParameter(f"A name needs from 1 to {MAX_NAME_LENGTH} characters; this one has {len(name):,}.")
    return name


def _notes(notes: str) -> str:
    if len(notes) > MAX_NOTES_LENGTH:
        raise InvalidParameter(f"Notes may have {MAX_NOTES_LENGTH:,} characters; these have {len(notes):,}.")
    return storable(notes)


def _tags(tags: Sequence[str]) -> list[str]:
    """Each once, in alphabetical order."""
    cleaned = sorted({" ".join(storable(tag).split()) for tag in tags} - {""})
    if len(cleaned) > MAX_TAGS:
        raise InvalidParameter(f"A model may have {MAX_TAGS} tags; these are {len(cleaned)}.")
    long = [tag for tag in cleaned if len(tag) > MAX_TAG_LENGTH]
    if long:
        raise InvalidParameter(f"A tag may have {MAX_TAG_LENGTH} characters; {long[0][:20]!r}… has {len(long[0]):,}.")
    return cleaned
