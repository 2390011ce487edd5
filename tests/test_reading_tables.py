# ruff: noqa: DTZ001 - cells hold local times without a zone
"""CSV files and workbooks become numbered rows of text, verbatim."""

from __future__ import annotations

import csv
import tempfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from hydrants.errors import UploadRejected
from hydrants.formats.sheet import as_text
from tests.sheets import refusal_of, repacked, rows_of, sheets_of

# -- CSV ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_csv_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "landed"
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    path.write_bytes((mark + "Datum;Opmerking\r\n14/03/2019;geïnspecteerd\r\n").encode(encoding))
    assert rows_of(path) == [(1, ["Datum", "Opmerking"]), (2, ["14/03/2019", "geïnspecteerd"])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1,5;2,5\n", [["a", "b"], ["1,5", "2,5"]]),
        ("a,b\n1.5,2\n", [["a", "b"], ["1.5", "2"]]),
        ("a\tb\n1,5\t2,5\n", [["a", "b"], ["1,5", "2,5"]]),
        (
            "titel, met komma's, en, nog, een\na;b;c;d;e;f\n",
            [["titel, met komma's, en, nog, een"], [*"abcdef"]],
        ),
        ("sep=,\na,b;c\n", [["sep=", None], ["a", "b;c"]]),
        ('a;b\n"x;y";"zeg ""ja"""\n', [["a", "b"], ["x;y", 'zeg "ja"']]),
        ("007;12E3;1.2E+15; spatie \n", [["007", "12E3", "1.2E+15", " spatie "]]),
        ('Dorp 3" buis;x\n', [['Dorp 3" buis', "x"]]),
        (
            "=HYPERLINK(1);<img onerror=1>\n'; DROP TABLE\n",
            [["=HYPERLINK(1)", "<img onerror=1>"], ["'", " DROP TABLE"]],
        ),
    ],
)
def test_csv_cells_are_verbatim(tmp_path: Path, text: str, expected: list[list[str | None]]) -> None:
    path = tmp_path / "landed"
    path.write_text(text, encoding="utf-8")
    assert [cells for _, cells in rows_of(path)] == expected


def test_csv_row_numbers_are_the_lines_where_rows_start(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    path.write_bytes(b'titel;\r\n\r\nkop;kop2\r\n"twee\r\nregels";1\r\n;\r\nlaatste;2')
    assert rows_of(path) == [
        (1, ["titel", None]),
        (2, []),
        (3, ["kop", "kop2"]),
        (4, ["twee\r\nregels", "1"]),
        (6, [None, None]),
        (7, ["laatste", "2"]),
    ]


@pytest.mark.parametrize("sign", [b'"', b"\r", b" "])
def test_csv_declares_no_delimiter_that_cannot_be_one(tmp_path: Path, sign: bytes) -> None:
    path = tmp_path / "landed"
    path.write_bytes(b"sep=" + sign + b"\na;b;c\n1;2;3\n")
    assert rows_of(path)[1:] == [(2, ["a", "b", "c"]), (3, ["1", "2", "3"])]


def test_csv_nul_is_made_visible(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    path.write_bytes(b"Datum;Opmerking;Adres;Resultaat\n14/03/2019;a\0b;Dorpsstraat 14;goedgekeurd\n")
    assert rows_of(path)[1] == (2, ["14/03/2019", "a␀b", "Dorpsstraat 14", "goedgekeurd"])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'a;b\n1;2\n3;"open\n4;5\n6;7\n', 3),
        (b'a;b\n1;2\n"x"y;2\n4;5\n', 3),
        (b'a;b;c;d\n1;2;3;4\n5;6;7;"8\n9;10;11;12\n";14;15;16\n', 3),
        ("a;b\n1;é\n".encode() + "2;ë\n".encode("cp1252"), 3),
        (b"a;b\n1;\x81\n", 2),
        (b"\xef\xbb\xbfa;b\n1;2\n3;\xeb\n", 3),
    ],
)
def test_csv_is_refused_with_the_line(tmp_path: Path, content: bytes, line: int) -> None:
    path = tmp_path / "landed"
    path.write_bytes(content)
    assert refusal_of(path).startswith(f"Regel {line}")


TYPED = st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\r\t")


