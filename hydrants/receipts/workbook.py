"""The receipt for people: an Excel workbook with the sender's own rows, and what became of each."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from hydrants.receipts import rows, summary
from hydrants.receipts.facts import Answer
from hydrants.receipts.rows import Kind, Place, Reason, Row
from hydrants.receipts.sheets import Cells, Sheet
from hydrants.receipts.styles import Styles, height_pt
from hydrants.receipts.tally import Group, Tally
from hydrants.reference.answers import ANSWER_COLUMNS, SUMMARY_SHEET
from hydrants.spreadsheet import STREAMED, cut, write_text
from hydrants.spreadsheet_rows import RowsSheet

MAX_SHEET_ROWS = 1_048_576
"""Of Excel; a longer list continues on a next sheet."""

_LIST_NAME = "Controles"
"""Of the sheet of a format without sheets."""

_MAX_NAME_CHARACTERS = 31
_FORBIDDEN_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff]")
_STATUS_WIDTH, _WHY_WIDTH, _INSTEAD_WIDTH = 14, 60, 22
_MIN_WIDTH, _MAX_WIDTH = 7, 32
_MEASURED_ROWS = 1_000
"""Widths and heights are fitted to the first rows, on which the refused ones are."""

_ROWS_AT_ONCE = 250

_TOLD = (Kind.REFUSED, Kind.REMARKED)
"""The kinds whose reasons are counted on the first sheet; those of held rows are all the same."""


def write(path: Path, connection: sa.Connection, answer: Answer) -> list[Group]:
    """Write the workbook: the summary, then the sender's sheets with the rows that need a look on top.

    Equal facts make equal bytes. Rows are streamed; memory does not grow with them.

    Returns:
        The reasons, counted, for the document that goes with it.
    """
    tally = Tally()
    with xlsxwriter.Workbook(path, STREAMED) as workbook:
        received = answer.upload.landed_at.replace(tzinfo=None)
        workbook.set_properties({"title": f"Ontvangstbewijs {answer.upload.file_name}", "created": received})
        styles = Styles(workbook)
        first = workbook.add_worksheet(SUMMARY_SHEET)
        names = SheetNames()
        written = {}
        for sheet in answer.sheets:
            writer = _SheetWriter(workbook, styles, names, answer, sheet)
            for kind in filter(sheet.kinds.get, Kind):
                for _, row in rows.of_kind(connection, answer.upload.upload_id, sheet.number, kind):
                    writer.write(kind, row)
                    if kind in _TOLD:
                        tally.add(kind, row.reasons)
            writer.close()
            written[sheet.number] = writer.names
        summary.write(first, styles, answer, tally.groups(), written)
    return tally.groups()


class SheetNames:
    """Names that Excel accepts, each once, as near to the sender's as can be."""

    def __init__(self) -> None:
        self._used = {SUMMARY_SHEET.casefold(), "history"}  # the latter is Excel's own

    def new(self, wanted: str) -> str:
        """A name for one more sheet."""
        clean = _FORBIDDEN_IN_NAMES.sub("_", wanted).strip().strip("'") or _LIST_NAME
        for number in count(1):
            suffix = "" if number == 1 else f" ({number})"
            name = cut(clean, _MAX_NAME_CHARACTERS - len(suffix)).rstrip(" '") + suffix
            if name.casefold() not in self._used:
                self._used.add(name.casefold())
                return name
        raise AssertionError("counting never ends")


