"""The table of decisions: which hold, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.store import tables


def active(connection: sa.Connection) -> pd.DataFrame:
    """The decisions that hold, one per row at most.

    Returns:
        decision_id, sha256, sheet, row_number, verdict (linked or new), hydrant_id, note,
        decided_at; objects, None where there is nothing; ordered by sha256, sheet, row_number.
    """
    frame = store.read_frame(connection, active_query())
    return frame.astype(object).where(frame.notna(), None)


def active_query() -> sa.Select[Any]:
    """The query behind `active`."""
    decision = tables.decision.c
    columns = [column for column in decision if column.name != "revoked_at"]
    return (
        sa.select(*columns)
        .where(decision.decision_id.in_(_active_ids()))
        .order_by(decision.sha256, decision.sheet, decision.row_number)
    )


def _active_ids() -> sa.Select[tuple[int]]:
    decision = tables.decision.c
    return (
        sa.select(sa.func.max(decision.decision_id))
        .where(decision.revoked_at.is_(None))
        .group_by(decision.sha256, decision.sheet, decision.row_number)
    )


def revoke(engine: sa.Engine, decision_ids: Iterable[int]) -> int:
    """Take decisions back; those taken back already stay as they are.

    Returns:
        How many were revoked.
    """
    with store.write(engine) as connection:
        return revoke_within(connection, list(decision_ids))


def revoke_within(connection: sa.Connection, decision_ids: list[int]) -> int:
    """`revoke` as part of a transaction."""
    decision = tables.decision
    statement = (
        sa.update(decision)
        .where(decision.c.decision_id.in_(decision_ids), decision.c.revoked_at.is_(None))
        .values(revoked_at=store.utc_now())
    )
    return connection.execute(statement).rowcount
