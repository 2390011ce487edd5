"""Sheets into `raw_sheet` and `raw_row`, in one pass and in flat memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa

from hydrants import store
from hydrants.errors import UploadRejected
from hydrants.formats import Format, Photo, Sheet
from hydrants.store.tables import ROWS_PER_UPLOAD, ledger, location, match, raw_row, raw_sheet, record

MAX_ROWS = ROWS_PER_UPLOAD - 1

_ROWS_PER_CHUNK = 10_000
_OVERWRITE = (
    sa.update(raw_row)
    .where(raw_row.c.row_id == sa.bindparam("key"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("sheet_number", "row_number", "cells")})
)


def store_sheets(
    connection: sa.Connection, upload_id: int, file_format: Format, found: Iterable[Sheet | Photo]
) -> int:
    """Store what is read of an upload; rows without any text are counted, not stored.

    Returns:
        How many rows are stored.

    Raises:
        UploadRejected: from the reader, or when there are more than MAX_ROWS rows.
    """
    connection.execute(sa.delete(raw_sheet).where(raw_sheet.c.upload_id == upload_id))
    stored_before = connection.execute(
        sa.select(sa.func.max(raw_row.c.row_id)).where(raw_row.c.upload_id == upload_id)
    ).scalar()
    rows = 0
    for sheet_number, sheet in enumerate(found, start=1):
        if isinstance(sheet, Photo):
            raise NotImplementedError
        filled = _FilledRows(sheet, upload_id, sheet_number, rows)
        _put_rows(connection, iter(filled), stored_before)
        rows = filled.last_ordinal
        connection.execute(
            sa.insert(raw_sheet).values(
                upload_id=upload_id,
                sheet_number=sheet_number,
                format=file_format.value,
                sheet=sheet.name,
                columns=sheet.columns,
                crs=sheet.crs,
                blank_rows=filled.blank_rows,
                notice=sheet.notice_nl,
            )
        )
    forget_rows_after(connection, upload_id, rows)
    return rows


class _FilledRows:
    """The rows of a sheet that hold text, as rows of `raw_row`; counts the others."""

    def __init__(self, sheet: Sheet, upload_id: int, sheet_number: int, last_ordinal: int) -> None:
        self.last_ordinal = last_ordinal
        self.blank_rows = 0
        self._rows = sheet.rows
        self._keys = {"upload_id": upload_id, "sheet_number": sheet_number}
        self._first_id = upload_id * ROWS_PER_UPLOAD

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row_number, cells in self._rows:
            while cells and not cells[-1]:
                cells.pop()
            if all(text is None or text.isspace() for text in cells):
                self.blank_rows += 1
                continue
            self.last_ordinal += 1
            if self.last_ordinal > MAX_ROWS:
                raise UploadRejected(f"Het bestand heeft meer dan {MAX_ROWS} rijen. Splits het.")
            row_id = self._first_id + self.last_ordinal
            yield {"row_id": row_id, **self._keys, "row_number": row_number, "cells": cells}


def _put_rows(connection: sa.Connection, rows: Iterator[dict[str, Any]], stored_before: int | None) -> None:
    """Insert; rows that an earlier version of the reader stored are overwritten in place.

    Ledger and published figures point at them by row_id, which stays the same.
    """
    if stored_before is None:
        store.insert_rows(connection, raw_row, rows)
        return
    while chunk := list(islice(rows, _ROWS_PER_CHUNK)):
        known = [row for row in chunk if row["row_id"] <= stored_before]
        if known:
            connection.execute(
                _OVERWRITE,
                [{"key": row["row_id"]} | {f"new_{name}": row[name] for name in row} for row in known],
            )
        store.insert_rows(connection, raw_row, chunk[len(known) :])


def forget_rows_after(connection: sa.Connection, upload_id: int, last_ordinal: int) -> None:
    """Remove an upload's rows beyond an ordinal, and what later stages made of them."""
    first = upload_id * ROWS_PER_UPLOAD + last_ordinal + 1
    last = (upload_id + 1) * ROWS_PER_UPLOAD - 1
    if connection.execute(sa.select(raw_row.c.row_id).where(raw_row.c.row_id.between(first, last))).first():
        for column in (ledger.c.duplicate_of_row_id, record.c.superseded_by_row_id):
            connection.execute(
                sa.update(column.table).where(column.between(first, last)).values({column.name: None})
            )
        for table in (match, location, record, ledger, raw_row):
            connection.execute(sa.delete(table).where(table.c.row_id.between(first, last)))
