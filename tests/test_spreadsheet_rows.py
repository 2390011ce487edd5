"""Rows in bulk against the library's own way, cell by cell, as openpyxl and the file itself tell."""

from __future__ import annotations

import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from hydrants import spreadsheet
from hydrants.spreadsheet_rows import RowsSheet

DAY = {"num_format": "dd/mm/yyyy"}
AWKWARD = [
    *("=1+1", "<r>bold</r>", " ervoor", "erachter ", "twee\nregels", "a & b < c > d", '"quotes"', "_x000D_"),
    *(
        "\x00nul\x1f",
        "\ufffe\uffff",
        "é😀",
        "\u202egedraaid",
        "<img onerror=x>",
        "]]>",
        "😀" * 20_000,
        "x" * 40_000,
    ),
]


def in_bulk(path: Path, columns: list[list[Any]]) -> None:
    with xlsxwriter.Workbook(path, spreadsheet.STREAMED) as workbook:
        day = workbook.add_format(DAY)
        sheet = workbook.add_worksheet("Lijst", RowsSheet)
        sheet.set_column(1, 1, 12, day)
        sheet.write_row(0, 0, ["kop"] * len(columns))
        middle = len(columns[0]) // 2
        following = 1
        for part in (slice(None, middle), slice(middle, None)):
            following = sheet.write_rows(
                following, [values[part] for values in columns], [None, day, *[None] * (len(columns) - 2)]
            )
        sheet.write_string(following, 0, "einde")


def cell_by_cell(path: Path, columns: list[list[Any]]) -> None:
    with xlsxwriter.Workbook(path, spreadsheet.STREAMED) as workbook:
        day = workbook.add_format(DAY)
        sheet = workbook.add_worksheet("Lijst")
        sheet.set_column(1, 1, 12, day)
        sheet.write_row(0, 0, ["kop"] * len(columns))
        for row, values in enumerate(zip(*columns, strict=True), start=1):
            for column, value in enumerate(values):
                if value is not None and value != "":
                    spreadsheet.put(sheet, row, column, value, day if column == 1 else None)
        sheet.write_string(len(columns[0]) + 1, 0, "einde")


def cells(path: Path) -> list[list[tuple[Any, str, str]]]:
    sheet = openpyxl.load_workbook(path)["Lijst"]
    return [[(cell.value, cell.data_type, cell.number_format) for cell in row] for row in sheet.iter_rows()]


def written(path: Path) -> list[bytes]:
    """The cells as they are written."""
    return re.findall(rb"<c .*?</c>", zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml"), re.DOTALL)


VALUES = st.one_of(
    st.none(),
    st.sampled_from(AWKWARD),
    st.text(max_size=40),
    st.integers(-(10**9), 10**9),
    st.floats(-1e12, 1e12, allow_nan=False),
)
DAYS = st.one_of(st.none(), st.dates(date(1900, 3, 1), date(2100, 1, 1)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(VALUES, DAYS, VALUES), min_size=1, max_size=12))
def test_a_cell_is_what_the_library_makes_of_it(rows: list[tuple[Any, ...]], tmp_path: Path) -> None:
    columns = [list(values) for values in zip(*rows, strict=True)]
    in_bulk(tmp_path / "bulk.xlsx", columns)
    cell_by_cell(tmp_path / "cells.xlsx", columns)
    assert cells(tmp_path / "bulk.xlsx") == cells(tmp_path / "cells.xlsx")
    # not only to openpyxl: cells are the same to the byte, but for a text that the library takes for markup
    if not any(isinstance(value, str) and value.startswith("<r>") for row in rows for value in row):
        assert written(tmp_path / "bulk.xlsx") == written(tmp_path / "cells.xlsx")


def test_a_long_list_is_written_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tells: neither the cells, nor how far the sheet says it reaches."""
    columns = [
        [f"H-{number}" for number in range(11)],
        [date(2019, 5, 1), None] * 5 + [None],
        list(range(11)),
    ]
    with xlsxwriter.Workbook(tmp_path / "cells.xlsx", spreadsheet.STREAMED) as workbook:
        sheet = workbook.add_worksheet("Lijst")
        for row, values in enumerate(zip(*columns, strict=True)):
            for column, value in enumerate(values):
                if value is not None:
                    spreadsheet.put(sheet, row, column, value)
    for rows_at_once in (5_000, 4, 11, 1):
        monkeypatch.setattr("hydrants.spreadsheet_rows._ROWS_AT_ONCE", rows_at_once)
        with xlsxwriter.Workbook(tmp_path / "bulk.xlsx", spreadsheet.STREAMED) as workbook:
            workbook.add_worksheet("Lijst", RowsSheet).write_rows(0, columns, [None] * 3)
        told = openpyxl.load_workbook(tmp_path / "bulk.xlsx", read_only=True)["Lijst"].calculate_dimension()
        assert (told, written(tmp_path / "bulk.xlsx")) == ("A1:C11", written(tmp_path / "cells.xlsx"))


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_is_read_back(tmp_path: Path, text: str) -> None:
    in_bulk(tmp_path / "bulk.xlsx", [[text], [None]])
    read = openpyxl.load_workbook(tmp_path / "bulk.xlsx")["Lijst"]["A2"].value
    assert unescape(read) == spreadsheet.fitted(text)


def test_rows_go_below_and_into_a_streamed_workbook_only(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx", spreadsheet.STREAMED) as workbook:
        sheet = workbook.add_worksheet("Lijst", RowsSheet)
        assert sheet.write_rows(1, [["a", "b"]], [None]) == 3
        assert sheet.write_rows(3, [[]], [None]) == 3
        with pytest.raises(ValueError, match="below"):
            sheet.write_rows(2, [["c"]], [None])
    with xlsxwriter.Workbook(tmp_path / "b.xlsx") as workbook, pytest.raises(ValueError, match="streamed"):
        workbook.add_worksheet("Lijst", RowsSheet).write_rows(0, [["a"]], [None])
