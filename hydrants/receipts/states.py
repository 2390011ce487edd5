"""What the receipts say, as it was remembered when they were written."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hydrants.store.tables import stage_state

STAGE = "receipts"

_SCOPE = "upload:"


def scope(upload_id: int) -> str:
    """The scope of an upload's receipt in `stage_state`."""
    return f"{_SCOPE}{upload_id}"


def state(connection: sa.Connection, upload_id: int) -> Any:
    """The row of `stage_state` of an upload's receipt; None before the first."""
    query = sa.select(stage_state).where(
        stage_state.c.stage == STAGE, stage_state.c.scope == scope(upload_id)
    )
    return connection.execute(query).first()


def told(connection: sa.Connection) -> dict[int, dict[str, Any]]:
    """By upload_id: format, the figures of `facts.Counts`, bytes by suffix, and a hash of what it says."""
    query = sa.select(stage_state.c.scope, stage_state.c.counts).where(stage_state.c.stage == STAGE)
    return {int(row.scope.removeprefix(_SCOPE)): row.counts for row in connection.execute(query)}
