"""Planning: the remaining hydrants of a snapshot -> the order in which a crew would visit them.

Per firm and gemeente, from the hydrant nearest the middle of what remains there, on to
the nearest one not yet visited, in a straight line.
"""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
import xlsxwriter
from scipy.spatial import cKDTree

from hydrants import reference, store
from hydrants.errors import NothingPublished
from hydrants.settings import Settings
from hydrants.store.tables import current_snapshot, plan_stop, snapshot

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
        as_of = connection.execute(
            sa.select(snapshot.c.as_of).where(snapshot.c.snapshot_id == snapshot_id)
        ).scalar_one()
        remaining = store.run_sql(connection, "remaining", snapshot_id=snapshot_id)
        planned = sa.select(sa.func.count()).where(plan_stop.c.snapshot_id == snapshot_id)
        count = 0
        if connection.execute(planned).scalar_one() == 0:
            count = store.insert_rows(connection, plan_stop, _plan(snapshot_id, remaining))
        planned_stops = stops(connection, snapshot_id=snapshot_id)
    written = _write_lists(settings.site / "planning", snapshot_id, planned_stops, as_of)
    unplanned = sum(hydrant["contractor"] is None for hydrant in remaining)
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
    described = {
        row["hydrant_id"]: row for row in store.run_sql(connection, "remaining", snapshot_id=snapshot_id)
    }
    stop = plan_stop.c
    query = (
        sa.select(stop.contractor, stop.nis, stop.sequence, stop.hydrant_id, stop.leg_m)
        .where(stop.snapshot_id == snapshot_id)
        .order_by(stop.contractor, stop.nis, stop.sequence)
    )
    if nis is not None:
        query = query.where(stop.nis == nis)
    if contractor is not None:
        query = query.where(stop.contractor == contractor)
    found = []
    for row in connection.execute(query):
        hydrant = described[row.hydrant_id]
        found.append(
            {
                "contractor": row.contractor,
                "nis": row.nis,
                "gemeente": hydrant["gemeente"],
                "sequence": row.sequence,
                "hydrant_id": row.hydrant_id,
                "leg_m": row.leg_m,
                **{
                    name: hydrant[name]
                    for name in ("x_l72", "y_l72", "street_names", "hydrant_type", "diameter_mm", "tried_on")
                },
            }
        )
    return found


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


def _plan(snapshot_id: int, remaining: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    def batch(hydrant: dict[str, Any]) -> tuple[str, str]:
        return hydrant["contractor"], hydrant["nis"]

    contracted = [hydrant for hydrant in remaining if hydrant["contractor"] is not None]
    rows: list[dict[str, Any]] = []
    for (contractor, nis), group in groupby(sorted(contracted, key=batch), key=batch):
        hydrants = sorted(group, key=lambda hydrant: str(hydrant["hydrant_id"]))
        order, legs_m = nearest_first(np.array([(one["x_l72"], one["y_l72"]) for one in hydrants]))
        for sequence, (position, leg_m) in enumerate(zip(order, legs_m, strict=True), start=1):
            rows.append(
                {
                    "snapshot_id": snapshot_id,
                    "contractor": contractor,
                    "nis": nis,
                    "sequence": sequence,
                    "hydrant_id": hydrants[position]["hydrant_id"],
                    "leg_m": round(float(leg_m), 2),
                }
            )
    return rows


def _write_lists(folder: Path, snapshot_id: int, planned_stops: list[Stop], as_of: date) -> int:
    """Write the lists that are not there yet, one process at a time; how many."""
    own = folder / str(snapshot_id)
    own.mkdir(parents=True, exist_ok=True)
    written = 0
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in own.glob(".*.tmp"):  # of a run that was cut short: nobody else writes here now
            leftover.unlink()
        for (contractor, nis), group in groupby(
            planned_stops, key=lambda stop: (stop["contractor"], stop["nis"])
        ):
            path = own / f"{contractor}_{nis}.xlsx"
            if not path.exists():
                _write_workbook(path, list(group), as_of)
                written += 1
    return written


def _write_workbook(path: Path, group: list[Stop], as_of: date) -> None:
    """Write a firm's list for a gemeente, under its name only when it is whole."""
    aside = path.with_name(f".{path.name}.tmp")
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(aside, options) as workbook:
        workbook.set_properties({"created": datetime.combine(as_of, time.min)})
        heading = workbook.add_format({"bold": True, "bg_color": "#123C5A", "font_color": "#FFFFFF"})
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        metres = workbook.add_format({"num_format": "#,##0"})
        sheet = workbook.add_worksheet("Nog te controleren")
        sheet.freeze_panes(3, 2)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(2)
        for column, (_, field, width) in enumerate(_COLUMNS):
            sheet.set_column(column, column, width, metres if field == "leg_m" else None)
        gemeente = reference.gemeenten()[group[0]["nis"]].name_nl
        sheet.write_string(0, 0, f"{group[0]['contractor']}: nog te controleren in {gemeente}")
        sheet.write_string(1, 0, f"Gegevens van {as_of:%d/%m/%Y}, {len(group)} brandkranen, dichtste eerst")
        sheet.write_row(2, 0, [title for title, _, _ in _COLUMNS], heading)
        for row, stop in enumerate(group, start=3):
            named = {**stop, "type_nl": _HYDRANT_TYPES.get(stop["hydrant_type"])}
            for column, (_, field, _) in enumerate(_COLUMNS):
                value = named[field]
                if isinstance(value, date):
                    sheet.write_datetime(row, column, datetime.combine(value, time.min), day)
                elif isinstance(value, str):
                    sheet.write_string(row, column, value)
                elif value is not None:
                    sheet.write_number(row, column, value)
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
