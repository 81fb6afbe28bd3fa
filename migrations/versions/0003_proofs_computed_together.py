"""Proofs that one job computes together."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proofs", sa.Column("leader", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_proofs_leader"), "proofs", ["leader"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_proofs_leader"), table_name="proofs")
    op.drop_column("proofs", "leader")
