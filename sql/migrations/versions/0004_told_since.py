"""Since which day a snapshot tells the same of a gemeente: files that say so need not be made each night.

Revision: 0004, follows 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "snapshot_gemeente",
        sa.Column("snapshot_id", BigId, nullable=False, comment="snapshot"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente"),
        sa.Column(
            "told_sha256",
            sa.String(length=64),
            nullable=False,
            comment="hash of all that is told of its hydrants",
        ),
        sa.Column(
            "told_since",
            sa.Date(),
            nullable=False,
            comment="the first day as of which every snapshot up to this one told the same",
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.snapshot_id"], name="fk_snapshot_gemeente_snapshot_id"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "nis", name="pk_snapshot_gemeente"),
        comment="What a snapshot tells of each gemeente, and since when it is the same",
    )


def downgrade() -> None:
    op.drop_table("snapshot_gemeente")
