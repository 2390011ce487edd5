"""Long lists in workbooks: whole rows at once, several times faster than cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from hydrants.spreadsheet import fitted

Value = str | float | date | None

_ROWS_AT_ONCE = 5_000
"""So many are made into text before they are written: the cells of a long list together are large."""

_EPOCH = date(1899, 12, 30).toordinal()
"""Day 0 of Excel, for days from March 1900 on: it takes 1900 for a leap year."""


class RowsSheet(Worksheet):
    """A sheet of a streamed workbook (`spreadsheet.STREAMED`) that also takes rows in bulk.

    XlsxWriter puts a cell through a dozen calls. A list of a million rows has few different texts in most of
    its columns, so here a cell is made of what stands before and after its row's number, each made once.
    """

    def write_rows(
        self, first_row: int, columns: Sequence[Iterable[Value]], formats: Sequence[Format | None]
    ) -> int:
        """Write rows below all that was written before.

        Args:
            first_row: row of the first, from 0.
            columns: the values of each column, all of one length: texts, numbers, days, or None (and "") for
                an empty cell. A text is written as `spreadsheet.write_text` writes it.
            formats: of the cells with a value in each column.

        Returns:
            The row after the last one.
        """
        if not self.constant_memory or first_row < self.previous_row:
            raise ValueError("rows can only be added below, and to a streamed workbook")
        tails = [(xl_col_to_name(at), _Tails(self, cell_format)) for at, cell_format in enumerate(formats)]
        following, ahead = first_row, [iter(values) for values in columns]
        while rows := _rows(following + 1, tails, [list(islice(values, _ROWS_AT_ONCE)) for values in ahead]):
            last_row = following + len(rows) - 1
            for row, column in ((following, 0), (last_row, len(tails) - 1)):
                self._check_dimensions(row, column)  # the sheet states how far it reaches
            self._write_single_row(last_row + 1)  # what was written cell by cell before
            self.fh.write("".join(rows))
            following += len(rows)
        return following


def _rows(
    first_number: int, tails: Sequence[tuple[str, _Tails]], columns: Sequence[list[Value]]
) -> list[str]:
    cells = [
        _column_cells(letters, first_number, values, tail)
        for (letters, tail), values in zip(tails, columns, strict=True)
    ]
    return [
        f'<row r="{number}">{"".join(row)}</row>'
        for number, row in enumerate(zip(*cells, strict=True), start=first_number)
    ]


def _column_cells(letters: str, first_number: int, values: Iterable[Value], tails: _Tails) -> list[str]:
    start = f'<c r="{letters}'
    return [
        f"{start}{number}{tails[value]}" if value is not None and value != "" else ""
        for number, value in enumerate(values, start=first_number)
    ]


class _Tails(dict[Value, str]):
    """What follows a row's number in a cell, by its value."""

    def __init__(self, sheet: RowsSheet, cell_format: Format | None) -> None:
        self._sheet = sheet
        self._style = f' s="{cell_format._get_xf_index()}"' if cell_format else ""

    def __missing__(self, value: Value) -> str:
        tail = self[value] = self._tail(value)
        return tail

    def _tail(self, value: Value) -> str:
        if isinstance(value, str):
            text: Any = fitted(value)
            if not text.isprintable() or "_x" in text:  # most have nothing that control characters are
                text = self._sheet._escape_control_characters(text)
            text = self._sheet._escape_data(text)
            space = ' xml:space="preserve"' if text != text.strip() else ""
            return f'"{self._style} t="inlineStr"><is><t{space}>{text}</t></is></c>'
        if isinstance(value, date):
            days = value.toordinal() - _EPOCH
            value = days + _part_of_day(value.time()) if isinstance(value, datetime) else days
        return f'"{self._style}><v>{value:.16G}</v></c>'


def _part_of_day(moment: time) -> float:
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86_400
