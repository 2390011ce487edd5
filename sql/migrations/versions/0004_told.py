"""What each snapshot told of a gemeente, and since when: files that say so need not be made each night.

Revision: 0004, follows 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "publication",
        sa.Column(
            "told",
            sa.JSON(),
            nullable=True,
            comment=(
                "by NIS code a hash of all that it told of the hydrants, and the first day as of which every "
                "snapshot up to it told the same; empty when that was not written down yet"
            ),
        ),
    )


def downgrade() -> None:
    op.drop_column("publication", "told")
