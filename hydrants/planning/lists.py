"""The workbook that a firm has for each gemeente: what is still to be checked, in the order of the visit."""

from __future__ import annotations

import fcntl
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path

import sqlalchemy as sa
import xlsxwriter

from hydrants import links, store
from hydrants.planning.reads import Batch, Stop, stops
from hydrants.spreadsheet import STREAMED
from hydrants.spreadsheet_rows import RowsSheet
from hydrants.store.tables import plan_stop, publication, snapshot

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


def write(
    engine: sa.Engine, folder: Path, snapshot_id: int, batches: Iterable[Batch], before: int | None
) -> int:
    """Put the lists there that are not there yet, one process at a time; how many.

    One that is not whole, as after a power cut, is not taken over.

    Args:
        folder: that of all plans.
        before: the snapshot that was planned before, from which a list that would be the same is taken over.
    """
    own = folder / str(snapshot_id)
    own.mkdir(parents=True, exist_ok=True)
    written = 0
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in own.glob(".*.tmp"):  # of a run that was cut short: nobody else writes here now
            leftover.unlink()
        for batch in batches:
            path = own / f"{batch.contractor}_{batch.nis}.xlsx"
            if path.exists():
                continue
            earlier, aside = folder / str(before) / path.name, path.with_name(f".{path.name}.tmp")
            with store.read(engine) as connection:
                if zipfile.is_zipfile(earlier) and _say_the_same(connection, snapshot_id, before, batch):
                    links.add_any([earlier], path)
                else:
                    group = stops(connection, batch.nis, batch.contractor, snapshot_id=snapshot_id)
                    _write_workbook(aside, group, _told_since(connection, snapshot_id, batch))
                    aside.replace(path)
            written += 1
    return written


def _told(connection: sa.Connection, snapshot_id: int | None, batch: Batch) -> list[str] | None:
    """What a snapshot told of the gemeente, by its hash, and since when; None when that is not known."""
    query = sa.select(publication.c.told).where(publication.c.snapshot_id == snapshot_id)
    told: dict[str, list[str]] = connection.execute(query).scalar() or {}
    return told.get(batch.nis)


def _told_since(connection: sa.Connection, snapshot_id: int, batch: Batch) -> date:
    told = _told(connection, snapshot_id, batch)
    if told is not None:
        return date.fromisoformat(told[1])
    query = sa.select(snapshot.c.as_of).where(snapshot.c.snapshot_id == snapshot_id)
    return connection.execute(query).scalar_one()


def _say_the_same(connection: sa.Connection, snapshot_id: int, before: int | None, batch: Batch) -> bool:
    """Whether the list of a batch is the same for two snapshots."""
    told = _told(connection, snapshot_id, batch)
    return (
        told is not None
        and told == _told(connection, before, batch)
        and _order(connection, snapshot_id, batch) == _order(connection, before, batch)
    )


def _order(connection: sa.Connection, snapshot_id: int | None, batch: Batch) -> str:
    """A hash of the order of a visit."""
    stop = plan_stop.c
    query = sa.select(stop.sequence, stop.hydrant_id, stop.leg_m).order_by(stop.sequence)
    return store.digest(connection, query.where(stop.snapshot_id == snapshot_id, batch.of(plan_stop)))


def _write_workbook(path: Path, group: list[Stop], told_since: date) -> None:
    """Write a firm's list for a gemeente.

    Args:
        told_since: the day since which the same is told of the gemeente.
    """
    with xlsxwriter.Workbook(path, STREAMED) as workbook:
        workbook.set_properties({"created": datetime.combine(told_since, time.min)})
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
        sheet.write_string(
            1, 0, f"Gegevens van {told_since:%d/%m/%Y}, {len(group)} brandkranen, dichtste eerst"
        )
        sheet.write_row(2, 0, [title for title, _, _ in _COLUMNS], heading)
        named = [{**stop, "type_nl": _HYDRANT_TYPES.get(stop["hydrant_type"])} for stop in group]
        sheet.write_rows(
            3,
            [[stop[field] for stop in named] for _, field, _ in _COLUMNS],
            [formats.get(field) for _, field, _ in _COLUMNS],
        )
