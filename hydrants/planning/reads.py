"""What is read of a plan."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import store
from hydrants.errors import NothingPublished
from hydrants.store.tables import current_snapshot, snapshot

Stop = dict[str, Any]


class Batch(NamedTuple):
    """What one list is of: a firm, and the NIS code of a gemeente."""

    contractor: str
    nis: str

    def of(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Whether a row is of this batch."""
        return (table.c.contractor == self.contractor) & (table.c.nis == self.nis)


def stops(
    connection: sa.Connection,
    nis: str | None = None,
    contractor: str | None = None,
    *,
    snapshot_id: int | None = None,
) -> list[Stop]:
    """The planned stops of a snapshot (default: the current one).

    Args:
        connection: an open transaction.
        nis: only this gemeente.
        contractor: only this firm.
        snapshot_id: another snapshot.

    Returns:
        contractor, nis, gemeente, sequence, hydrant_id, leg_m, x_l72, y_l72, street_names,
        hydrant_type, diameter_mm, tried_on; in the order of contractor, nis, sequence.

    Raises:
        NothingPublished: when there is no such snapshot.
    """
    snapshot_id = existing(connection, snapshot_id)
    return store.run_sql(connection, "stops", snapshot_id=snapshot_id, nis=nis, contractor=contractor)


def existing(connection: sa.Connection, snapshot_id: int | None) -> int:
    """A snapshot's number; that of the current one for None.

    Raises:
        NothingPublished: when there is no such snapshot.
    """
    if snapshot_id is None:
        snapshot_id = connection.execute(sa.select(current_snapshot.c.snapshot_id)).scalar()
        if snapshot_id is None:
            raise NothingPublished("nothing is published yet, so there is nothing to plan")
    elif (
        connection.execute(
            sa.select(snapshot.c.snapshot_id).where(snapshot.c.snapshot_id == snapshot_id)
        ).scalar()
        is None
    ):
        raise NothingPublished(f"there is no snapshot {snapshot_id}")
    return snapshot_id
