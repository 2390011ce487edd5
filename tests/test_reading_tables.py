# ruff: noqa: DTZ001 - cells hold local times without a zone
"""CSV files and workbooks become numbered rows of text, verbatim."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tempfile
import zipfile
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
from tests.valid_files import rezipped

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
        (
            "Poperinge, Watou, Krombeke, Proven\na;b;c\n1,5;2;3\n",
            [["Poperinge, Watou, Krombeke, Proven"], ["a", "b", "c"], ["1,5", "2", "3"]],
        ),
        (
            "nr;straat;opmerking\n1;Markt 1, bus 2;roest, lek, klemt, scheef\n2;Markt 2;oud, vuil, los\n",
            [
                ["nr", "straat", "opmerking"],
                ["1", "Markt 1, bus 2", "roest, lek, klemt, scheef"],
                ["2", "Markt 2", "oud, vuil, los"],
            ],
        ),
        (
            "a;b;c;d\n1;2\n1, 1;2, 2;3, 3\n1;2;3;4\n",
            [[*"abcd"], ["1", "2"], ["1, 1", "2, 2", "3, 3"], [*"1234"]],
        ),
        ("sep=,\na,b;c\n", [["sep=", None], ["a", "b;c"]]),
        (
            'nr,x,y,diam,opm\n1,45123,181234,80,"lek; roest; verf"\n2,45124,181235,80,oud; los; klemt\n',
            [
                ["nr", "x", "y", "diam", "opm"],
                ["1", "45123", "181234", "80", "lek; roest; verf"],
                ["2", "45124", "181235", "80", "oud; los; klemt"],
            ],
        ),
        (
            "Controle, Ieper, 2026\nnr,x,y,opm\n1,2,3,a; b; c\n2,3,4,d; e; f\n",
            [
                ["Controle", " Ieper", " 2026"],
                ["nr", "x", "y", "opm"],
                ["1", "2", "3", "a; b; c"],
                ["2", "3", "4", "d; e; f"],
            ],
        ),
        (
            "Controle Ieper, 2026\nnr;adres\n1;Markt 1, Ieper\n2;Markt 2, Ieper\n",
            [
                ["Controle Ieper, 2026"],
                ["nr", "adres"],
                ["1", "Markt 1, Ieper"],
                ["2", "Markt 2, Ieper"],
            ],
        ),
        (
            "nr;x, Lambert;y, Lambert\n1;45,1;18,2\n2;45,3;18,4\n",
            [["nr", "x, Lambert", "y, Lambert"], ["1", "45,1", "18,2"], ["2", "45,3", "18,4"]],
        ),
        (
            'id,datum,resultaat,opmerking,adres\n1,2026-03-04,defect,"Put vol water, slot kapot,\n'
            'niet bereikbaar",Kerkstraat 1\n',
            [
                ["id", "datum", "resultaat", "opmerking", "adres"],
                ["1", "2026-03-04", "defect", "Put vol water, slot kapot,\nniet bereikbaar", "Kerkstraat 1"],
            ],
        ),
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
        (b"a;b\n" + b"1;2\n" * 400_000 + "1;é\n".encode() + b"1;2\n" * 9 + b"3;\xeb\n", 400_012),
        (b"a;b\n" + b"1;2\n" * 400_000 + b"1;\x81\n", 400_002),
        (b"a;b\r1;2\r3;\x81\r", 3),
        (b"a;b\n1;" + b"x" * 20_000_000, 2),
        (b'a;b\n1;2\n3;"open\n4;5\n6;7\n', 3),
        (b'a;b\n1;2\n"x"y;2\n4;5\n', 3),
        (b'a;b;c;d\n1;2;3;4\n5;6;7;"8\n9;10;11;12\n";14;15;16\n', 3),
        (
            b'id;datum;resultaat;opmerking\r1;2026-03-04;defect;"lek\r2;2026-03-04;ok;goed\r'
            b'3;2026-03-04;defect;lek"\r4;2026-03-04;ok;goed\r',
            2,
        ),
        (b'id;opm\n1;"lek\n2;ok"\n3;ok\n', 2),
        (b'1;"lek\n2;ok"\n3;ok\n', 1),
        (b'a;b;c\n1;2;"lek\n2;";3\n4;5;6\n7;8;9\n', 2),
        (b'titel;met;veel;te;veel;cellen;erin\na;b;c\n1;2;"lek\n2;3;4"\n5;6;7\n', 3),
        ("a;b\n1;é\n".encode() + "2;ë\n".encode("cp1252"), 3),
        (b"a;b\n1;\x81\n", 2),
        (b"\xef\xbb\xbfa;b\n1;2\n3;\xeb\n", 3),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_csv_is_refused_with_the_line(tmp_path: Path, content: bytes, line: int) -> None:
    path = tmp_path / "landed"
    path.write_bytes(content)
    assert refusal_of(path).startswith(f"Regel {line}")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_csv_in_utf_16_without_a_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "landed"
    path.write_bytes("Datum;Opmerking\r\n14/03/2019;geïnspecteerd € ŵ\r\n".encode(encoding))
    assert rows_of(path) == [(1, ["Datum", "Opmerking"]), (2, ["14/03/2019", "geïnspecteerd € ŵ"])]


def test_bytes_that_only_resemble_utf_16_are_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    for content in (b"a\0b\0\1\0c\0" * 40, b"\0" * 400, bytes(range(1, 200)) * 9, b"a\0b\0\0\0c\0" * 40):
        path.write_bytes(content)
        assert "niet herkend" in refusal_of(path)


@pytest.mark.parametrize(("ending", "has_row"), [("\n", True), ("\r\n", True), ("\r", True), ("\n\n", True)])
def test_csv_of_any_line_ending(tmp_path: Path, ending: str, has_row: bool) -> None:
    path = tmp_path / "landed"
    path.write_bytes(ending.join(["a;b", "1;é", "2;ë"]).encode("cp1252"))
    assert [cells for _, cells in rows_of(path) if cells] == [["a", "b"], ["1", "é"], ["2", "ë"]]


@pytest.mark.parametrize(
    ("encoding", "ending"), [("mac_roman", "\r"), ("cp1252", "\r"), ("cp850", "\r\n"), ("cp1252", "\r\n")]
)
@pytest.mark.parametrize(
    "text",
    ["geïnspecteerd, België, één, vertrouwde cliënt", "d\N{RIGHT SINGLE QUOTATION MARK}Ypré in Façade"],
)
def test_csv_of_macintosh_and_ms_dos(tmp_path: Path, encoding: str, ending: str, text: str) -> None:
    text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") if encoding == "cp850" else text
    path = tmp_path / "landed"
    path.write_bytes(ending.join(["a;b", f"1;{text}", "2;ü", ""]).encode(encoding))
    assert [cells for _, cells in rows_of(path)] == [["a", "b"], ["1", text], ["2", "ü"]]


@pytest.mark.parametrize(
    "text", ["lek\u2026maar", "oud\u2013nieuw", "foto\u2019s \u201cgoed\u201d", "Milo\u0161"]
)
def test_csv_with_the_signs_of_windows_stays_windows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "landed"
    path.write_bytes(f"a;b\r\n1;{text}\r\n".encode("cp1252"))
    assert rows_of(path)[1] == (2, ["1", text])


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
def test_csv_in_utf_32_is_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "landed"
    path.write_bytes("\ufeffa;b\n1;2\n".encode(encoding))
    assert "UTF-32" in refusal_of(path)
    assert "CSV UTF-8" in refusal_of(path)


@pytest.mark.parametrize("text", ["{3F2504E0-4F89-11D3-9A0C-0305E82C3301};lek\n", "{1};x\n"])
def test_csv_that_starts_with_a_guid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "landed"
    path.write_text(text)
    assert rows_of(path) == [(1, text.strip().split(";"))]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("sign", [";", ","])
def test_csv_of_odk_and_kobo_comes_through_untouched(tmp_path: Path, sign: str, mark: str) -> None:
    rows = [
        [
            "start",
            "_geolocation",
            "controle/datum",
            "controle/ligging/x",
            "controle/resultaat",
            "meta/instanceID",
        ],
        [
            "2026-03-14T10:20:31.123+01:00",
            "50.8 2.7 0 4.5",
            "2026-03-14",
            "2,7",
            "niet_in_orde lek",
            "uuid:1a-2b",
        ],
    ]
    path = tmp_path / "landed"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(
            file, delimiter=sign, quoting=csv.QUOTE_ALL if sign == "," else csv.QUOTE_MINIMAL
        ).writerows(rows)
    assert [cells for _, cells in rows_of(path)] == rows


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
            assert any(";" in text and {"\n", "\r"} & set(text) for row in rows for text in row)
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


def shared_strings_workbook() -> bytes:
    """A workbook as Excel writes it: its texts in a part of their own."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    for number in range(3):
        sheet.write_string(number, 0, f"rij {number}")
    book.close()
    return stream.getvalue()


