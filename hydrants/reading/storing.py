"""What is read of an upload into `raw_sheet`, `raw_row` and `raw_photo`, in one pass and in flat memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from hydrants import store
from hydrants.formats import Format, Photo
from hydrants.reading.answers import Part, Rows, SheetBegins, SheetEnds
from hydrants.reading.photos import store_photo
from hydrants.store.tables import (
    ROWS_PER_UPLOAD,
    ledger,
    location,
    match,
    raw_photo,
    raw_row,
    raw_sheet,
    record,
    snapshot_hydrant,
)

NO_SHEET = 0
"""Sheet number of a row that only an earlier reading found; it is no row of its file any more."""

_COLUMNS = ("row_id", "upload_id", "sheet_number", "row_number", "cells")
_OVERWRITE = (
    sa.update(raw_row)
    .where(raw_row.c.row_id == sa.bindparam("key"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("sheet_number", "row_number", "cells")})
)

_Row = tuple[int, int, int, int, str]
"""Values of _COLUMNS; the cells as JSON."""


def store_parts(connection: sa.Connection, photos: Path, upload_id: int, parts: Iterator[Part]) -> int:
    """Store what is read of an upload, in place of what an earlier reading stored.

    Args:
        photos: folder of the pictures.

    Returns:
        How many rows are stored: those with text.

    Raises:
        UploadRejected: from the reader; the caller rolls back what was stored until then.
    """
    _forget_sheets(connection, upload_id)
    # by the key: without statistics, as in a first night, the other index is not thought of for a maximum
    is_of_upload = raw_row.c.row_id.between(
        upload_id * ROWS_PER_UPLOAD, (upload_id + 1) * ROWS_PER_UPLOAD - 1
    )
    stored_before = connection.execute(sa.select(sa.func.max(raw_row.c.row_id)).where(is_of_upload)).scalar()
    file_format, sheet_number, last_ordinal = "", 0, 0
    for part in parts:
        match part:
            case Format():
                file_format = part.value
            case Photo():
                store_photo(connection, photos, upload_id, part)
            case SheetBegins():
                sheet_number += 1
                rows = _SheetRows(parts, upload_id, sheet_number, last_ordinal)
                _put_rows(connection, rows, stored_before)
                last_ordinal = rows.last_ordinal
                connection.execute(
                    sa.insert(raw_sheet).values(
                        upload_id=upload_id,
                        sheet_number=sheet_number,
                        format=file_format,
                        sheet=part.name,
                        columns=part.columns,
                        crs=part.crs,
                        blank_rows=rows.blank_rows,
                        notice=part.notice_nl,
                    )
                )
            case Rows() | SheetEnds():
                raise AssertionError("rows outside a sheet")  # the parser of answers lets none through
    _forget_rows_after(connection, upload_id, last_ordinal)
    return last_ordinal


def forget(connection: sa.Connection, upload_id: int) -> None:
    """Remove all that was read of an upload, and what later stages made of it."""
    _forget_sheets(connection, upload_id)
    _forget_rows_after(connection, upload_id, last_ordinal=0)


class _SheetRows:
    """The rows of the sheet that has just begun, some at a time; knows at their end how many there were."""

    def __init__(self, parts: Iterator[Part], upload_id: int, sheet_number: int, last_ordinal: int) -> None:
        self.last_ordinal = last_ordinal
        self.blank_rows = 0
        self._parts = parts
        self._upload_id = upload_id
        self._sheet_number = sheet_number

    def __iter__(self) -> Iterator[list[_Row]]:
        upload_id, sheet_number = self._upload_id, self._sheet_number
        for part in self._parts:
            if isinstance(part, SheetEnds):
                self.blank_rows = part.blank_rows
                return
            if isinstance(part, Rows):
                first_id = upload_id * ROWS_PER_UPLOAD + self.last_ordinal + 1
                self.last_ordinal += len(part.numbers)
                yield [
                    (row_id, upload_id, sheet_number, row_number, store.json_text(cells))
                    for row_id, (row_number, cells) in enumerate(
                        zip(part.numbers, part.cells, strict=True), start=first_id
                    )
                ]


def _put_rows(connection: sa.Connection, chunks: Iterable[list[_Row]], stored_before: int | None) -> None:
    """Insert rows as they come, in place of those that an earlier reading stored."""
    for chunk in chunks:
        is_new = stored_before is None or chunk[0][0] > stored_before
        rows = chunk if is_new else _not_overwritten(connection, chunk)
        store.insert_tuples(connection, raw_row, _COLUMNS, rows)


def _not_overwritten(connection: sa.Connection, chunk: list[_Row]) -> list[_Row]:
    """Overwrite the rows that are stored and differ; those that are not stored are left.

    Ledger and published figures point at them by row_id, which stays the same.
    """
    stored = _stored_between(connection, chunk[0][0], chunk[-1][0])
    differing = [row for row in chunk if row != stored.get(row[0], row)]
    if differing:
        connection.execute(_OVERWRITE, [_as_new(row) for row in differing])
    return [row for row in chunk if row[0] not in stored]


def _as_new(row: _Row) -> dict[str, Any]:
    row_id, _, sheet_number, row_number, cells = row
    values = {"sheet_number": sheet_number, "row_number": row_number, "cells": orjson.loads(cells)}
    return {"key": row_id} | {f"new_{name}": value for name, value in values.items()}


def _stored_between(connection: sa.Connection, first_id: int, last_id: int) -> dict[int, _Row]:
    wanted = [sa.cast(raw_row.c[name], sa.Text) if name == "cells" else raw_row.c[name] for name in _COLUMNS]
    query = sa.select(*wanted).where(raw_row.c.row_id.between(first_id, last_id))
    return {row[0]: row._tuple() for row in connection.execute(query)}


def _forget_sheets(connection: sa.Connection, upload_id: int) -> None:
    # pictures lose their rows only: another upload may hold the same ones
    for table in (raw_sheet, raw_photo):
        connection.execute(sa.delete(table).where(table.c.upload_id == upload_id))


def _forget_rows_after(connection: sa.Connection, upload_id: int, last_ordinal: int) -> None:
    """Remove an upload's rows beyond an ordinal, and what later stages made of them.

    A row that a published figure points at stays, as a row of no sheet: a snapshot does not change.
    """
    first = upload_id * ROWS_PER_UPLOAD + last_ordinal + 1
    last = (upload_id + 1) * ROWS_PER_UPLOAD - 1
    beyond = raw_row.c.row_id.between(first, last)
    if not connection.execute(sa.select(raw_row.c.row_id).where(beyond)).first():
        return
    for column in (ledger.c.duplicate_of_row_id, record.c.superseded_by_row_id):
        connection.execute(
            sa.update(column.table).where(column.between(first, last)).values({column.name: None})
        )
    for table in (match, location, record, ledger):
        connection.execute(sa.delete(table).where(table.c.row_id.between(first, last)))
    published = sa.select(snapshot_hydrant.c.row_id).where(snapshot_hydrant.c.row_id.between(first, last))
    connection.execute(sa.delete(raw_row).where(beyond, raw_row.c.row_id.not_in(published)))
    connection.execute(sa.update(raw_row).where(beyond).values(sheet_number=NO_SHEET))
