"""Planning: the remaining hydrants of a snapshot -> the order in which a crew would visit them.

Per firm and gemeente, from the hydrant nearest the middle of what remains there, on to
the nearest one not yet visited, in a straight line.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
import xlsxwriter
from scipy.spatial import cKDTree

from hydrants import store
from hydrants.errors import NothingPublished
from hydrants.settings import Settings
from hydrants.spreadsheet import STREAMED
from hydrants.spreadsheet_rows import RowsSheet
from hydrants.store.tables import current_snapshot, plan_stop, snapshot, snapshot_hydrant, stage_state

STAGE = "planning"
VERSION = 1
"""Raised when the same hydrants would be put in another order."""

_SCOPE = "plan"
_NEIGHBOURS = 16
_HYDRANT_TYPES = {
    "aboveground": "bovengronds",
    "underground": "ondergronds",
    "rising_point": "standpijp",
    "wall_mounted": "muurhydrant",
}
_COLUMNS = (
    ("Volgorde", "sequence", 10),
    ("Brandkraan", "hydrant_id", 20),
    ("Straat (register)", "street_names", 30),
    ("Type", "type_nl", 14),
    ("Diameter (mm)", "diameter_mm", 14),
    ("X (Lambert 72, m)", "x_l72", 18),
    ("Y (Lambert 72, m)", "y_l72", 18),
    ("Afstand vanaf vorige (m)", "leg_m", 24),
    ("Laatst vergeefs geprobeerd op", "tried_on", 29),
)

Stop = dict[str, Any]


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
        snapshot_id = _existing(connection, snapshot_id)
        lists, count = _lists(connection, snapshot_id), 0
        if not lists:
            count = _draw_up(connection, snapshot_id)
            lists = _lists(connection, snapshot_id)
        without_contract = _is_remaining(snapshot_id) & snapshot_hydrant.c.contractor.is_(None)
        query = sa.select(sa.func.count()).select_from(snapshot_hydrant).where(without_contract)
        unplanned = int(connection.execute(query).scalar_one())
    written = _write_lists(engine, settings.site / "planning", snapshot_id, lists)
    return {"stops": count, "lists": written, "unplanned": unplanned}


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
    snapshot_id = _existing(connection, snapshot_id)
    return store.run_sql(connection, "stops", snapshot_id=snapshot_id, nis=nis, contractor=contractor)


def nearest_first(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order points by always going on to the nearest one left.

    Starts at the point nearest the mean of all. Of equally near points the first in
    `points` is taken, so that the order depends on nothing else.

    Args:
        points: n x 2, metres.

    Returns:
        The positions in `points` in visiting order, and the length in metres of the leg to
        each, 0 for the first.
    """
    count = len(points)
    order, legs_m = np.empty(count, dtype=np.int64), np.zeros(count)
    if count == 0:
        return order, legs_m
    here = int(np.argmin(np.hypot(*(points - points.mean(axis=0)).T)))
    left = np.ones(count, dtype=bool)
    alive = np.arange(count)  # points the tree knows: rebuilt when half of them are visited
    tree = cKDTree(points)
    order[0], left[here] = here, False
    for step in range(1, count):
        if 2 * (count - step) < len(alive) and len(alive) > 2 * _NEIGHBOURS:
            alive = np.flatnonzero(left)
            tree = cKDTree(points[alive])
        here, legs_m[step] = _nearest_left(points[here], tree, alive, left)
        order[step], left[here] = here, False
    return order, legs_m


def _nearest_left(point: np.ndarray, tree: cKDTree, alive: np.ndarray, left: np.ndarray) -> tuple[int, float]:
    """The nearest point that is left, the first among equals, and its distance in metres."""
    wanted = _NEIGHBOURS
    while True:
        asked = min(wanted, len(alive))
        distance_m, found = tree.query(point, k=np.arange(1, asked + 1))
        candidates = alive[found]
        usable = left[candidates]
        if usable.any():
            nearest_m = distance_m[usable][0]
            # an equal one could still lie beyond the last one asked for
            if distance_m[-1] > nearest_m or asked == len(alive):
                return int(candidates[usable & (distance_m == nearest_m)].min()), float(nearest_m)
        wanted *= 4


def _is_remaining(snapshot_id: int) -> sa.ColumnElement[bool]:
    return (snapshot_hydrant.c.snapshot_id == snapshot_id) & (snapshot_hydrant.c.status == "remaining")


def _draw_up(connection: sa.Connection, snapshot_id: int) -> int:
    """Write the stops of a snapshot; a list of the same hydrants is that of the plan before. How many."""
    batch = snapshot_hydrant.c.contractor, snapshot_hydrant.c.nis
    query = sa.select(*batch).where(_is_remaining(snapshot_id), batch[0].is_not(None)).distinct()
    wanted = [_Batch(*row) for row in connection.execute(query.order_by(*batch))]
    before = _planned_before(connection)
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
    store.mark_done(connection, STAGE, _SCOPE, store.fingerprint(VERSION), {"snapshot_id": snapshot_id})
    written = sa.select(sa.func.count()).select_from(plan_stop).where(plan_stop.c.snapshot_id == snapshot_id)
    return int(connection.execute(written).scalar_one())


