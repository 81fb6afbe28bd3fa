"""Why a result counts for nothing; who asked for a check, and checks that ended without an answer.

Until now an alarm was on one side of a contradiction only, on published floats too, and not on what a checker had refused.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("proofs", sa.Column("doubt", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_proofs_doubt"), "proofs", ["doubt"], unique=False)
    op.create_index(op.f("ix_proofs_strategy_state"), "proofs", ["strategy", "state"], unique=False)
    with op.batch_alter_table("checks") as batch:
        batch.add_column(sa.Column("asked_by", sa.String(length=200), nullable=False, server_default="local"))
        batch.alter_column("accepted", existing_type=sa.Boolean(), nullable=True)
    with op.batch_alter_table("checks") as batch:
        batch.alter_column("asked_by", existing_type=sa.String(length=200), server_default=None)
    connection = op.get_bind()
    for digest, total in _suspects(connection):
        _settle(connection, digest, int(total))


def downgrade() -> None:
    op.execute("DELETE FROM checks WHERE accepted IS NULL")
    with op.batch_alter_table("checks") as batch:
        batch.alter_column("accepted", existing_type=sa.Boolean(), nullable=False)
        batch.drop_column("asked_by")
    op.drop_index(op.f("ix_proofs_strategy_state"), table_name="proofs")
    op.drop_index(op.f("ix_proofs_doubt"), table_name="proofs")
    op.drop_column("proofs", "doubt")


def _suspects(connection: sa.Connection) -> list[Any]:
    """Models with an alarm, or with a proof whose present certificate was refused."""
    return list(
        connection.execute(
            sa.text(
                "SELECT digest, total FROM models WHERE EXISTS (SELECT 1 FROM proofs WHERE model_digest = digest AND "
                "(soundness_alarm OR EXISTS (SELECT 1 FROM checks WHERE proof_id = proofs.id AND NOT accepted)))"
            )
        )
    )


def _settle(connection: sa.Connection, digest: str, total: int) -> None:
    """As `app.storage.consequences` had it when this was written."""
    proofs = {
        row.id: (row.trust == "proved", int(row.correct), int(row.wrong or 0))
        for row in connection.execute(
            sa.text(
                "SELECT id, trust, correct, wrong FROM proofs WHERE model_digest = :digest AND correct IS NOT NULL"
            ),
            {"digest": digest},
        )
    }
    doubts = dict(_doubts(total, proofs, _last_words(connection, digest)))
    sound = [one for number, one in proofs.items() if one[0] and number not in doubts]
    lower, wrong = max((one[1] for one in sound), default=0), max((one[2] for one in sound), default=0)
    doubts |= {number: "above-truth" for number, one in proofs.items() if not one[0] and one[1] > total - wrong}
    connection.execute(
        sa.text(
            "UPDATE models SET accuracy_lower = :lower, accuracy_upper = :upper, accuracy = :accuracy, best_bound = :best "
            "WHERE digest = :digest"
        ),
        {
            "lower": str(lower), "upper": str(total - wrong), "accuracy": _down(lower, total),
            "best": _down(lower, total) if sound else None, "digest": digest,
        },
    )  # fmt: skip
    upper = total - wrong
    basis = "exact" if lower == upper else None if upper == total else "proved"
    for number, (_, correct, _wrong) in proofs.items():
        doubt = doubts.get(number)
        is_compared = doubt is None and basis is not None and upper > 0
        connection.execute(
            sa.text(
                "UPDATE proofs SET doubt = :doubt, soundness_alarm = :alarm, tightness = :tightness, "
                "tightness_basis = :basis WHERE id = :id"
            ),
            {
                "doubt": doubt, "alarm": doubt in ("refused", "contradicted"), "id": number,
                "tightness": _down(correct, upper) if is_compared else None, "basis": basis if is_compared else None,
            },
        )  # fmt: skip


def _doubts(total: int, proofs: dict[int, Any], words: dict[int, dict[str, bool]]) -> Iterator[tuple[int, str]]:
    refused = {number for number in proofs if False in words[number].values()}
    yield from ((number, "refused") for number in refused)
    proved = {number: one for number, one in proofs.items() if one[0]}
    for number in set(proved) - refused:
        believed = refused if words[number] else set()
        others = [one for other, one in proved.items() if other not in believed]
        most_right, most_wrong = max(one[1] for one in others), max(one[2] for one in others)
        if proved[number][1] + most_wrong > total or proved[number][2] + most_right > total:
            yield number, "contradicted"


def _last_words(connection: sa.Connection, digest: str) -> dict[int, dict[str, bool]]:
    words: dict[int, dict[str, bool]] = defaultdict(dict)
    for row in connection.execute(
        sa.text(
            "SELECT proof_id, checker, accepted FROM checks JOIN proofs ON proofs.id = proof_id "
            "AND proofs.certificate = checks.certificate WHERE model_digest = :digest ORDER BY checks.id"
        ),
        {"digest": digest},
    ):
        words[row.proof_id][row.checker.rpartition(" ")[0]] = bool(row.accepted)
    return words


def _down(count: int, total: int) -> float:
    """count / total, rounded down."""
    return (count * 2**52 // total) / 2**52
