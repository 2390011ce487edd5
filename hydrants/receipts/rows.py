"""The rows of an upload by what became of them, streamed: a million rows never stand in memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants.store.tables import ROWS_PER_UPLOAD, ledger, raw_row, raw_sheet, rows_of, upload

HELD_CODE, SUM_CODE = "FILE_HELD", "SUMMARY_ROW"
"""The one reason of a row that waits with its whole file for a person to look, and of a row of totals."""

_ROWS_PER_CHUNK = 5_000

Reason = dict[str, Any]
"""An entry of `ledger.reasons`: code, column, value, message, suggestion."""


class Kind(Enum):
    """What became of a row; the value is what its sender reads. In the order of a receipt."""

    REFUSED = "geweigerd"
    HELD = "wordt nagekeken"
    REMARKED = "aanvaard met opmerking"
    DUPLICATE = "dubbel"
    ACCEPTED = "aanvaard"
    SUM = "geen controle"


class Place(NamedTuple):
    """Where a row stands: file, sheet (empty for formats without sheets) and row number."""

    file_name: str
    sha256: str
    sheet: str
    row_number: int


class Row(NamedTuple):
    """A row as it was read, why, and for a duplicate what it repeats."""

    row_number: int
    cells: list[str | None]
    reasons: list[Reason]
    repeats: Place | None


@lru_cache
def _kind() -> sa.Case[str]:
    """The name of each row's kind; null for titles and headings, which are no data."""
    is_refused = ledger.c.disposition == "quarantined"
    code = ledger.c.reasons[(0, "code")].as_string()
    has_reasons = sa.func.json_array_length(ledger.c.reasons) > 0
    return sa.case(
        (is_refused & (code == HELD_CODE), Kind.HELD.name),
        (is_refused & (code == SUM_CODE), Kind.SUM.name),
        (is_refused, Kind.REFUSED.name),
        (ledger.c.disposition == "duplicate", Kind.DUPLICATE.name),
        ((ledger.c.disposition == "accepted") & has_reasons, Kind.REMARKED.name),
        (ledger.c.disposition == "accepted", Kind.ACCEPTED.name),
    )


def count(connection: sa.Connection, upload_id: int) -> dict[tuple[int, Kind | None], int]:
    """How many rows each sheet has of each kind; None stands for titles and headings."""
    kind = _kind().label("kind")
    query = (
        sa.select(raw_row.c.sheet_number, kind, sa.func.count().label("rows"))
        .join_from(ledger, raw_row, raw_row.c.row_id == ledger.c.row_id)
        .where(rows_of(ledger, [upload_id]), rows_of(raw_row, [upload_id]))
        .group_by(raw_row.c.sheet_number, kind)
    )
    return {
        (row.sheet_number, Kind[row.kind] if row.kind else None): row.rows
        for row in connection.execute(query)
    }


def width(connection: sa.Connection, upload_id: int, sheet_number: int) -> int:
    """How many cells the longest data row of a sheet has."""
    query = (
        sa.select(sa.func.max(sa.func.json_array_length(raw_row.c.cells)))
        .join_from(ledger, raw_row, raw_row.c.row_id == ledger.c.row_id)
        .where(
            rows_of(ledger, [upload_id]),
            rows_of(raw_row, [upload_id]),
            raw_row.c.sheet_number == sheet_number,
            ledger.c.disposition != "heading",
        )
    )
    return connection.execute(query).scalar() or 0


def of_kind(
    connection: sa.Connection, upload_id: int, sheet_number: int | None, kind: Kind
) -> Iterator[tuple[int, Row]]:
    """(sheet_number, row) of a kind, in the order of the file; of one sheet, or of all (None)."""
    repeats = kind is Kind.DUPLICATE
    query = _query(repeats=repeats, on_one_sheet=sheet_number is not None)
    end = (upload_id + 1) * ROWS_PER_UPLOAD
    bound = {"end": end, "kind": kind.name, "sheet_number": sheet_number}
    last, is_more = upload_id * ROWS_PER_UPLOAD, True
    while is_more:
        chunk = connection.execute(query, {"last": last, **bound}).all()
        for row in chunk:
            place = _place(row) if repeats else None
            yield row.sheet_number, Row(row.row_number, row.cells, row.reasons, place)
        is_more = len(chunk) == _ROWS_PER_CHUNK
        last = chunk[-1].row_id if is_more else end


@lru_cache
def _query(*, repeats: bool, on_one_sheet: bool) -> sa.Select[Any]:
    """The next rows of a kind; built once, since building takes longer than asking."""
    query = _repeating() if repeats else _plain()
    query = query.where(
        # of both, or a planner might walk through all rows of the other
        *(table.c.row_id > sa.bindparam("last") for table in (raw_row, ledger)),
        *(table.c.row_id < sa.bindparam("end") for table in (raw_row, ledger)),
        _kind() == sa.bindparam("kind"),
    )
    if on_one_sheet:
        query = query.where(raw_row.c.sheet_number == sa.bindparam("sheet_number"))
    return query.order_by(raw_row.c.row_id).limit(_ROWS_PER_CHUNK)


def _plain() -> sa.Select[Any]:
    return sa.select(
        raw_row.c.row_id, raw_row.c.sheet_number, raw_row.c.row_number, raw_row.c.cells, ledger.c.reasons
    ).join_from(raw_row, ledger, ledger.c.row_id == raw_row.c.row_id)


def _repeating() -> sa.Select[Any]:
    first, sheet, file = (table.alias(f"first_{table.name}") for table in (raw_row, raw_sheet, upload))
    is_its_sheet = (sheet.c.upload_id == first.c.upload_id) & (sheet.c.sheet_number == first.c.sheet_number)
    return (
        _plain()
        .add_columns(
            first.c.row_number.label("first_row_number"),
            sheet.c.sheet.label("first_sheet"),
            file.c.file_name.label("first_file_name"),
            file.c.sha256.label("first_sha256"),
        )
        .join(first, first.c.row_id == ledger.c.duplicate_of_row_id)
        .join(sheet, is_its_sheet)
        .join(file, file.c.upload_id == first.c.upload_id)
    )


def _place(row: Any) -> Place:
    return Place(row.first_file_name, row.first_sha256, row.first_sheet, row.first_row_number)