def with_sheet(folder: Path, xml: str, encoding: str = "utf-8") -> Path:
    """A workbook with this XML for its sheet."""
    path, content = folder / "landed", xml.encode(encoding)
    path.write_bytes(
        rezipped(
            shared_strings_workbook(),
            lambda name, part: content if name == "xl/worksheets/sheet1.xml" else part,
        )
    )
    return path


def worksheet(rows: str, behind: str = "", prefix: str = "") -> str:
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    colon = f"{prefix}:" if prefix else ""
    return (
        f'<{colon}worksheet xmlns{f":{prefix}" if prefix else ""}="{name}"><{colon}sheetData>{rows}'
        f"</{colon}sheetData>{behind}</{colon}worksheet>"
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ('<c r="A1"><v>80</v></c><c r="C1"><v>007</v></c>', ["80", None, "7"]),
        ("<c><v>1</v></c><c><v>2</v></c>", ["1", "2"]),
        ('<c r="B1"><v>1</v></c><c><v>2</v></c><c r="A1"><v>0</v></c>', ["0", "1", "2"]),
        ('<c t="inlineStr"><is><t>a</t></is></c>', ["a"]),
        ('<c t="inlineStr"><is><r><t>a</t></r><r><t> b</t></r><rPh><t>x</t></rPh></is></c>', ["a b"]),
        ('<c t="str"><v>a_x000D_b _x005F_x000D_ _x00e9_ _xD800_</v></c>', ["a\rb _x000D_ é \ufffd"]),
        ('<c t="str"><v>_x0000_</v></c>', ["\N{SYMBOL FOR NULL}"]),
        ('<c t="b"><v>1</v></c><c t="b"><v>0</v></c>', ["true", "false"]),
        ('<c t="e"><v>#N/A</v></c>', ["#N/A"]),
        (
            '<c t="d"><v>2019-03-14T00:00:00Z</v></c><c t="d"><v>2019-03-14T10:20:00</v></c>',
            ["2019-03-14", "2019-03-14T10:20:00"],
        ),
        ("<c><v>1.50</v></c><c><v>-0</v></c><c><v>1E-7</v></c>", ["1.5", "0", "0.0000001"]),
        (
            "<c><v>123456789012345</v></c><c><v>1234567890123456</v></c>",
            ["123456789012345", "1.23456789012346E+15"],
        ),
        ("<c><f>1+1</f></c><c><f>1+1</f><v></v></c>", ["#FORMULE!", "#FORMULE!"]),
        ('<c t="s"><v>0</v></c><c><v/></c><c/>', ["rij 0"]),
        ('<c t="str">\n  <v>x</v>\n  </c>', ["x"]),
    ],
)
def test_xlsx_cells_as_other_programs_write_them(
    tmp_path: Path, cells: str, expected: list[str | None]
) -> None:
    assert rows_of(with_sheet(tmp_path, worksheet(f"<row>{cells}</row>"))) == [(1, expected)]


