"""The published tables as CSV files, for programs, and for comparing stores.

The same figures give the same bytes, whichever store they lie in: comma, CR LF and quotes as in RFC 4180,
UTF-8, days as 2019-03-31, metres in as many digits as the number has, nothing where there is nothing. Each
line has the place that its content gives it. Numbers that a store counts for itself are left out, but for
the snapshot's own.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import store
from hydrants.publishing.reads import existing, judged
from hydrants.spreadsheet import guarded
from hydrants.store.tables import (
    gemeente,
    hydrant_state,
    plan_stop,
    raw_row,
    raw_sheet,
    record,
    register_version,
    snapshot,
    snapshot_hydrant,
    snapshot_progress,
    upload,
)

_CHUNK = 10_000


def write(engine: sa.Engine, folder: Path, snapshot_id: int | None = None) -> dict[str, int]:
    """Write a snapshot (default: the current one) into a folder, one file per table, in place of those there.

    Returns:
        How many lines each has, without its heading.

    Raises:
        NothingPublished: when there is no such snapshot.
    """
    with store.read(engine) as connection:
        number = existing(connection, snapshot_id)
        folder.mkdir(parents=True, exist_ok=True)
        return {
            name: _put(connection, folder / f"{name}.csv", query(number)) for name, query in _QUERIES.items()
        }


def _put(connection: sa.Connection, path: Path, query: sa.Select[Any]) -> int:
    """Write what a query finds, under its name only when it is whole; a million lines are never in memory."""
    found = connection.execute(query.execution_options(yield_per=_CHUNK))
    aside = path.with_name(f".{path.name}.tmp")
    lines = 0
    with aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(found.keys())
        for rows in found.partitions():
            writer.writerows(map(_texts, rows))
            lines += len(rows)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return lines


def _texts(row: Iterable[Any]) -> list[str]:
    return [_text(value) for value in row]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(guarded(value))
    if isinstance(value, date):
        return value.isoformat()
    return store.json_text(value) if isinstance(value, list | dict) else repr(value)


def _snapshot(snapshot_id: int) -> sa.Select[Any]:
    names = ("snapshot_id", "as_of", "campaign_start", "campaign_end", "fingerprint")
    return sa.select(*(snapshot.c[name] for name in names)).where(snapshot.c.snapshot_id == snapshot_id)


def _registers(snapshot_id: int) -> sa.Select[Any]:
    """Every export that the state of the registers rests on, in the order in which they were loaded."""
    version = register_version.c
    newest = sa.select(snapshot.c.register_version_id).where(snapshot.c.snapshot_id == snapshot_id)
    return (
        sa.select(version.operator, version.exported_on, version.file_name, version.sha256)
        .where(version.register_version_id <= newest.scalar_subquery())
        .order_by(version.register_version_id)
    )


def _progress(snapshot_id: int) -> sa.Select[Any]:
    line = snapshot_progress.c
    figures = (line[name] for name in ("registered", "checked", "ok", "failed", "remaining"))
    return (
        sa.select(line.operator, line.nis, gemeente.c.name_nl.label("gemeente"), line.contractor, *figures)
        .outerjoin(gemeente, gemeente.c.nis == line.nis)
        .where(line.snapshot_id == snapshot_id)
        .order_by(line.position)
    )


def _hydrants(snapshot_id: int) -> sa.Select[Any]:
    """Each hydrant with its state, the row that decided it, and the row of the register's export."""
    status, state, version = snapshot_hydrant.c, hydrant_state.c, register_version.c
    own = [column for column in status if column.name not in ("snapshot_id", "row_id")]
    is_sheet = (raw_sheet.c.upload_id == raw_row.c.upload_id) & (
        raw_sheet.c.sheet_number == raw_row.c.sheet_number
    )
    return (
        judged(
            snapshot_id,
            *own,
            record.c.defects,
            (upload.c.contractor + "/" + upload.c.nis + "/" + upload.c.file_name).label("file"),
            upload.c.sha256,
            raw_sheet.c.sheet,
            raw_row.c.row_number,
            state.street_names,
            state.hydrant_type,
            state.diameter_mm,
            version.file_name.label("register_file"),
            version.sha256.label("register_sha256"),
            state.row_number.label("register_row_number"),
        )
        .outerjoin(raw_sheet, is_sheet)
        .join(register_version, version.register_version_id == state.from_version_id)
    )


def _rounds(snapshot_id: int) -> sa.Select[Any]:
    stop = plan_stop.c
    key = (stop.contractor, stop.nis, stop.sequence)
    return sa.select(*key, stop.hydrant_id, stop.leg_m).where(stop.snapshot_id == snapshot_id).order_by(*key)


_QUERIES = {
    "snapshot": _snapshot,
    "registers": _registers,
    "progress": _progress,
    "hydrants": _hydrants,
    "rounds": _rounds,
}
"""Name of the table, and of its file -> what is in it."""
