"""The journal: which of its events the store holds, and what only they say.

Revision: 0002, follows 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

KNOWN = ("upload", "register_version", "decision", "release", "geocoder_answer", "snapshot")
"""Where one of these has rows, the store was in use before there was a journal."""

STAGE_STATE = sa.table(
    "stage_state",
    sa.column("stage", sa.Text()),
    sa.column("scope", sa.Text()),
    sa.column("fingerprint", sa.String()),
    sa.column("finished_at", sa.DateTime(timezone=True)),
    sa.column("counts", sa.JSON()),
)


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column(
            "name",
            Text,
            nullable=False,
            comment="name of its file, without suffix: events are in this order",
        ),
        sa.Column("kind", Text, nullable=False, comment="what sort of event, such as received or decisions"),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False, comment="when, UTC"),
        sa.PrimaryKeyConstraint("name", name="pk_event"),
        comment="The events of the journal in LANDING that this store holds",
    )
    op.create_table(
        "publication",
        sa.Column(
            "snapshot_id",
            BigId,
            autoincrement=False,
            nullable=False,
            comment="number of the snapshot, and of its folder in SITE",
        ),
        sa.Column("fingerprint", sa.String(length=64), nullable=False, comment="as in snapshot"),
        sa.Column("as_of", sa.Date(), nullable=False, comment="the day the figures speak of"),
        sa.Column("campaign_start", sa.Date(), nullable=False, comment="first day of the campaign"),
        sa.Column("campaign_end", sa.Date(), nullable=False, comment="last day of the campaign"),
        sa.Column("event", Text, nullable=False, comment="event of the journal that says so"),
        sa.PrimaryKeyConstraint("snapshot_id", name="pk_publication"),
        comment=(
            "Every number that a snapshot was ever published under, also when its rows are gone or the store "
            "is new"
        ),
    )
    op.create_table(
        "receipt_mail",
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=False,
            comment="hash of the file, so that it holds in a rebuilt database too",
        ),
        sa.Column("contractor", Text, nullable=False, comment="firm that the mail went to"),
        sa.Column("says", sa.String(length=64), nullable=False, comment="hash of what the receipt said"),
        sa.Column(
            "mailed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the mail was composed, UTC",
        ),
        sa.Column("event", Text, nullable=False, comment="event of the journal that says so"),
        sa.PrimaryKeyConstraint("sha256", "contractor", name="pk_receipt_mail"),
        comment="What was last sent by mail about each content, so that nothing is sent twice",
    )
    op.add_column(
        "delivery",
        sa.Column("event", Text, nullable=True, comment="latest event of the journal that speaks of it"),
    )

    if not op.get_bind().execute(sa.select(sa.or_(*map(_has_rows, KNOWN)))).scalar():
        op.get_bind().execute(
            sa.insert(STAGE_STATE).values(
                stage="journal",
                scope="before",
                fingerprint="before",
                finished_at=sa.func.current_timestamp(),
                counts={},
            )
        )


def _has_rows(table: str) -> sa.ColumnElement[bool]:
    return sa.exists(sa.select(sa.literal(1)).select_from(sa.table(table)))


def downgrade() -> None:
    op.execute("DELETE FROM stage_state WHERE stage = 'journal'")
    _forget_event_of_addresses()
    op.drop_column("delivery", "event")
    op.drop_table("receipt_mail")
    op.drop_table("publication")
    op.drop_table("event")


def _forget_event_of_addresses() -> None:
    """Which addresses were loaded last stood in an event; before, only a file loaded by hand was remembered."""
    state, connection = STAGE_STATE.c, op.get_bind()
    of_addresses = state.stage == "addresses"
    is_last, is_by_hand = (
        of_addresses & (state.scope == "loaded last"),
        of_addresses & (state.scope == "by hand"),
    )
    loaded = connection.execute(sa.select(state.counts).where(is_last)).scalar()
    if loaded is None:
        return
    connection.execute(sa.delete(STAGE_STATE).where(is_by_hand))
    if loaded["instead_of"] is None:
        connection.execute(sa.delete(STAGE_STATE).where(is_last))
        return
    by_hand = {"file": loaded["file_name"], "sha256": loaded["sha256"], "instead_of": loaded["instead_of"]}
    connection.execute(sa.update(STAGE_STATE).where(is_last).values(scope="by hand", counts=by_hand))
