# ruff: noqa: DTZ001 - cells hold local times without a zone
"""XLS: the cells of Excel 97 workbooks, made record by record, become the text that XLSX gives too."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrants.formats import Format, detect
from tests.compound_files import compound_file
from tests.sheets import refusal_of, rows_of, sheets_of

GENERAL, DAY, MOMENT, CLOCK = 0, 14, 22, 20
"""Built-in number formats; the style of a cell is its place in STYLES."""

STYLES = (GENERAL, DAY, MOMENT, CLOCK)
NAMES = {"day": 1, "moment": 2, "clock": 3}


class Cell(NamedTuple):
    """A cell by kind: number, text, boolean, error, blank, or the same as result of a formula."""

    kind: str
    value: float | str | int = 0
    style: str = ""


class Sheet(NamedTuple):
    title: str
    rows: Sequence[Sequence[Cell | None]]
    visibility: int = 0
    more: bytes = b""


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def start(kind: int) -> bytes:
    return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 0x06))


def text_of(text: str, length: str = "<H") -> bytes:
    return struct.pack(length, len(text.encode("utf-16-le")) // 2) + b"\x01" + text.encode("utf-16-le")


def cell_records(row: int, column: int, cell: Cell) -> bytes:
    place = struct.pack("<HHH", row, column, NAMES.get(cell.style, 0))
    match cell.kind:
        case "number":
            return record(0x0203, place + struct.pack("<d", cell.value))
        case "whole":  # as Excel packs small numbers
            return record(0x027E, place + struct.pack("<i", int(cell.value) << 2 | 0b10))
        case "text":
            return record(0x0204, place + text_of(str(cell.value)))
        case "boolean" | "error":
            return record(0x0205, place + struct.pack("<BB", int(cell.value), cell.kind == "error"))
        case "blank":
            return record(0x0201, place)
        case "formula":  # with a number for its result
            return record(0x0006, place + struct.pack("<dHIH", cell.value, 0, 0, 0))
        case "formula text":
            result = b"\0\0\0\0\0\0\xff\xff"
            formula = record(0x0006, place + result + struct.pack("<HIH", 0, 0, 0))
            return formula + record(0x0207, text_of(str(cell.value)))
    raise AssertionError(cell.kind)


def merged(*areas: tuple[int, int, int, int]) -> bytes:
    """First and last row, first and last column of each, from 0."""
    return record(
        0x00E5, struct.pack("<H", len(areas)) + b"".join(struct.pack("<4H", *area) for area in areas)
    )


def stream_of(sheet: Sheet) -> bytes:
    cells = b"".join(
        cell_records(row, column, cell)
        for row, cells in enumerate(sheet.rows)
        for column, cell in enumerate(cells)
        if cell is not None
    )
    size = struct.pack("<IIHHH", 0, len(sheet.rows), 0, max(map(len, sheet.rows), default=0), 0)
    return start(0x0010) + record(0x0200, size) + cells + sheet.more + record(0x000A)


def xls(sheets: Iterable[Sheet], *, is_1904: bool = False, before: bytes = b"") -> bytes:
    sheets = list(sheets)
    styles = b"".join(
        record(0x00E0, struct.pack("<HHH", 0, number_format, 0) + bytes(14)) for number_format in STYLES
    )
    head = start(0x0005) + before + record(0x0042, struct.pack("<H", 1200))
    head += record(0x0022, struct.pack("<H", is_1904)) + styles

    def listing(starts: Sequence[int]) -> bytes:
        return b"".join(
            record(0x0085, struct.pack("<IBB", at, sheet.visibility, 0) + text_of(sheet.title, "<B"))
            for at, sheet in zip(starts, sheets, strict=True)
        ) + record(0x000A)

    starts, at = [], len(head + listing([0] * len(sheets)))
    for sheet in sheets:
        starts.append(at)
        at += len(stream_of(sheet))
    content = head + listing(starts) + b"".join(map(stream_of, sheets))
    return compound_file({"Workbook": content})


def landed(folder: Path, content: bytes) -> Path:
    path = folder / "landed"
    path.write_bytes(content)
    return path


def numbers(*values: float) -> list[Cell]:
    return [Cell("number", value) for value in values]


def texts(*values: str) -> list[Cell | None]:
    return [Cell("text", value) if value else None for value in values]


def test_xls_typed_cells_become_text(tmp_path: Path) -> None:
    cells: list[Cell | None] = [
        *texts("007", "geïnspecteerd 🚒", "twee\nregels"),
        *numbers(12345, 12345.5, 0.00001, 1.2e15),
        Cell("whole", 80),
        Cell("boolean", 1),
        Cell("boolean", 0),
        Cell("error", 0x2A),
        Cell("error", 0x07),
        None,
        Cell("blank"),
        Cell("formula", 0.5),
        Cell("formula text", "uitkomst"),
        *texts("=HYPERLINK(1)"),
    ]
    expected = [
        *("007", "geïnspecteerd 🚒", "twee\nregels", "12345", "12345.5", "0.00001", "1.2E+15", "80"),
        *("true", "false", "#N/A", "#DIV/0!", None, None, "0.5", "uitkomst", "=HYPERLINK(1)"),
    ]
    path = landed(tmp_path, xls([Sheet("Controle", [texts("VERZONNEN"), [], cells])]))
    assert detect(path) is Format.XLS
    assert sheets_of(path) == [
        {
            "name": "Controle",
            "columns": None,
            "crs": None,
            "notice": None,
            "rows": [(1, ["VERZONNEN"]), (2, []), (3, expected)],
        }
    ]


@pytest.mark.parametrize("is_1904", [False, True])
@pytest.mark.parametrize(
    ("moment", "style", "text"),
    [
        (datetime(2019, 3, 14), "day", "2019-03-14"),
        (datetime(2019, 5, 3, 17, 20), "moment", "2019-05-03T17:20:00"),
        (datetime(2024, 2, 29, 23, 59, 59), "day", "2024-02-29T23:59:59"),
        (datetime(9999, 12, 31), "day", "9999-12-31"),
    ],
)
def test_xls_days_count_from_the_epoch_of_the_workbook(
    tmp_path: Path, moment: datetime, style: str, text: str, is_1904: bool
) -> None:
    since = moment - (datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30))
    cell = Cell("number", since.days + since.seconds / 86_400, style)
    path = landed(tmp_path, xls([Sheet("a", [[cell]])], is_1904=is_1904))
    assert rows_of(path) == [(1, [text])]


@pytest.mark.parametrize(
    ("serial", "style", "text"),
    [
        (1, "day", "1900-01-01"),
        (59, "day", "1900-02-28"),
        (61, "day", "1900-03-01"),
        (0.5, "clock", "12:00:00"),
        (10 / 24 + 20 / 1440, "clock", "10:20:00"),
        (0, "clock", "00:00:00"),
        (1e9, "day", "1000000000"),
        (1e300, "day", "1E+300"),
        (-1e9, "day", "-1000000000"),
    ],
)
def test_xls_serials_at_the_ends_of_the_calendar(
    tmp_path: Path, serial: float, style: str, text: str
) -> None:
    assert rows_of(landed(tmp_path, xls([Sheet("a", [[Cell("number", serial, style)]])]))) == [(1, [text])]


def test_xls_hidden_sheets_are_told(tmp_path: Path) -> None:
    sheets = [
        Sheet("Controle", [texts("a")]),
        Sheet("Lijsten", [texts("b")], visibility=1),
        Sheet("Diep", [texts("c")], visibility=2),
        Sheet("Nog één", [texts("d", "", "e")]),
    ]
    found = sheets_of(landed(tmp_path, xls(sheets)))
    assert [(sheet["name"], sheet["rows"], sheet["notice"]) for sheet in found] == [
        ("Controle", [(1, ["a"])], None),
        ("Lijsten", [], "Het verborgen blad 'Lijsten' is overgeslagen."),
        ("Diep", [], "Het verborgen blad 'Diep' is overgeslagen."),
        ("Nog één", [(1, ["d", None, "e"])], None),
    ]


def test_xls_merged_cells_count_in_each_of_their_rows(tmp_path: Path) -> None:
    rows = [texts("titel"), [], texts("Ieper", "1"), texts("", "2"), [], texts("", "3"), texts("", "4")]
    chart = start(0x0020) + merged((2, 6, 1, 1)) + record(0x000A)
    areas = merged((0, 1, 0, 5), (2, 5, 0, 0))
    path = landed(tmp_path, xls([Sheet("a", rows, more=chart + areas), Sheet("b", rows)]))
    first, second = sheets_of(path)
    assert [cells for _, cells in first["rows"]] == [
        ["titel"],
        [],
        ["Ieper", "1"],
        ["Ieper", "2"],
        [],
        ["Ieper", "3"],
        [None, "4"],
    ]
    assert [cells for _, cells in second["rows"]][3] == [None, "2"]


def test_xls_with_a_password_is_refused(tmp_path: Path) -> None:
    file_pass = record(0x002F, struct.pack("<HHH", 0, 0x1234, 0x5678))
    assert "wachtwoord" in refusal_of(landed(tmp_path, xls([Sheet("a", [texts("x")])], before=file_pass)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (compound_file({"WordDocument": b"tekst"}), "ander of beschadigd Office-bestand"),
        (compound_file({"Workbook": b"geen records"}), "beschadigd"),
        (b"\x09\x08\x08\x00\x00\x05\x10\x00" + bytes(50), "vóór 1997"),
        (b"\x09\x00\x04\x00\x02\x00\x10\x00" + bytes(50), "vóór 1997"),
    ],
)
def test_what_is_no_excel_of_1997_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refusal_of(landed(tmp_path, content))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_truncated_xls_is_refused(tmp_path: Path, share: float) -> None:
    rows = [texts(f"rij {number}", "Dorpsstraat") for number in range(500)]
    content = xls([Sheet("a", rows)])
    path = landed(tmp_path, content[: int(len(content) * share)])
    assert "beschadigd" in refusal_of(path)


VALUES = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).map(
        lambda text: Cell("text", text)
    ),
    st.floats(-1e300, 1e300).map(lambda value: Cell("number", value)),
    st.booleans().map(lambda value: Cell("boolean", value)),
)


@given(st.lists(st.lists(VALUES, max_size=5), max_size=6))
def test_xls_of_any_values_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[Cell | None]]
) -> None:
    rows = dict(rows_of(landed(tmp_path_factory.mktemp("xls"), xls([Sheet("a", table)]))))
    for number, cells in enumerate(table, start=1):
        found = rows.get(number, [])
        found += [None] * (len(cells) - len(found))
        for cell, text in zip(cells, found, strict=True):
            if cell is None:
                assert text is None
            elif cell.kind == "boolean":
                assert text == str(bool(cell.value)).lower()
            elif cell.kind == "number":
                assert float(text or "nan") == pytest.approx(float(cell.value), rel=1e-14)
            else:
                assert text == cell.value