class _Batch(NamedTuple):
    """What one list is of."""

    contractor: str
    nis: str

    def of(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Whether a row is of this batch."""
        return (table.c.contractor == self.contractor) & (table.c.nis == self.nis)


def _planned_before(connection: sa.Connection) -> int | None:
    """The snapshot that was planned last, if by the same rules; None otherwise."""
    if not store.is_done(connection, STAGE, _SCOPE, store.fingerprint(VERSION)):
        return None
    state = stage_state.c
    query = sa.select(state.counts).where(state.stage == STAGE, state.scope == _SCOPE)
    return int(connection.execute(query).scalar_one()["snapshot_id"])


def _told(connection: sa.Connection, snapshot_id: int, batch: _Batch, *only: sa.ColumnElement[bool]) -> str:
    """A hash of which hydrants of a batch remain, and where they are."""
    return store.digest(connection, _remaining_of(snapshot_id).where(batch.of(snapshot_hydrant), *only))


def _is_planned(snapshot_id: int, batch: _Batch) -> sa.ColumnElement[bool]:
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
    connection: sa.Connection, snapshot_id: int, batches: Iterable[_Batch]
) -> list[sa.Row[tuple[Any, ...]]]:
    """The remaining hydrants of some batches."""
    is_asked = sa.or_(sa.false(), *(batch.of(snapshot_hydrant) for batch in batches))
    return list(connection.execute(_remaining_of(snapshot_id).where(is_asked)))


def _lists(connection: sa.Connection, snapshot_id: int) -> list[tuple[str, str]]:
    """The firm and gemeente of each list."""
    batch = plan_stop.c.contractor, plan_stop.c.nis
    query = sa.select(*batch).where(plan_stop.c.snapshot_id == snapshot_id).distinct().order_by(*batch)
    return [(contractor, nis) for contractor, nis in connection.execute(query)]


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


def _write_lists(engine: sa.Engine, folder: Path, snapshot_id: int, lists: list[tuple[str, str]]) -> int:
    """Write the lists that are not there yet, one process at a time; how many."""
    own = folder / str(snapshot_id)
    own.mkdir(parents=True, exist_ok=True)
    written = 0
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in own.glob(".*.tmp"):  # of a run that was cut short: nobody else writes here now
            leftover.unlink()
        for contractor, nis in lists:
            path = own / f"{contractor}_{nis}.xlsx"
            if path.exists():
                continue
            with store.read(engine) as connection:
                group = stops(connection, nis, contractor, snapshot_id=snapshot_id)
                taken = connection.execute(
                    sa.select(snapshot.c.as_of).where(snapshot.c.snapshot_id == snapshot_id)
                )
                as_of = taken.scalar_one()
            _write_workbook(path, group, as_of)
            written += 1
    return written


def _write_workbook(path: Path, group: list[Stop], as_of: date) -> None:
    """Write a firm's list for a gemeente, under its name only when it is whole."""
    aside = path.with_name(f".{path.name}.tmp")
    with xlsxwriter.Workbook(aside, STREAMED) as workbook:
        workbook.set_properties({"created": datetime.combine(as_of, time.min)})
        heading = workbook.add_format({"bold": True, "bg_color": "#123C5A", "font_color": "#FFFFFF"})
        formats = {
            "tried_on": workbook.add_format({"num_format": "dd/mm/yyyy"}),
            "leg_m": workbook.add_format({"num_format": "#,##0"}),
        }
        sheet = workbook.add_worksheet("Nog te controleren", RowsSheet)
        sheet.freeze_panes(3, 2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(2)
        for column, (_, field, width) in enumerate(_COLUMNS):
            sheet.set_column(column, column, width, formats.get(field))
        sheet.write_string(0, 0, f"{group[0]['contractor']}: nog te controleren in {group[0]['gemeente']}")
        sheet.write_string(1, 0, f"Gegevens van {as_of:%d/%m/%Y}, {len(group)} brandkranen, dichtste eerst")
        sheet.write_row(2, 0, [title for title, _, _ in _COLUMNS], heading)
        named = [{**stop, "type_nl": _HYDRANT_TYPES.get(stop["hydrant_type"])} for stop in group]
        sheet.write_rows(
            3,
            [[stop[field] for stop in named] for _, field, _ in _COLUMNS],
            [formats.get(field) for _, field, _ in _COLUMNS],
        )
    aside.replace(path)


def _existing(connection: sa.Connection, snapshot_id: int | None) -> int:
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
