"""All rows of one upload into `ledger` and `record`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import compress, groupby, repeat
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from hydrants import store
from hydrants.errors import UploadRejected
from hydrants.formats import Format
from hydrants.reference.answers import SUMMARY_SHEET, answered_format
from hydrants.reference.profile import Profile
from hydrants.store.tables import (
    ROWS_PER_UPLOAD,
    ledger,
    raw_photo,
    raw_row,
    raw_sheet,
    record,
    rows_of,
    upload,
)
from hydrants.validation import headings, sheets, verdict
from hydrants.validation.headings import Cells, Heading
from hydrants.validation.reasons import FILE_HELD
from hydrants.validation.rows import UploadFacts
from hydrants.validation.sheets import SheetSorter, Sorted
from hydrants.validation.verdict import Tally

_ROWS_PER_CHUNK = 5_000
_CHARACTERS_PER_CHUNK = 50_000_000
_LEDGER_COLUMNS = ("row_id", "upload_id", "disposition", "reasons", "content_hash")
_LISTS = ("defects", "photos")
_SUMMARY_ROWS = 1_000
_NOTHING = "[]"


class Upload(NamedTuple):
    """An upload that was read. `latest_on`: an inspection after this day is refused."""

    upload_id: int
    sha256: str
    contractor: str
    nis: str
    file_name: str
    read_fingerprint: str
    earliest_on: date
    latest_on: date
    is_released: bool


@dataclass(slots=True)
class Summary:
    """What the sender should know of a file beside its rows."""

    rejected_because: str | None = None
    held_because: str | None = None
    unknown_columns: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def parse_upload(connection: sa.Connection, item: Upload, profile: Profile) -> Summary:
    """Replace an upload's rows in `ledger` and `record`; each row with text gets one disposition.

    Duplicates and versions are not looked for here: every row that says something is accepted.
    """
    for table in (record, ledger):
        connection.execute(sa.delete(table).where(rows_of(table, [item.upload_id])))
    summary = Summary()
    try:
        sorters = _sorters(connection, item, profile)
    except UploadRejected as rejection:
        summary.rejected_because = rejection.reason_nl
    else:
        with store.in_bulk():
            tally = _store_rows(connection, item, sorters)
        if tally.data == 0:
            summary.notices.append(verdict.NO_INSPECTIONS)
        if not item.is_released:
            summary.held_because = verdict.held_because(tally, profile.expectations)
        if summary.held_because:
            _hold(connection, item.upload_id)
        summary.notices += sheets.notices(sorters) + _photo_notice(connection, item, sorters)
        summary.unknown_columns = sheets.unknown_columns(sorters)
    connection.execute(
        sa.update(upload)
        .where(upload.c.upload_id == item.upload_id)
        .values(rejected_because=summary.rejected_because, held_because=summary.held_because)
    )
    return summary


def _sorters(connection: sa.Connection, item: Upload, profile: Profile) -> dict[int, SheetSorter]:
    """The sheets by number.

    Raises:
        UploadRejected: if rows are there but no sheet has the required headings, or the firm has
            no agreement on the format.
    """
    query = sa.select(raw_sheet).where(raw_sheet.c.upload_id == item.upload_id)
    photos = _photos(connection, item)
    rows = connection.execute(query.order_by(raw_sheet.c.sheet_number)).all()
    answered = _answered_format(connection, item, {row.sheet: row.sheet_number for row in rows})
    found = {}
    for row in rows:
        sheets.check_agreed(profile, answered or row.format)
        facts = UploadFacts(
            item.contractor,
            item.nis,
            sheets.family(answered or row.format),
            item.earliest_on,
            item.latest_on,
            row.crs,
            is_answer=answered is not None,
            photos=photos,
        )
        head = _head(connection, item.upload_id, row.sheet_number)
        found[row.sheet_number] = SheetSorter(profile, facts, row.sheet, row.columns, head)
    sheets.tables(found)
    return found


def _answered_format(connection: sa.Connection, item: Upload, sheet_numbers: dict[str, int]) -> str | None:
    """The format of the file that this upload is the receipt of, sent back; None where it is none."""
    if SUMMARY_SHEET not in sheet_numbers:
        return None
    query = sa.select(raw_row.c.cells).where(
        rows_of(raw_row, [item.upload_id]), raw_row.c.sheet_number == sheet_numbers[SUMMARY_SHEET]
    )
    rows = connection.execute(query.order_by(raw_row.c.row_id).limit(_SUMMARY_ROWS)).scalars()
    answered = answered_format(rows)
    return answered if answered in {known.value for known in Format} else None


def _photos(connection: sa.Connection, item: Upload) -> dict[str, str | None]:
    query = sa.select(raw_photo.c.file_name, raw_photo.c.refused_because)
    return dict(
        row._tuple() for row in connection.execute(query.where(raw_photo.c.upload_id == item.upload_id))
    )


def _photo_notice(connection: sa.Connection, item: Upload, sorters: dict[int, SheetSorter]) -> list[str]:
    may_name_some = any(
        isinstance(one.heading, Heading) and "photos" in one.heading.columns for one in sorters.values()
    )
    if not may_name_some or _photos(connection, item):
        return []
    names_some = sa.cast(record.c.photos, sa.Text) != _NOTHING
    query = sa.select(record.c.row_id).where(rows_of(record, [item.upload_id]), names_some).limit(1)
    return [verdict.PHOTOS_ABSENT] if connection.execute(query).first() else []


def _head(connection: sa.Connection, upload_id: int, sheet_number: int) -> list[Cells]:
    query = sa.select(raw_row.c.cells).where(
        rows_of(raw_row, [upload_id]), raw_row.c.sheet_number == sheet_number
    )
    return list(connection.execute(query.order_by(raw_row.c.row_id).limit(headings.HEAD_ROWS)).scalars())


def _store_rows(connection: sa.Connection, item: Upload, sorters: dict[int, SheetSorter]) -> Tally:
    tally = Tally()
    for chunk in _chunks(connection, item.upload_id):
        for sheet_number, row_ids, texts in _by_sheet(chunk):
            found = sorters[sheet_number].sort(orjson.loads(f"[{','.join(texts)}]"))
            _store(connection, item.upload_id, row_ids, found)
            tally.count(found)
    return tally


def _store(connection: sa.Connection, upload_id: int, row_ids: Sequence[int], found: Sorted) -> None:
    count = len(row_ids)
    disposition, reasons = ["accepted"] * count, [_NOTHING] * count
    hashes: list[bytes | None] = list(found.parsed.hashes) if found.parsed else [None] * count
    for position, notes in (found.parsed.remarked if found.parsed else {}).items():
        reasons[position] = store.json_text(notes)
    for position, is_heading in enumerate(found.is_heading):
        if is_heading:
            disposition[position], reasons[position], hashes[position] = "heading", _NOTHING, None
    for position, why in found.refused.items():
        disposition[position], reasons[position], hashes[position] = "quarantined", store.json_text(why), None
    store.insert_tuples(
        connection,
        ledger,
        _LEDGER_COLUMNS,
        zip(row_ids, repeat(upload_id), disposition, reasons, hashes, strict=False),
    )
    if found.parsed:
        columns = found.parsed.columns
        for name in _LISTS:
            columns[name] = [store.json_text(listed) if listed else _NOTHING for listed in columns[name]]
        rows = zip(row_ids, repeat(upload_id), *columns.values(), strict=False)
        accepted = compress(rows, (name == "accepted" for name in disposition))
        store.insert_tuples(connection, record, ("row_id", "upload_id", *columns), accepted)


def _by_sheet(chunk: Sequence[Any]) -> Iterator[tuple[int, Sequence[int], Sequence[str]]]:
    """(sheet number, row ids, cells) of the runs of rows of one sheet."""
    row_ids, sheet_numbers, texts = zip(*chunk, strict=True)
    first = 0
    for sheet_number, run in groupby(sheet_numbers):
        last = first + sum(1 for _ in run)
        yield sheet_number, row_ids[first:last], texts[first:last]
        first = last


def _chunks(connection: sa.Connection, upload_id: int) -> Iterator[Sequence[Any]]:
    """(row_id, sheet_number, cells as JSON text) of an upload in order, some thousands at a time."""
    last, end = upload_id * ROWS_PER_UPLOAD, (upload_id + 1) * ROWS_PER_UPLOAD
    cells = sa.cast(raw_row.c.cells, sa.Text)
    is_of_upload = (raw_row.c.row_id > sa.bindparam("last")) & (raw_row.c.row_id < end)
    longest = connection.execute(
        sa.select(sa.func.max(sa.func.length(cells))).where(is_of_upload), {"last": last}
    ).scalar()
    rows_per_chunk = max(1, min(_ROWS_PER_CHUNK, _CHARACTERS_PER_CHUNK // (longest or 1)))
    query = (
        sa.select(raw_row.c.row_id, raw_row.c.sheet_number, cells.label("cells"))
        .where(is_of_upload)
        .where(raw_row.c.sheet_number > 0)  # 0: read formerly, published, and read no more
        .order_by(raw_row.c.row_id)
        .limit(rows_per_chunk)
    )
    while chunk := connection.execute(query, {"last": last}).all():
        yield chunk
        last = chunk[-1].row_id


def _hold(connection: sa.Connection, upload_id: int) -> None:
    """Put every accepted row aside."""
    connection.execute(sa.delete(record).where(rows_of(record, [upload_id])))
    connection.execute(
        sa.update(ledger)
        .where(rows_of(ledger, [upload_id]), ledger.c.disposition == "accepted")
        .values(disposition="quarantined", reasons=[FILE_HELD.reason()], content_hash=None)
    )
