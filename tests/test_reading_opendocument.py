"""ODS: typed cells become the text that XLSX gives too, and what is declared but not there costs nothing."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sheets import refusal_of, rows_of, sheets_of

NAMESPACES = " ".join(
    [
        *(
            f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
            for name in ("office", "table", "text", "style")
        ),
        'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"',
        'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"',
    ]
)
TYPE = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{}</manifest:manifest>'
)


def document(sheets: str, styles: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMESPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{sheets}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )


def sheet(rows: str, attributes: str = 'table:name="Controle"') -> str:
    return f"<table:table {attributes}>{rows}</table:table>"


def row(*cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


def text(content: str, attributes: str = "") -> str:
    paragraphs = "".join(f"<text:p>{escape(line)}</text:p>" for line in content.split("\n"))
    return f'<table:table-cell office:value-type="string" {attributes}>{paragraphs}</table:table-cell>'


def typed(kind: str, name: str, value: str, shown: str = "getoond") -> str:
    attributes = f'office:value-type="{kind}" office:{name}="{value}"'
    return f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"


def ods(
    folder: Path, content: str | bytes, manifest: str = "", extra: Mapping[str, bytes] | None = None
) -> Path:
    path = folder / "landed"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", TYPE, zipfile.ZIP_STORED)
        package.writestr("content.xml", content)
        package.writestr("META-INF/manifest.xml", MANIFEST.format(manifest))
        for name, part in (extra or {}).items():
            package.writestr(name, part)
    return path


def test_ods_typed_cells_become_text(tmp_path: Path) -> None:
    cells = [
        text("007"),
        typed("float", "value", "12345"),
        typed("float", "value", "12345.5", "12.345,50"),
        typed("float", "value", "1E-05"),
        typed("float", "value", "1.2E+15"),
        typed("percentage", "value", "0.5", "50 %"),
        typed("currency", "value", "2.50", "€ 2,50"),
        typed("boolean", "boolean-value", "true", "WAAR"),
        typed("date", "date-value", "2019-03-14", "14/03/19"),
        typed("date", "date-value", "2019-05-03T17:20:00", "3 mei"),
        typed("date", "date-value", "2019-05-03T00:00:00", "3 mei"),
        typed("date", "date-value", "-0044-03-15", "iden van maart"),
        typed("time", "time-value", "PT10H20M00S", "10:20"),
        typed("time", "time-value", "PT26H05M07.250000S", "26:05"),
        typed("string", "string-value", "waarde", "getoond"),
        "<table:table-cell><text:p>zonder soort</text:p></table:table-cell>",
        '<table:table-cell office:value-type="float"><text:p>80 mm</text:p></table:table-cell>',
        "<table:table-cell/>",
        text("=HYPERLINK(1) <img onerror=1>"),
    ]
    expected = [
        *("007", "12345", "12345.5", "0.00001", "1.2E+15", "0.5", "2.5", "true"),
        *("2019-03-14", "2019-05-03T17:20:00", "2019-05-03", "-0044-03-15", "10:20:00", "26:05:07.250000"),
        *("waarde", "zonder soort", "80 mm", None, "=HYPERLINK(1) <img onerror=1>"),
    ]
    assert sheets_of(ods(tmp_path, document(sheet(row(*cells))))) == [
        {"name": "Controle", "columns": None, "crs": None, "notice": None, "rows": [(1, expected)]}
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<text:p>twee</text:p><text:p>regels</text:p>", "twee\nregels"),
        ('<text:p>drie<text:s text:c="3"/>spaties</text:p>', "drie   spaties"),
        ("<text:p><text:s/>voor en na<text:s/></text:p>", " voor en na "),
        ("<text:p>\n   opgemaakte\n   XML </text:p>", "opgemaakte XML "),
        ("<text:p>a <text:span> b</text:span></text:p>", "a b"),
        ("<text:p>tab<text:tab/>en<text:line-break/>regel</text:p>", "tab\ten\nregel"),
        (
            "<text:p>deels <text:span>vet</text:span> en <text:a>koppeling</text:a></text:p>",
            "deels vet en koppeling",
        ),
        (
            "<office:annotation><text:p>opmerking</text:p></office:annotation><text:p>waarde</text:p>",
            "waarde",
        ),
        ("<text:p>voor<office:annotation><text:p>x</text:p></office:annotation>na</text:p>", "voorna"),
        ("<draw:frame><draw:text-box><text:p>kader</text:p></draw:text-box></draw:frame>", None),
        ("<text:p>noot<text:note><text:p>onderaan</text:p></text:note></text:p>", "noot"),
        ("<text:p/>", None),
        ("<text:p>é &amp; \u202e 🚒</text:p>", "é & \u202e 🚒"),
    ],
)
def test_ods_text_is_what_is_seen_in_the_cell(tmp_path: Path, content: str, expected: str | None) -> None:
    cell = f'<table:table-cell office:value-type="string">{content}</table:table-cell>'
    assert rows_of(ods(tmp_path, document(sheet(row(text("x"), cell, text("z")))))) == [
        (1, ["x", expected, "z"])
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<table:table-cell table:formula="of:=1+1"/>', "#FORMULE!"),
        ('<table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>', "2"),
        (
            '<table:table-cell table:formula="of:=IF(1;&quot;&quot;)" office:value-type="string" '
            'office:string-value="" calcext:value-type="string"/>',
            None,
        ),
        (
            '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value="" '
            'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>',
            "#DIV/0!",
        ),
    ],
)
def test_ods_formula_is_its_result(tmp_path: Path, cell: str, expected: str | None) -> None:
    rows = rows_of(ods(tmp_path, document(sheet(row(text("x"), cell, text("z"))))))
    assert rows == [(1, ["x", expected, "z"])]


def test_ods_repetitions(tmp_path: Path) -> None:
    empty = '<table:table-cell table:number-columns-repeated="{}"/>'
    rows = (
        row(empty.format(2), text("a", 'table:number-columns-repeated="3"'), text("b"), empty.format(16_378)),
        row(empty.format(16_384), repeated=2),
        row(text("c"), repeated=3),
        row(empty.format(16_384), repeated=1_048_570),
    )
    assert rows_of(ods(tmp_path, document(sheet("".join(rows))))) == [
        (1, [None, None, "a", "a", "a", "b"]),
        (2, []),
        (3, []),
        (4, ["c"]),
        (5, ["c"]),
        (6, ["c"]),
    ]


def test_ods_rows_in_groups_and_headers_count(tmp_path: Path) -> None:
    rows = (
        f"<table:table-header-rows>{row(text('kop'))}</table:table-header-rows>"
        f"<table:table-row-group>{row(text('een'))}<table:table-row-group>{row(text('twee'))}"
        "</table:table-row-group></table:table-row-group>"
        '<table:table-row table:visibility="collapse">'
        f"{text('verborgen')}</table:table-row><table:table-rows>{row(text('vier'))}</table:table-rows>"
    )
    assert [cells for _, cells in rows_of(ods(tmp_path, document(sheet(rows))))] == [
        ["kop"],
        ["een"],
        ["twee"],
        ["verborgen"],
        ["vier"],
    ]


def test_ods_declared_emptiness_costs_nothing(tmp_path: Path) -> None:
    empty = row('<table:table-cell table:number-columns-repeated="16384"/>', repeated=1_048_575)
    path = ods(tmp_path, document("".join(sheet(row(text("a")) + empty) for _ in range(100))))
    tracemalloc.start()
    sheets = sheets_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [found["rows"] for found in sheets] == [[(1, ["a"])]] * 100
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (row(text("x", 'table:number-columns-repeated="16384"')), "kolom 257"),
        (row('<table:table-cell table:number-columns-repeated="16383"/>', text("x")), "kolom 16384"),
        (row(text("x"), repeated=1_048_577), "beschadigd"),
        (row("<table:table-cell/>", repeated=1_048_576) + row(text("x")), "beschadigd"),
        (row(text("x"), repeated=0), "beschadigd"),
        (row(text("x", 'table:number-columns-repeated="veel"')), "beschadigd"),
        (row(typed("float", "value", "tachtig")), "beschadigd"),
        (
            row('<table:table-cell><text:p><text:s text:c="999999999"/></text:p></table:table-cell>'),
            "beschadigd",
        ),
    ],
)
def test_ods_that_no_list_can_be_is_refused(tmp_path: Path, rows: str, says: str) -> None:
    assert says in refusal_of(ods(tmp_path, document(sheet(rows))))


def test_ods_merged_cells_count_in_each_of_their_rows(tmp_path: Path) -> None:
    covered, blank = "<table:covered-table-cell/>", "<table:table-cell/>"
    rows = (
        row(
            text("titel", 'table:number-columns-spanned="3" table:number-rows-spanned="2"'), covered, covered
        ),
        row(covered, covered, covered),
        row(text("Gemeente"), text("Nr.")),
        row(text("Ieper", 'table:number-rows-spanned="4"'), text("1")),
        row(covered, text("2")),
        row(covered, blank),
        row("<table:covered-table-cell><text:p>eigen</text:p></table:covered-table-cell>", text("3")),
        row(blank, text("4")),
    )
    assert rows_of(ods(tmp_path, document(sheet("".join(rows))))) == [
        (1, ["titel"]),
        (2, []),
        (3, ["Gemeente", "Nr."]),
        (4, ["Ieper", "1"]),
        (5, ["Ieper", "2"]),
        (6, []),
        (7, ["eigen", "3"]),
        (8, [None, "4"]),
    ]


def test_ods_hidden_sheets_are_told_and_drawings_are_no_sheets(tmp_path: Path) -> None:
    styles = (
        '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/>'
        '</style:style><style:style style:name="ta2" style:family="table">'
        '<style:table-properties table:display="false"/></style:style>'
    )
    chart = f"<draw:frame><draw:object>{sheet(row(text('in een grafiek')))}</draw:object></draw:frame>"
    drawing = f"<table:shapes>{chart}</table:shapes>"
    content = document(
        sheet(drawing + row(text("a")), 'table:name="Controle" table:style-name="ta1"')
        + sheet(row(text("b"), repeated=3), 'table:name="Lijsten" table:style-name="ta2"')
        + sheet(row(text("c")), 'table:name="Nog &lt;een&gt;"')
        + sheet("", 'table:name="Leeg"'),
        styles,
    )
    assert [
        (found["name"], found["rows"], found["notice"]) for found in sheets_of(ods(tmp_path, content))
    ] == [
        ("Controle", [(1, ["a"])], None),
        ("Lijsten", [], "Het verborgen blad 'Lijsten' is overgeslagen."),
        ("Nog <een>", [(1, ["c"])], None),
        ("Leeg", [], None),
    ]


def test_ods_sheets_are_told_apart_also_when_their_rows_are_not_read(tmp_path: Path) -> None:
    from hydrants import formats

    path = ods(
        tmp_path, document("".join(sheet(row(text(name)) * 3, f'table:name="{name}"') for name in "abc"))
    )
    assert [found.name for found in formats.read(path, formats.detect(path))] == ["a", "b", "c"]


def test_ods_with_a_password_is_refused(tmp_path: Path) -> None:
    entry = (
        '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data '
        'manifest:checksum="x"/></manifest:file-entry>'
    )
    assert "wachtwoord" in refusal_of(ods(tmp_path, b"\x8f\x02cipher", manifest=entry))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_ods_document_type_is_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    entity = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    start, _, rest = document(
        sheet(row("<table:table-cell><text:p>&b;</text:p></table:table-cell>"))
    ).partition("?>")
    declared = start.replace("UTF-8", "utf-16" if "16" in encoding else encoding)
    content = f"{declared}?>{entity}{rest}".encode(encoding)
    assert "DOCTYPE" in refusal_of(ods(tmp_path, content))


def test_ods_in_utf_16_is_read(tmp_path: Path) -> None:
    content = document(sheet(row(text("geïnspecteerd")))).replace("UTF-8", "UTF-16").encode("utf-16")
    assert rows_of(ods(tmp_path, content)) == [(1, ["geïnspecteerd"])]


@pytest.mark.parametrize(
    "content",
    [
        "",
        document(""),
        document(sheet(row(text("x"))))[:-40],
        document(sheet(row(text("x")))).replace("</text:p>", ""),
        document(sheet(row(text("x")))).replace("UTF-8", "EBCDIC-NL"),
    ],
)
def test_damaged_ods_is_refused(tmp_path: Path, content: str) -> None:
    assert "beschadigd" in refusal_of(ods(tmp_path, content))


def test_ods_without_content_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr("mimetype", TYPE)
        package.writestr("META-INF/manifest.xml", MANIFEST.format(""))
    path = tmp_path / "landed"
    path.write_bytes(stream.getvalue())
    assert "beschadigd" in refusal_of(path)


def test_text_document_is_refused_by_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "landed"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        package.writestr("content.xml", document(""))
    assert "geen rekenblad" in refusal_of(path)


def test_ods_of_an_independent_writer(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "tekst": ["geïnspecteerd", " spaties  erin ", "<&>", None],
            "getal": [80, 100, 150, 0],
            "komma": [0.5, 12345.25, -1.5, 1e-7],
            "dag": pd.to_datetime(["2019-03-14", "2019-03-15", "2024-02-29", "2019-12-31"]).date,
            "tijdstip": pd.to_datetime(
                ["2019-03-14T10:20:00", "2019-03-15T23:59:59", "2024-02-29T00:00:00", "1970-01-01T00:00:00"]
            ),
        }
    )
    path = tmp_path / "lijst.ods"
    pyogrio.write_dataframe(frame, path, driver="ODS")
    (found,) = sheets_of(path)
    days = ["2019-03-14", "2019-03-15", "2024-02-29", "2019-12-31"]
    moments = ["2019-03-14T10:20:00", "2019-03-15T23:59:59", "2024-02-29", "1970-01-01"]
    assert found["rows"][0] == (1, list(frame.columns))
    assert [cells[0] for _, cells in found["rows"][1:]] == ["geïnspecteerd", "spaties erin ", "<&>", None]
    assert [cells[1] for _, cells in found["rows"][1:]] == ["80", "100", "150", "0"]
    assert [float(cells[2] or "") for _, cells in found["rows"][1:]] == list(frame["komma"])
    assert [cells[3] for _, cells in found["rows"][1:]] == days
    assert [cells[4] for _, cells in found["rows"][1:]] == moments


TYPED = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs"]), max_size=8)


@given(st.lists(st.lists(TYPED, min_size=1, max_size=4), min_size=1, max_size=6))
def test_ods_of_any_text_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    content = document(sheet("".join(row(*map(text, cells)) for cells in table)))
    rows = rows_of(ods(tmp_path_factory.mktemp("ods"), content))
    by_number = {number: [cell or "" for cell in cells] for number, cells in rows}
    for number, cells in enumerate(table, start=1):
        while cells and not cells[-1]:
            cells.pop()
        assert by_number.get(number, []) == cells
