"""Indexes for lists of a hundred thousand proofs: a state in the order of the list, and boxes of length and bound."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = (("state", "id"), ("bound", "id"), ("length", "id"))
AFTER = (("state", "requested_at", "id"), ("bound", "id", "length"), ("length", "id", "bound"))


def upgrade() -> None:
    _replace(BEFORE, AFTER)


def downgrade() -> None:
    _replace(AFTER, BEFORE)


def _replace(old: tuple[tuple[str, ...], ...], new: tuple[tuple[str, ...], ...]) -> None:
    for columns in old:
        op.drop_index(_name(columns), table_name="proofs")
    for columns in new:
        op.create_index(_name(columns), "proofs", list(columns), unique=False)


def _name(columns: tuple[str, ...]) -> str:
    return str(op.f(f"ix_proofs_{'_'.join(columns)}"))
