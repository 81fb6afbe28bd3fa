"""Models, proofs, the revision counter and the workers' heartbeats."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.String(length=64), nullable=False),
        sa.Column("n_ctx", sa.Integer(), nullable=False),
        sa.Column("d_vocab", sa.Integer(), nullable=False),
        sa.Column("d_model", sa.Integer(), nullable=False),
        sa.Column("d_head", sa.Integer(), nullable=False),
        sa.Column("has_biases", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("blob", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("accuracy_lower", sa.Text(), nullable=False),
        sa.Column("accuracy_upper", sa.Text(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=False),
        sa.Column("proofs_done", sa.Integer(), nullable=False),
        sa.Column("best_bound", sa.Double(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("digest", name=op.f("uq_models_digest")),
    )
    op.create_index(op.f("ix_models_best_bound_id"), "models", ["best_bound", "id"], unique=False)
    op.create_index(op.f("ix_models_created_at_id"), "models", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_models_name_id"), "models", ["name", "id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_revision_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
    )
    op.create_table(
        "workers",
        sa.Column("executor", sa.String(length=200), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("beat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("executor", name=op.f("pk_workers")),
    )
    op.create_table(
        "proofs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_digest", sa.String(length=64), nullable=False),
        sa.Column("strategy", sa.String(length=200), nullable=False),
        sa.Column("family", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("engine_version", sa.String(length=64), nullable=False),
        sa.Column("trust", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("total", sa.Text(), nullable=False),
        sa.Column("correct", sa.Text(), nullable=True),
        sa.Column("wrong", sa.Text(), nullable=True),
        sa.Column("bound", sa.Double(), nullable=True),
        sa.Column("tightness", sa.Double(), nullable=True),
        sa.Column("tightness_basis", sa.String(length=64), nullable=True),
        sa.Column("soundness_alarm", sa.Boolean(), nullable=False),
        sa.Column("length_measured", sa.Text(), nullable=True),
        sa.Column("length_reference", sa.Text(), nullable=True),
        sa.Column("length", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("search_seconds", sa.Double(), nullable=True),
        sa.Column("peak_memory_mb", sa.Double(), nullable=True),
        sa.Column("certificate", sa.String(length=64), nullable=True),
        sa.Column("certificate_bytes", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_digest"], ["models.digest"], name=op.f("fk_proofs_model_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
        sa.UniqueConstraint("model_digest", "strategy", "variant", "parameters", "engine_version", name="natural_key"),
    )
    op.create_index(op.f("ix_proofs_bound_id"), "proofs", ["bound", "id"], unique=False)
    op.create_index(op.f("ix_proofs_length_id"), "proofs", ["length", "id"], unique=False)
    op.create_index(op.f("ix_proofs_model_digest_bound_id"), "proofs", ["model_digest", "bound", "id"], unique=False)
    op.create_index(op.f("ix_proofs_requested_at_id"), "proofs", ["requested_at", "id"], unique=False)
    op.create_index(op.f("ix_proofs_revision"), "proofs", ["revision"], unique=False)
    op.create_index(op.f("ix_proofs_seconds_id"), "proofs", ["seconds", "id"], unique=False)
    op.create_index(op.f("ix_proofs_soundness_alarm_id"), "proofs", ["soundness_alarm", "id"], unique=False)
    op.create_index(op.f("ix_proofs_state_id"), "proofs", ["state", "id"], unique=False)
    op.create_index(op.f("ix_proofs_tightness_id"), "proofs", ["tightness", "id"], unique=False)
    op.execute("INSERT INTO revision (id, last) VALUES (1, 0)")


def downgrade() -> None:
    op.drop_table("proofs")
    op.drop_table("workers")
    op.drop_table("revision")
    op.drop_table("models")