@given(
    st.lists(
        st.lists(st.text(TYPED, max_size=8), min_size=2, max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_csv_of_any_text_is_read_back_or_refused(rows: list[list[str]]) -> None:
    rows = [["kop 1", "kop 2", "kop 3", "kop 4", "kop 5"], *rows]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8-sig", newline="", suffix=".csv") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
        file.flush()
        try:
            found = [cells for _, cells in rows_of(Path(file.name))]
        except UploadRejected as rejection:
            assert "een cel loopt door over andere rijen" in rejection.reason_nl
            assert any("\n" in text and text.count(";") >= 2 for row in rows for text in row)
        else:
            assert found == [[text or None for text in row] for row in rows]


# -- XLSX --------------------------------------------------------------------------------------


def test_xlsx_typed_cells_become_text(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Controle")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    sheet.write_string(0, 0, "VERZONNEN DEMOGEGEVENS")
    for column, value in enumerate(["007", 12345, 12345.5, 0.00001, 1.2e15, True, "geïnspecteerd"]):
        sheet.write(3, column, value)
    sheet.write_datetime(3, 7, datetime(2019, 3, 14), day)
    sheet.write_datetime(3, 8, datetime(2019, 5, 3, 17, 20), moment)
    sheet.write_string(3, 9, "03/04/2026")
    sheet.write_string(3, 11, "=HYPERLINK(1)")
    sheet.write_blank(5, 0, None, day)
    book.close()
    expected = [
        *("007", "12345", "12345.5", "0.00001", "1.2E+15", "true", "geïnspecteerd"),
        *("2019-03-14", "2019-05-03T17:20:00", "03/04/2026", None, "=HYPERLINK(1)"),
    ]
    assert sheets_of(path) == [
        {
            "name": "Controle",
            "columns": None,
            "crs": None,
            "notice": None,
            "rows": [(1, ["VERZONNEN DEMOGEGEVENS"]), (2, []), (3, []), (4, expected)],
        }
    ]


def test_xlsx_of_1904_counts_days_from_its_own_epoch(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    book = xlsxwriter.Workbook(path, {"date_1904": True})
    sheet = book.add_worksheet()
    sheet.write_datetime(0, 0, datetime(2019, 3, 14), book.add_format({"num_format": "dd/mm/yyyy"}))
    book.close()
    assert rows_of(path) == [(1, ["2019-03-14"])]


def test_xlsx_hidden_rows_count_and_hidden_sheets_do_not(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    book = openpyxl.Workbook()
    book.active.title = "Controle"
    for number in range(3):
        book.active.append([f"rij {number}"])
    book.active.row_dimensions[2].hidden = True
    book.create_sheet("Lijsten").append(["goedgekeurd"])
    book["Lijsten"].sheet_state = "hidden"
    book.save(path.with_suffix(".xlsx"))
    shown, hidden = sheets_of(path.with_suffix(".xlsx"))
    assert shown["rows"] == [(1, ["rij 0"]), (2, ["rij 1"]), (3, ["rij 2"])]
    assert (hidden["name"], hidden["rows"]) == ("Lijsten", [])
    assert hidden["notice"] == "Het verborgen blad 'Lijsten' is overgeslagen."


def test_xlsx_formula_without_a_result_is_not_empty(tmp_path: Path) -> None:
    uncalculated = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["x", "=1+1", None])
    book.save(uncalculated)
    assert rows_of(uncalculated) == [(1, ["x", "#FORMULE!"])]


def test_xlsx_formula_with_a_result_is_that_result(tmp_path: Path) -> None:
    # as Excel writes them: a number, an empty text, a text
    cells = b"""<row r="201"><c r="A201"><f>1+1</f><v>2</v></c>
        <c r="B201" t="str"><f>IF(A1=3,"ja","")</f><v></v></c>
        <c r="C201" t="str"><f>"a"</f><v>a</v></c></row>"""
    path = tmp_path / "landed"
    path.write_bytes(repacked(lambda _, content: content.replace(b"</sheetData>", cells + b"</sheetData>")))
    assert rows_of(path)[-1] == (201, ["2", None, "a"])


def test_xlsx_rows_that_are_left_out_are_blank(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    row = b'<row r="5000"><c r="A5000"><v>1</v></c></row></sheetData>'
    path.write_bytes(repacked(lambda _, content: content.replace(b"</sheetData>", row)))
    assert rows_of(path)[200:] == [*((number, []) for number in range(201, 5000)), (5000, ["1"])]


def test_xlsx_row_beyond_the_last_of_a_worksheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    row = b'<row r="99999999999"><c r="A5000"><v>1</v></c></row></sheetData>'
    path.write_bytes(repacked(lambda _, content: content.replace(b"</sheetData>", row)))
    assert "beschadigd" in refusal_of(path)


@pytest.mark.parametrize(
    ("serial", "text"), [("2958465.999999", "9999-12-31T23:59:59.914000"), ("1e300", "#VALUE!")]
)
def test_xlsx_days_at_the_end_of_the_calendar(tmp_path: Path, serial: str, text: str) -> None:
    book = xlsxwriter.Workbook(tmp_path / "landed")
    book.add_worksheet().write_number(0, 0, float(serial), book.add_format({"num_format": "dd/mm/yyyy"}))
    book.close()
    assert rows_of(tmp_path / "landed") == [(1, [text])]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        (" ", " "),
        (12345, "12345"),
        (12345.0, "12345"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        (999_999_999_999_999, "999999999999999"),
        (10**15, "1E+15"),
        (1.25e20, "1.25E+20"),
        (-(10**400), "-1E+400"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
        (date(2019, 3, 14), "2019-03-14"),
        (datetime(2019, 3, 14), "2019-03-14"),
        (datetime(2019, 3, 14, 10, 20), "2019-03-14T10:20:00"),
        (b"\x00\xff", "00ff"),
    ],
)
def test_typed_values_as_text(value: object, text: str | None) -> None:
    assert as_text(value) == text
