"""Reading what was published: the progress table, and the rows behind its figures."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hydrants import reference, store
from hydrants.errors import NothingPublished, ReferenceMissing
from hydrants.store.tables import (
    current_snapshot,
    gemeente,
    hydrant_state,
    raw_row,
    record,
    snapshot,
    snapshot_hydrant,
    snapshot_progress,
    upload,
)

_TRACES = {
    "registered": "registered_trace",
    "checked": "trace",
    "ok": "trace",
    "failed": "trace",
    "remaining": "registered_trace",
}


def current_id(connection: sa.Connection) -> int | None:
    """The snapshot that readers see; None before the first."""
    return connection.execute(sa.select(current_snapshot.c.snapshot_id)).scalar()


def registered(snapshot_id: int, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Columns of a snapshot's hydrants, in order of hydrant_id.

    Of `snapshot_hydrant`, and of the register's word on the hydrant at the time (`hydrant_state`).
    """
    state = hydrant_state.c
    return (
        sa.select(*columns)
        .select_from(snapshot_hydrant)
        .join(snapshot, snapshot.c.snapshot_id == snapshot_hydrant.c.snapshot_id)
        .join(
            hydrant_state,
            (state.hydrant_id == snapshot_hydrant.c.hydrant_id)
            & (state.from_version_id <= snapshot.c.register_version_id)
            & sa.or_(state.to_version_id.is_(None), state.to_version_id > snapshot.c.register_version_id),
        )
        .where(snapshot_hydrant.c.snapshot_id == snapshot_id)
        .order_by(snapshot_hydrant.c.hydrant_id)
    )


def judged(snapshot_id: int, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The same with columns of the deciding row, if any: `raw_row`, `upload`, `record`."""
    return (
        registered(snapshot_id, *columns)
        .outerjoin(raw_row, raw_row.c.row_id == snapshot_hydrant.c.row_id)
        .outerjoin(upload, upload.c.upload_id == raw_row.c.upload_id)
        .outerjoin(record, record.c.row_id == snapshot_hydrant.c.row_id)
    )


def progress(connection: sa.Connection, snapshot_id: int | None = None) -> list[dict[str, Any]]:
    """The progress table of a snapshot (default: the current one).

    Returns:
        Per operator its gemeenten by name, then its total (nis and gemeente None): operator, nis,
        gemeente, contractor, registered, checked, ok, failed, remaining, as_of, snapshot_id.

    Raises:
        NothingPublished: when there is no snapshot yet.
    """
    snapshot_id = existing(connection, snapshot_id)
    line = snapshot_progress.c
    query = (
        sa.select(
            line.operator,
            line.nis,
            gemeente.c.name_nl.label("gemeente"),
            line.contractor,
            line.registered,
            line.checked,
            line.ok,
            line.failed,
            line.remaining,
            snapshot.c.as_of,
            line.snapshot_id,
        )
        .join(snapshot, snapshot.c.snapshot_id == line.snapshot_id)
        .outerjoin(gemeente, gemeente.c.nis == line.nis)
        .where(line.snapshot_id == snapshot_id)
        .order_by(line.position)
    )
    # SQLAlchemy's names of columns are texts of its own kind, which orjson does not take for keys
    return [{str(name): row[name] for name in row} for row in connection.execute(query).mappings()]


def trace(
    connection: sa.Connection, nis: str | None, figure: str, operator: str | None = None
) -> list[dict[str, Any]]:
    """The rows behind a figure of the current progress table, one per hydrant.

    Args:
        connection: an open transaction.
        nis: a gemeente; None for an operator's total.
        figure: registered, checked, ok, failed or remaining.
        operator: a water company; None for all.

    Returns:
        operator, nis, hydrant_id, file, sheet, row_number, sha256, inspected_on, outcome: of the
        deciding inspection, or for registered and remaining of the row in the register's export.

    Raises:
        NothingPublished: when there is no snapshot yet.
        ReferenceMissing: when there is no such figure, gemeente or operator.
    """
    for asked, known in ((figure, _TRACES), (nis, reference.gemeenten()), (operator, reference.operators())):
        if asked is not None and asked not in known:
            raise ReferenceMissing(f"unknown: {asked!r}; known: {', '.join(known)}")
    snapshot_id = existing(connection, None)
    return store.run_sql(
        connection, _TRACES[figure], snapshot_id=snapshot_id, figure=figure, nis=nis, operator=operator
    )


def existing(connection: sa.Connection, snapshot_id: int | None) -> int:
    """The number of a snapshot that is there; by default the current one.

    Raises:
        NothingPublished: when it is not.
    """
    if snapshot_id is None:
        found = current_id(connection)
        if found is None:
            raise NothingPublished("nothing is published yet: run 'hydrants night' first")
        return found
    is_it = sa.select(snapshot.c.snapshot_id).where(snapshot.c.snapshot_id == snapshot_id)
    if connection.execute(is_it).first() is None:
        raise NothingPublished(f"there is no snapshot {snapshot_id}")
    return snapshot_id
