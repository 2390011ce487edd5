"""The table of decisions: which hold, which are in force, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.store import tables

TURN = "review"
"""Whoever changes decisions waits for whoever is at it: a row has one decision at most."""


def active(connection: sa.Connection) -> pd.DataFrame:
    """The decisions that hold, one per row at most.

    Returns:
        decision_id, sha256, sheet, row_number, verdict (linked or new), hydrant_id, note,
        decided_at, is_registered (False: the register lost the hydrant since, see `in_force`);
        objects, None where there is nothing; ordered by sha256, sheet, row_number.
    """
    frame = store.read_frame(connection, active_query())
    return frame.astype(object).where(frame.notna(), None)


def in_force(connection: sa.Connection) -> pd.DataFrame:
    """The decisions to match by: those that hold and whose hydrant the register still has.

    The others rest: nothing links to a hydrant that was removed, and the row waits for a person again. When
    the register has the hydrant again, so has the row.

    Returns:
        As `active`.
    """
    held = active(connection)
    return held[held["is_registered"].astype(bool)].reset_index(drop=True)


def active_query() -> sa.Select[Any]:
    """The query behind `active`."""
    decision, state = tables.decision.c, tables.hydrant_state.c
    columns = [column for column in decision if column.name != "revoked_at"]
    is_listed = sa.exists().where(state.hydrant_id == decision.hydrant_id, state.to_version_id.is_(None))
    is_registered = sa.or_(decision.hydrant_id.is_(None), is_listed)
    return (
        sa.select(*columns, sa.type_coerce(is_registered, sa.Boolean).label("is_registered"))
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
    with store.write(engine, turn=TURN) as connection:
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
