"""What the API asks the store, each time of some gemeenten only."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hydrants.store.tables import (
    current_snapshot,
    gemeente,
    hydrant_state,
    snapshot,
    snapshot_hydrant,
    snapshot_progress,
)

FIGURES = ("registered", "checked", "ok", "failed", "remaining")
_own = snapshot_hydrant.c


class Sort(StrEnum):
    """What a list of hydrants may be sorted by; ties by hydrant_id."""

    hydrant_id = "hydrant_id"
    hydrant_id_down = "-hydrant_id"
    status = "status"
    status_down = "-status"
    inspected_on = "inspected_on"
    inspected_on_down = "-inspected_on"


def current(connection: sa.Connection) -> dict[str, Any] | None:
    """The snapshot that readers see: snapshot_id, as_of; None before the first."""
    query = sa.select(snapshot.c.snapshot_id, snapshot.c.as_of).join(
        current_snapshot, current_snapshot.c.snapshot_id == snapshot.c.snapshot_id
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def progress(connection: sa.Connection, snapshot_id: int, gemeenten: Collection[str]) -> list[dict[str, Any]]:
    """The progress lines of some gemeenten, per water company in order of their names."""
    line = snapshot_progress.c
    query = (
        sa.select(
            line.operator,
            line.nis,
            gemeente.c.name_nl.label("gemeente"),
            line.contractor,
            *(line[name] for name in FIGURES),
        )
        .join(gemeente, gemeente.c.nis == line.nis)
        .where(line.snapshot_id == snapshot_id, line.nis.in_(sorted(gemeenten)))
        .order_by(line.position)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def hydrants(
    connection: sa.Connection,
    snapshot_id: int,
    gemeenten: Collection[str],
    nis: str,
    *,
    status: str | None,
    operator: str | None,
    sort: Sort,
    limit: int,
    offset: int,
) -> tuple[int, list[dict[str, Any]]]:
    """How many hydrants of a gemeente there are, and some of them, in a total order."""
    where = [_own.snapshot_id == snapshot_id, _own.nis == nis, _own.nis.in_(sorted(gemeenten))]
    if status is not None:
        where.append(_own.status == status)
    if operator is not None:
        where.append(_own.operator == operator)
    count = connection.execute(sa.select(sa.func.count()).select_from(snapshot_hydrant).where(*where))
    column = _own[sort.removeprefix("-")]
    order = column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_last()
    query = sa.select(*_shown()).where(*where).order_by(order, _own.hydrant_id).limit(limit).offset(offset)
    return count.scalar_one(), [dict(row) for row in connection.execute(query).mappings()]


def hydrant(
    connection: sa.Connection, snapshot_id: int, gemeenten: Collection[str], hydrant_id: str
) -> dict[str, Any] | None:
    """A hydrant, and what its register says of it; None when it is not there, or elsewhere."""
    state = hydrant_state.c
    query = (
        sa.select(*_shown(), state.hydrant_type, state.diameter_mm, state.street_names)
        .join(snapshot, snapshot.c.snapshot_id == _own.snapshot_id)
        .join(
            hydrant_state,
            (state.hydrant_id == _own.hydrant_id)
            & (state.from_version_id <= snapshot.c.register_version_id)
            & sa.or_(state.to_version_id.is_(None), state.to_version_id > snapshot.c.register_version_id),
        )
        .where(
            _own.snapshot_id == snapshot_id,
            _own.hydrant_id == hydrant_id,
            _own.nis.in_(sorted(gemeenten)),
        )
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _shown() -> list[sa.ColumnElement[Any]]:
    names = (
        *("hydrant_id", "operator", "nis", "contractor", "status", "outcome", "inspected_on", "tried_on"),
        *("is_conflict", "is_repaired", "x_l72", "y_l72"),
    )
    return [_own[name] for name in names]