class _SheetWriter:
    """Writes the rows of one of the sender's sheets, onto as many sheets as Excel needs for them."""

    def __init__(
        self,
        workbook: xlsxwriter.Workbook,
        styles: Styles,
        names: SheetNames,
        answer: Answer,
        sheet: Sheet,
    ) -> None:
        self._workbook = workbook
        self._styles = styles
        self._sheet = sheet
        self._available = names
        self._plain: list[Cells] = []
        self._sha256 = answer.upload.sha256
        self._row_word = _row_word(answer.format)
        # a list without headings gets the letters that its sender sees above the columns
        self._headings = sheet.headings if any(sheet.headings) else _letters(len(sheet.headings))
        self._width = len(self._headings)
        self._index: dict[str | None, int] = {
            title: at for at, title in reversed(list(enumerate(sheet.titles))) if title
        }
        self._head_rows = 2 if sheet.units else 1
        self.names: list[str] = []
        self._part: Any = None
        self._next_row = 0
        self._start()

    def write(self, kind: Kind, row: Row) -> None:
        """Write a row with its status, why, and what to write instead."""
        if self._next_row >= MAX_SHEET_ROWS:
            self.close()
            self._start()
        style = self._styles.rows[kind]
        if not style.is_filled:
            self._write_plain(kind, row)
            return
        self._write_out()
        named = {self._index.get(reason["column"]) for reason in row.reasons}
        part, at = self._part, self._next_row
        status, why, instead = kind.value, self._why(kind, row), _instead(row.reasons)
        if at < _MEASURED_ROWS:
            height = height_pt((status, _STATUS_WIDTH), (why, _WHY_WIDTH), (instead, _INSTEAD_WIDTH))
            part.set_row(at, height)
        cells = self._sheet.own(row.cells)
        for column, text in enumerate(cells):
            write_text(part, at, column, text, style.named if column in named else style.cell)
        for column in range(len(cells), self._width):
            write_text(part, at, column, None, style.named if column in named else style.cell)
        for offset, text in enumerate((status, why, instead)):
            write_text(part, at, self._width + offset, text, style.reason if offset else style.status)
        if at < _MEASURED_ROWS:
            self._measure(cells)
        self._next_row += 1

    def _write_plain(self, kind: Kind, row: Row) -> None:
        """Write a row on which nothing stands out; most are such, and they go out together."""
        cells = self._sheet.own(row.cells)
        if self._next_row < _MEASURED_ROWS:
            self._measure(cells)
        padding = [None] * (self._width - len(cells))
        self._plain.append([*cells, *padding, kind.value, self._why(kind, row), _instead(row.reasons)])
        self._next_row += 1
        if len(self._plain) == _ROWS_AT_ONCE:
            self._write_out()

    def _write_out(self) -> None:
        """Write the plain rows that wait."""
        if self._plain:
            style = self._styles.rows[Kind.ACCEPTED]
            formats = [*[style.cell] * self._width, style.status, style.reason, style.reason]
            columns = list(zip(*self._plain, strict=True))
            self._part.write_rows(self._next_row - len(self._plain), columns, formats)
            self._plain = []

    def close(self) -> None:
        """Finish the sheet that is being written."""
        self._write_out()
        part, last_column = self._part, self._width + len(ANSWER_COLUMNS) - 1
        for column, width in enumerate((*self._widths, _STATUS_WIDTH, _WHY_WIDTH, _INSTEAD_WIDTH)):
            part.set_column(column, column, width, self._styles.text)
        last_row = max(self._next_row - 1, self._head_rows)
        part.autofilter(self._head_rows - 1, 0, last_row, last_column)
        part.ignore_errors({"number_stored_as_text": f"A1:{xl_col_to_name(last_column)}{last_row + 1}"})

    def _start(self) -> None:
        name = self._available.new(self._sheet.name or _LIST_NAME)
        self.names.append(name)
        part = self._part = self._workbook.add_worksheet(name, RowsSheet)
        part.freeze_panes(self._head_rows, 1)
        part.set_zoom(85)  # the answer beside the whole row, on most screens
        part.set_landscape()
        part.set_paper(9)  # A4
        part.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        part.fit_to_pages(1, 0)
        part.repeat_rows(0, self._head_rows - 1)
        part.set_footer("&L&F&C&A&R&P / &N")
        for column, text in enumerate(self._headings):
            write_text(part, 0, column, text, self._styles.heading)
        for offset, text in enumerate(ANSWER_COLUMNS):
            write_text(part, 0, self._width + offset, text, self._styles.answer_heading)
        for column, text in enumerate(self._sheet.units or ()):
            write_text(part, 1, column, text, self._styles.units)
        self._next_row = self._head_rows
        self._widths = [_MIN_WIDTH] * self._width
        self._measure(self._headings)

    def _measure(self, cells: Cells) -> None:
        for column, text in enumerate(cells):
            if text and len(text) + 2 > self._widths[column]:
                wanted = min(len(text.partition("\n")[0]) + 2, _MAX_WIDTH)
                self._widths[column] = max(self._widths[column], wanted)

    def _why(self, kind: Kind, row: Row) -> str | None:
        """Where the row stands in the sender's file, and each message with the column that it is about."""
        if not row.reasons and row.repeats is None:
            return None
        place = f"{self._row_word} {row.row_number}"
        if row.repeats is not None:
            return f"{place}: zegt hetzelfde als {self._spelled(row.repeats)}; ze telt één keer mee."
        messages = "\n".join(map(self._said, row.reasons))
        return f"{place}: {messages}"

    def _spelled(self, first: Place) -> str:
        on_sheet = f" van blad '{first.sheet}'" if first.sheet else ""
        if first.sha256 == self._sha256:
            return f"{self._row_word.lower()} {first.row_number}{on_sheet} van dit bestand"
        return f"rij {first.row_number}{on_sheet} van '{first.file_name}'"

    def _said(self, reason: Reason) -> str:
        column = self._shown(reason["column"])
        return f"{column} - {reason['message']}" if column else reason["message"]

    def _shown(self, column: str | None) -> str | None:
        index = self._index.get(column)
        return column if index is None else self._headings[index]


def _instead(reasons: list[Reason]) -> str | None:
    """What to write instead; by column where the row has more to mend than one cell."""
    suggested = [reason for reason in reasons if reason.get("suggestion")]
    if len(reasons) == 1:
        return suggested[0]["suggestion"] if suggested else None
    return "\n".join(f"{reason['column']}: {reason['suggestion']}" for reason in suggested) or None


def _row_word(file_format: str | None) -> str:
    """What the sender counts rows by."""
    return {"csv": "Regel", "xlsx": "Rij", "xls": "Rij", "ods": "Rij"}.get(file_format or "", "Object")


def _letters(width: int) -> Cells:
    return [xl_col_to_name(column) for column in range(width)]