@pytest.mark.parametrize(
    "cells",
    [
        *('<c r="A1" t="s"><v>-1</v></c>', '<c r="A1" t="s"><v>999</v></c>', '<c r="A1" t="s"><v>x</v></c>'),
        *(
            '<c r="AAAA1"><v>1</v></c>',
            '<c r="XFE1"><v>1</v></c>',
            '<c r="1A"><v>1</v></c>',
            '<c r="é1"><v>1</v></c>',
        ),
        *("<c><v>tachtig</v></c>", '<c t="b"><v>ja</v></c>', "<c><v>1</v>"),
    ],
)
def test_xlsx_cells_that_cannot_be_are_refused(tmp_path: Path, cells: str) -> None:
    assert "beschadigd" in refusal_of(with_sheet(tmp_path, worksheet(f"<row>{cells}</row>")))


@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_xlsx_xml_in_any_encoding_and_prefix(tmp_path: Path, prefix: str, encoding: str) -> None:
    colon = f"{prefix}:" if prefix else ""
    rows = "".join(
        f'<{colon}row r="{number}"><{colon}c r="A{number}" t="str"><{colon}v>{text}</{colon}v></{colon}c>'
        f'<{colon}c r="B{number}"><{colon}v>{number}</{colon}v></{colon}c></{colon}row>'
        for number, text in ((1, "é"), (2, ""), (3, ""))
    )
    merges = f'<{colon}mergeCells><{colon}mergeCell ref="A1:A2"/></{colon}mergeCells>'
    declared = f'<?xml version="1.0" encoding="{encoding[:6].rstrip("-")}"?>'
    path = with_sheet(tmp_path, declared + worksheet(rows, merges, prefix), encoding)
    assert rows_of(path) == [(1, ["é", "1"]), (2, ["é", "2"]), (3, [None, "3"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"]
)
@pytest.mark.parametrize("name", ["x", "html"])
def test_xlsx_document_type_is_refused_in_any_part_and_encoding(
    tmp_path: Path, part: str, encoding: str, name: str
) -> None:
    declared: list[str] = []
    doctype = f'<!DOCTYPE {name} [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'

    def declare(part_name: str, content: bytes) -> bytes:
        if part_name != part:
            return content
        declared.append(part_name)
        text = content.decode("utf-8")
        body = text.partition("?>")[2] if text.startswith("<?xml") else text
        return f'<?xml version="1.0" encoding="{encoding[:6].rstrip("-")}"?>{doctype}{body}'.encode(encoding)

    path = tmp_path / "landed"
    path.write_bytes(rezipped(shared_strings_workbook(), declare))
    assert "DOCTYPE" in refusal_of(path)
    assert declared == [part]


def test_xlsx_document_type_is_not_overlooked_behind_a_long_comment(tmp_path: Path) -> None:
    before = b"<!-- " + b"x" * 5_000_000 + b' --><!DOCTYPE x [<!ENTITY a "aaaaaaaa">]>'
    path = tmp_path / "landed"
    path.write_bytes(
        rezipped(
            shared_strings_workbook(),
            lambda name, part: before + part.partition(b"?>")[2] if name == "xl/styles.xml" else part,
        )
    )
    assert "beschadigd" in refusal_of(path)


def styled_workbook(styles: str, style_part: str = "xl/styles.xml") -> bytes:
    """A workbook with one number in each of four styles, and this XML for its styles."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    for column in range(4):
        sheet.write_number(0, column, 43538.5, book.add_format({"num_format": f"0.{column}"}))
    book.close()
    with zipfile.ZipFile(stream) as source, io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as package:
            for name in source.namelist():
                content = source.read(name)
                if name == "xl/styles.xml":
                    name, content = style_part, styles.encode()
                elif name in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
                    content = content.replace(b"styles.xml", style_part.rpartition("/")[2].encode())
                package.writestr(name, content)
        return target.getvalue()


STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/><numFmt numFmtId="165" formatCode="[hh]:mm"/>'
    '</numFmts>{}<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf/><xf numFmtId="164"/>'
    '<xf numFmtId="165"/><xf numFmtId="14"/><xf numFmtId="2"/></cellXfs>'
    '<dxfs><dxf><numFmt numFmtId="166" formatCode="0"/></dxf></dxfs></styleSheet>'
)


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/styles1.xml"])
@pytest.mark.parametrize(
    "looks",
    [
        "",
        "<fills><fill/></fills>",
        '<fonts><font><family val="99"/></font></fonts>',
        '<fonts><font><color rgb="rood"/></font></fonts>',
    ],
)
def test_xlsx_looks_do_not_matter_and_formats_do(tmp_path: Path, part: str, looks: str) -> None:
    path = tmp_path / "landed"
    path.write_bytes(styled_workbook(STYLES.format(looks), part))
    noon = "2019-03-14T12:00:00"
    assert rows_of(path) == [(1, [noon, "43538 days, 12:00:00", noon, "43538.5"])]


def test_xlsx_in_strict_open_xml_is_refused_with_advice(tmp_path: Path) -> None:
    def strict(_name: str, content: bytes) -> bytes:
        for old, new in (
            (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"spreadsheetml/main"),
            (b"http://schemas.openxmlformats.org/officeDocument/2006/", b"officeDocument/"),
        ):
            content = content.replace(old, b"http://purl.oclc.org/ooxml/" + new)
        return content

    path = tmp_path / "landed"
    path.write_bytes(repacked(strict))
    assert "niet als 'Strict Open XML'" in refusal_of(path)


def merged_workbook(folder: Path, *areas: str) -> Path:
    book = openpyxl.Workbook()
    for cells in (
        ["Controle brandkranen", None, None],
        [None, None, None],
        ["Gemeente", "Nr.", "Opm."],
        ["Ieper", 1, "a"],
        [None, 2, None],
        [None, None, None],
        [None, 3, None],
        [None, 4, None],
    ):
        book.active.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    merges = "".join(f'<mergeCell ref="{area}"/>' for area in areas).encode()
    behind = b"</sheetData><mergeCells>" + merges + b"</mergeCells>"
    path = folder / "landed"
    path.write_bytes(
        rezipped(
            stream.getvalue(),
            lambda _, part: part.replace(b"</sheetData>", behind if areas else b"</sheetData>"),
        )
    )
    return path


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ([], [["Ieper", "1", "a"], [None, "2"], [], [None, "3"], [None, "4"]]),
        (["A4:A7"], [["Ieper", "1", "a"], ["Ieper", "2"], [], ["Ieper", "3"], [None, "4"]]),
        (["A4:A5", "A7:A8"], [["Ieper", "1", "a"], ["Ieper", "2"], [], [None, "3"], [None, "4"]]),
        (
            ["A4:A5", "C4:C8"],
            [["Ieper", "1", "a"], ["Ieper", "2", "a"], [], [None, "3", "a"], [None, "4", "a"]],
        ),
        (["A1:C2", "A4:A8"], [["Ieper", "1", "a"], ["Ieper", "2"], [], ["Ieper", "3"], ["Ieper", "4"]]),
        (["A4:A1048576"], [["Ieper", "1", "a"], ["Ieper", "2"], [], ["Ieper", "3"], ["Ieper", "4"]]),
        (["A4:XFD8"], [["Ieper", "1", "a"], ["Ieper", "2"], [], ["Ieper", "3"], ["Ieper", "4"]]),
    ],
)
def test_xlsx_merged_cells_count_within_the_merge_only(
    tmp_path: Path, areas: list[str], expected: list[list[str | None]]
) -> None:
    rows = [cells for _, cells in rows_of(merged_workbook(tmp_path, *areas))]
    assert rows[:3] == [["Controle brandkranen"], [], ["Gemeente", "Nr.", "Opm."]]
    assert rows[3:] == [cells for at, cells in enumerate(expected) if any(expected[at:])]


def test_xlsx_with_more_merges_than_any_list_is_refused(tmp_path: Path) -> None:
    areas = "".join(f'<mergeCell ref="A{2 * n + 1}:A{2 * n + 2}"/>' for n in range(100_001))
    rows = '<row r="1"><c><v>1</v></c></row>'
    path = with_sheet(tmp_path, worksheet(rows, f"<mergeCells>{areas}</mergeCells>"))
    assert "100000 samengevoegde cellen" in refusal_of(path)
    wide = "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, 200_000))
    assert len(rows_of(with_sheet(tmp_path, worksheet(rows, f"<mergeCells>{wide}</mergeCells>")))) == 1


def test_xlsx_text_that_looks_like_a_merge_is_a_text(tmp_path: Path) -> None:
    text = '<![CDATA[<mergeCell ref="A1:A9"/>]]>'
    rows = f'<row r="1"><c t="str"><v>{text}</v></c></row><row r="2"><c r="B2"><v>1</v></c></row>'
    assert rows_of(with_sheet(tmp_path, worksheet(rows)))[1] == (2, [None, "1"])


def test_xlsx_charts_are_no_sheets_and_lost_sheets_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Controle").write(0, 0, "a")
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Controle!$A$1:$A$2"})
    book.add_chartsheet("Grafiek").set_chart(chart)
    book.close()
    assert [sheet["name"] for sheet in sheets_of(path)] == ["Controle"]
    path.write_bytes(
        repacked(lambda name, part: part.replace(b"worksheets/sheet1.xml", b"worksheets/weg.xml"))
    )
    assert "beschadigd" in refusal_of(path)


def test_xlsx_is_read_without_numpy_and_leaves_it_to_others() -> None:
    code = (
        "import sys, hydrants.formats.workbook as w; assert 'numpy' not in sys.modules; "
        "import numpy, PIL.Image; assert numpy.int64(1) == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
    ("serial", "text"),
    [("2958465.999999", "9999-12-31T23:59:59.914000"), ("1e300", "1E+300"), ("20260403", "20260403")],
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
