"""Reference results that people bring along, and what was found out about how a model works."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reference_results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("n_ctx", sa.Integer(), nullable=False),
        sa.Column("d_vocab", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("correct", sa.Text(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("bound", sa.Double(), nullable=False),
        sa.Column("normalised", sa.Double(), nullable=True),
        sa.Column("length", sa.Text(), nullable=True),
        sa.Column("error_bound", sa.Double(), nullable=True),
        sa.Column("search_seconds", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_results")),
        sa.UniqueConstraint("origin", "n_ctx", "d_vocab", "seed", "strategy", name="reference_key"),
    )
    op.create_index(op.f("ix_reference_results_n_ctx_d_vocab"), "reference_results", ["n_ctx", "d_vocab"], unique=False)
    op.create_table(
        "explanations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_digest", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("draws", sa.Integer(), nullable=False),
        sa.Column("story", sa.Double(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_digest"], ["models.digest"], name=op.f("fk_explanations_model_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explanations")),
        sa.UniqueConstraint("model_digest", "method", name="explanation_key"),
    )


def downgrade() -> None:
    op.drop_table("explanations")
    op.drop_table("reference_results")
