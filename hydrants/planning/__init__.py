"""Planning: the remaining hydrants of a snapshot -> the order in which a crew would visit them.

Per firm and gemeente, from the hydrant nearest the middle of what remains there, on to
the nearest one not yet visited, in a straight line.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa

from hydrants import store
from hydrants.planning import lists
from hydrants.planning.order import nearest_first
from hydrants.planning.reads import Batch, existing, stops
from hydrants.settings import Settings
from hydrants.store.tables import plan_stop, snapshot_hydrant, stage_state

__all__ = ["nearest_first", "run", "stops"]

STAGE = "planning"
VERSION = 2
"""Raised when the same hydrants would be put in another order, or their list would look otherwise."""

_SCOPE = "plan"


def run(engine: sa.Engine, settings: Settings, snapshot_id: int | None = None) -> dict[str, int]:
    """Plan a snapshot; a no-op when it is planned already.

    Args:
        engine: the store.
        settings: says where the site is; workbooks go to `planning/<snapshot_id>/` there.
        snapshot_id: default the current one.

    Returns:
        stops and lists that were written, and unplanned: remaining hydrants without a contract.

    Raises:
        NothingPublished: when there is no such snapshot.
    """
    with store.write(engine) as connection:
        if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
            connection.exec_driver_sql("LOCK TABLE plan_stop IN SHARE ROW EXCLUSIVE MODE")
        snapshot_id = existing(connection, snapshot_id)
        batches, count = _planned(connection, snapshot_id), 0
        if not batches:
            count = _draw_up(connection, snapshot_id)
            batches = _planned(connection, snapshot_id)
        last, before = _last_plans(connection)
        without_contract = _is_remaining(snapshot_id) & snapshot_hydrant.c.contractor.is_(None)
        query = sa.select(sa.func.count()).select_from(snapshot_hydrant).where(without_contract)
        unplanned = int(connection.execute(query).scalar_one())
    earlier = before if last == snapshot_id else None
    written = lists.write(engine, settings.site / "planning", snapshot_id, batches, earlier)
    return {"stops": count, "lists": written, "unplanned": unplanned}


def _is_remaining(snapshot_id: int) -> sa.ColumnElement[bool]:
    return (snapshot_hydrant.c.snapshot_id == snapshot_id) & (snapshot_hydrant.c.status == "remaining")


def _draw_up(connection: sa.Connection, snapshot_id: int) -> int:
    """Write the stops of a snapshot; a list of the same hydrants is that of the plan before. How many."""
    batch = snapshot_hydrant.c.contractor, snapshot_hydrant.c.nis
    query = sa.select(*batch).where(_is_remaining(snapshot_id), batch[0].is_not(None)).distinct()
    wanted = [Batch(*row) for row in connection.execute(query.order_by(*batch))]
    before, _ = _last_plans(connection)
    kept = [
        one
        for one in wanted
        if before is not None
        and _told(connection, before, one, _is_planned(before, one)) == _told(connection, snapshot_id, one)
    ]
    names = [column.name for column in plan_stop.c]
    for one in kept:
        same = [sa.literal(snapshot_id) if name == "snapshot_id" else plan_stop.c[name] for name in names]
        stops_before = sa.select(*same).where(plan_stop.c.snapshot_id == before, one.of(plan_stop))
        connection.execute(sa.insert(plan_stop).from_select(names, stops_before))
    others = [one for one in wanted if one not in kept]
    store.insert_rows(connection, plan_stop, _plan(snapshot_id, _remaining(connection, snapshot_id, others)))
    counts = {"snapshot_id": snapshot_id, "before": before}
    store.mark_done(connection, STAGE, _SCOPE, store.fingerprint(VERSION), counts)
    written = sa.select(sa.func.count()).select_from(plan_stop).where(plan_stop.c.snapshot_id == snapshot_id)
    return int(connection.execute(written).scalar_one())


def _last_plans(connection: sa.Connection) -> tuple[int | None, int | None]:
    """The snapshot that was planned last by the rules of today, and the one before; None for none."""
    if not store.is_done(connection, STAGE, _SCOPE, store.fingerprint(VERSION)):
        return None, None
    state = stage_state.c
    query = sa.select(state.counts).where(state.stage == STAGE, state.scope == _SCOPE)
    counts = connection.execute(query).scalar_one()
    return counts["snapshot_id"], counts["before"]


def _told(connection: sa.Connection, snapshot_id: int, batch: Batch, *only: sa.ColumnElement[bool]) -> str:
    """A hash of which hydrants of a batch remain, and where they are."""
    return store.digest(connection, _remaining_of(snapshot_id).where(batch.of(snapshot_hydrant), *only))


def _is_planned(snapshot_id: int, batch: Batch) -> sa.ColumnElement[bool]:
    """Whether a hydrant is in the list of a batch: what is not cannot be taken over."""
    listed = sa.select(plan_stop.c.hydrant_id).where(
        plan_stop.c.snapshot_id == snapshot_id, batch.of(plan_stop)
    )
    return snapshot_hydrant.c.hydrant_id.in_(listed)


def _remaining_of(snapshot_id: int) -> sa.Select[Any]:
    hydrant = snapshot_hydrant.c
    columns = hydrant.contractor, hydrant.nis, hydrant.hydrant_id, hydrant.x_l72, hydrant.y_l72
    return sa.select(*columns).where(_is_remaining(snapshot_id)).order_by(hydrant.hydrant_id)


def _remaining(
    connection: sa.Connection, snapshot_id: int, batches: Iterable[Batch]
) -> list[sa.Row[tuple[Any, ...]]]:
    """The remaining hydrants of some batches."""
    is_asked = sa.or_(sa.false(), *(batch.of(snapshot_hydrant) for batch in batches))
    return list(connection.execute(_remaining_of(snapshot_id).where(is_asked)))


def _planned(connection: sa.Connection, snapshot_id: int) -> list[Batch]:
    """What there are lists of."""
    batch = plan_stop.c.contractor, plan_stop.c.nis
    query = sa.select(*batch).where(plan_stop.c.snapshot_id == snapshot_id).distinct().order_by(*batch)
    return [Batch(*row) for row in connection.execute(query)]


def _plan(snapshot_id: int, remaining: Iterable[sa.Row[tuple[Any, ...]]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for (contractor, nis), group in groupby(
        sorted(tuple(row) for row in remaining), key=lambda row: (row[0], row[1])
    ):
        hydrants = list(group)
        order, legs_m = nearest_first(np.array([(x_l72, y_l72) for *_, x_l72, y_l72 in hydrants]))
        for sequence, (position, leg_m) in enumerate(zip(order, legs_m, strict=True), start=1):
            rows.append(
                {
                    "snapshot_id": snapshot_id,
                    "contractor": contractor,
                    "nis": nis,
                    "sequence": sequence,
                    "hydrant_id": hydrants[position][2],
                    "leg_m": round(float(leg_m), 2),
                }
            )
    return rows
