"""All rows of one upload: which sheets are tables, and what each row says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import store
from hydrants.errors import UploadRejected
from hydrants.reference.profile import Family, Profile
from hydrants.reference.words import fold
from hydrants.store.tables import ROWS_PER_UPLOAD, ledger, raw_row, raw_sheet, record, upload
from hydrants.validation import headings
from hydrants.validation.headings import Cells, Heading, NoHeading
from hydrants.validation.reasons import Reason, Refusal
from hydrants.validation.rows import Accepted, RowParser, UploadFacts

_ROWS_PER_CHUNK = 5_000
_FORMAT_NAMES: dict[Family, str] = {"csv": "CSV", "xlsx": "Excel", "vector": "GeoPackage of GeoJSON"}


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


@dataclass(slots=True)
class Summary:
    """What the sender should know of a file beside its rows."""

    rejected_because: str | None = None
    unknown_columns: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


class _Disposition(NamedTuple):
    """What became of a row: accepted with its values, or else with its reasons."""

    name: str
    reasons: list[Reason] = []  # noqa: RUF012 - a tuple's default, never written to
    accepted: Accepted | None = None


class _Sheet:
    """Sorts the rows of one sheet into headings, accepted and quarantined."""

    def __init__(self, item: Upload, profile: Profile, row: Any, head: list[Cells]) -> None:
        self.name: str = row.sheet
        self.has_rows = bool(head)
        self.is_ignored = fold(row.sheet) in set(map(fold, profile.ignored_sheets))
        self.heading: Heading | NoHeading = NoHeading("blad wordt overgeslagen")
        if row.columns is not None:
            self.heading = headings.declared(row.columns, profile)
        elif not self.is_ignored:
            self.heading = headings.find(head, profile)
        self._units = set(map(fold, profile.unit_words))
        self._seen = 0
        if isinstance(self.heading, Heading):
            facts = UploadFacts(
                item.contractor, item.nis, _family(row), item.earliest_on, item.latest_on, row.crs
            )
            self._parser = RowParser(profile, self.heading, facts)

    def sort(self, cells: Cells) -> _Disposition:
        """The disposition of the next row."""
        position, self._seen = self._seen, self._seen + 1
        if self.is_ignored:
            return _Disposition("heading")
        if isinstance(self.heading, NoHeading):
            message = f"Dit blad is geen lijst met controles: {self.heading.reason_nl}."
            return _Disposition("quarantined", [Refusal("NO_TABLE", message).reason()])
        if self._is_heading(position, cells, self.heading):
            return _Disposition("heading")
        result = self._parser.parse(cells)
        if isinstance(result, Accepted):
            return _Disposition("accepted", accepted=result)
        return _Disposition("quarantined", result.reasons)

    def _is_heading(self, position: int, cells: Cells, heading: Heading) -> bool:
        """Titles above the headings, the headings, units right below them, headings once more."""
        if heading.position is None:
            return False
        if position < heading.position:  # a sheet that was sorted can have inspections there too
            return not self._parser.is_dated_outcome(cells)
        if position == heading.position or heading.is_repeated_by(cells):
            return True
        return position == heading.position + 1 and all(fold(text) in self._units for text in cells if text)


def _family(row: Any) -> Family:
    """By what reading leaves: only vector formats declare columns, only workbooks name their sheets."""
    if row.columns is not None:
        return "vector"
    return "xlsx" if row.sheet else "csv"


def parse_upload(connection: sa.Connection, item: Upload, profile: Profile) -> Summary:
    """Replace an upload's rows in `ledger` and `record`; each row with text gets one disposition.

    Duplicates and versions are not looked for here: every row that says something is accepted.
    """
    for table in (record, ledger):
        connection.execute(sa.delete(table).where(table.c.upload_id == item.upload_id))
    summary = Summary()
    try:
        sheets = _sheets(connection, item, profile)
    except UploadRejected as rejection:
        summary.rejected_because = rejection.reason_nl
    else:
        if _store_rows(connection, item, sheets) == 0:
            summary.notices.append("Het bestand bevat geen controles.")
        for sheet in sheets.values():
            _describe(sheet, summary)
    connection.execute(
        sa.update(upload)
        .where(upload.c.upload_id == item.upload_id)
        .values(rejected_because=summary.rejected_because)
    )
    return summary


def _sheets(connection: sa.Connection, item: Upload, profile: Profile) -> dict[int, _Sheet]:
    """The sheets by number.

    Raises:
        UploadRejected: if rows are there but no sheet has the required headings, or the firm has
            no agreement on the format.
    """
    query = sa.select(raw_sheet).where(raw_sheet.c.upload_id == item.upload_id)
    rows = connection.execute(query.order_by(raw_sheet.c.sheet_number)).all()
    if any(_family(row) not in profile.formats for row in rows):
        agreed = ", ".join(_FORMAT_NAMES[family] for family in profile.formats)
        raise UploadRejected(f"Dit bestandsformaat is met {profile.name} niet afgesproken. Stuur: {agreed}.")
    sheets = {
        row.sheet_number: _Sheet(item, profile, row, _head(connection, item.upload_id, row.sheet_number))
        for row in rows
    }
    filled = [sheet for sheet in sheets.values() if sheet.has_rows and not sheet.is_ignored]
    problems = [sheet.heading for sheet in filled if isinstance(sheet.heading, NoHeading)]
    if problems and len(problems) == len(filled):
        reason = problems[0].reason_nl
        raise UploadRejected(
            f"{reason[0].upper()}{reason[1:]}. Gebruik de afgesproken kolomtitels en stuur het bestand "
            "opnieuw."
        )
    return sheets


def _head(connection: sa.Connection, upload_id: int, sheet_number: int) -> list[Cells]:
    query = sa.select(raw_row.c.cells).where(
        raw_row.c.upload_id == upload_id, raw_row.c.sheet_number == sheet_number
    )
    return list(connection.execute(query.order_by(raw_row.c.row_id).limit(headings.HEAD_ROWS)).scalars())


def _store_rows(connection: sa.Connection, item: Upload, sheets: dict[int, _Sheet]) -> int:
    """Store the dispositions; how many rows are data."""
    data_rows = 0
    for chunk in _chunks(connection, item.upload_id):
        ledger_rows, record_rows = [], []
        for row_id, sheet_number, cells in chunk:
            name, reasons, accepted = sheets[sheet_number].sort(cells)
            ledger_rows.append(
                {
                    "row_id": row_id,
                    "upload_id": item.upload_id,
                    "disposition": name,
                    "reasons": reasons,
                    "content_hash": accepted.content_hash if accepted else None,
                }
            )
            if accepted:
                record_rows.append({"row_id": row_id, "upload_id": item.upload_id, **accepted.values})
            data_rows += name != "heading"
        store.insert_rows(connection, ledger, ledger_rows)
        store.insert_rows(connection, record, record_rows)
    return data_rows


def _chunks(connection: sa.Connection, upload_id: int) -> Iterator[Sequence[Any]]:
    """(row_id, sheet_number, cells) of an upload in order, some thousands at a time."""
    last, end = upload_id * ROWS_PER_UPLOAD, (upload_id + 1) * ROWS_PER_UPLOAD
    query = (
        sa.select(raw_row.c.row_id, raw_row.c.sheet_number, raw_row.c.cells)
        .where(raw_row.c.row_id > sa.bindparam("last"), raw_row.c.row_id < end)
        .order_by(raw_row.c.row_id)
        .limit(_ROWS_PER_CHUNK)
    )
    while chunk := connection.execute(query, {"last": last}).all():
        yield chunk
        last = chunk[-1].row_id


def _describe(sheet: _Sheet, summary: Summary) -> None:
    if not sheet.has_rows or sheet.is_ignored:
        return
    if isinstance(sheet.heading, NoHeading):
        summary.notices.append(f"Blad '{sheet.name}' is niet gebruikt: {sheet.heading.reason_nl}.")
        return
    summary.unknown_columns += [name for name in sheet.heading.unknown if name not in summary.unknown_columns]
