"""Formats are told by their bytes; what cannot be read is refused; rows are stored once, with their place."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import landing, reading, store
from hydrants.settings import Settings
from hydrants.store.tables import ledger, raw_row, raw_sheet, upload
from tests.sheets import refusal_of, repacked, same, workbook_bytes

BATCH = ("interwest", "38025")


def with_entity(name: str, content: bytes) -> bytes:
    if name != "xl/worksheets/sheet1.xml":
        return content
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    return doctype + content.replace(b"</v>", b"&b;</v>", 1)


def far_cell(name: str, content: bytes) -> bytes:
    if name != "xl/worksheets/sheet1.xml":
        return content
    cell = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'
    return content.replace(b"</sheetData>", cell)


def bomb() -> bytes:
    """500 MB in half a MB."""
    stream = io.BytesIO(workbook_bytes())
    with (
        zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as package,
        package.open("xl/media/image1.bin", "w") as part,
    ):
        for _ in range(500):
            part.write(bytes(1_000_000))
    return stream.getvalue()


def broken_sheet(name: str, content: bytes) -> bytes:
    return content[: len(content) // 2] if name == "xl/worksheets/sheet1.xml" else content


# -- what is refused, by its bytes -------------------------------------------------------------

VRT = b"""<OGRVRTDataSource><OGRVRTLayer name="controles"><SrcDataSource>/etc/passwd</SrcDataSource>
<SrcSQL>select 1</SrcSQL></OGRVRTLayer></OGRVRTDataSource>"""
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("leeg.csv", b"", "leeg"),
        ("afgebroken.xlsx", lambda: workbook_bytes()[:3000], "beschadigd"),
        ("half blad.xlsx", lambda: repacked(broken_sheet), "beschadigd"),
        ("ver.xlsx", lambda: repacked(far_cell), "kolom 16384"),
        ("bom.xlsx", bomb, "uitgepakt groter"),
        ("entiteit.xlsx", lambda: repacked(with_entity), "DOCTYPE"),
        ("pad.xlsx", lambda: repacked(same, {"../../x": b"x"}), "ongeldig pad"),
        ("pad2.xlsx", lambda: repacked(same, {"/tmp/x": b"x"}), "ongeldig pad"),
        ("geheim.xlsx", OLE + "EncryptedPackage".encode("utf-16-le") + bytes(512), "wachtwoord"),
        ("oud.xls", OLE + bytes(512), "oud Excel-bestand"),
        ("virtueel.geojson", VRT, "XML"),
        ("virtueel.gpkg", VRT, "XML"),
        ("virtueel.csv", b"\xef\xbb\xbf\n " + VRT, "XML"),
        ("scan.pdf", b"%PDF-1.7 ...", "PDF"),
        ("foto.csv", b"\xff\xd8\xff\xe0" + bytes(100), "foto"),
        ("programma.csv", b"\x7fELF" + bytes(range(32)) * 20, "niet herkend"),
        ("databank.gpkg", b"SQLite format 3\0" + bytes(200), "geen GeoPackage"),
        ("lijst.geojson", b"{", "beschadigd op regel 1"),
        ("lijst.geojson", b'{"type": "Topology"}', "FeatureCollection"),
        ("lijst.geojson", b'{"type": "FeatureCollection", "features": 3}', "FeatureCollection"),
        ("diep.geojson", b'{"a":' * 100_000, "genest"),
        ("latin.geojson", '{"type": "ë"}'.encode("cp1252"), "UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, name: str, content: bytes | Callable[[], bytes], says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content())
    assert says in refusal_of(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [name], "nothing is unpacked"


# -- into the store ----------------------------------------------------------------------------


def land(engine: sa.Engine, settings: Settings, name: str, content: bytes) -> None:
    folder = settings.uploads.joinpath(*BATCH)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    landing.run(engine, settings, *BATCH)


def stored(engine: sa.Engine, table: sa.Table) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        rows = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
        return [dict(row) for row in rows]


CSV = b"titel;;\n\nDatum;Adres;\n14/03/2019;Dorpsstraat 14;\n; ;\n15/03/2019;;\n"


def test_rows_are_stored_with_their_place_and_blank_ones_counted(
    engine: sa.Engine, settings: Settings
) -> None:
    land(engine, settings, "a.csv", CSV)
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 0}
    (upload_id,) = [row["upload_id"] for row in stored(engine, upload)]
    assert [(row["sheet"], row["columns"], row["blank_rows"]) for row in stored(engine, raw_sheet)] == [
        ("", None, 2)
    ]
    assert [(row["row_id"], row["row_number"], row["cells"]) for row in stored(engine, raw_row)] == [
        (upload_id * 10_000_000 + 1, 1, ["titel"]),
        (upload_id * 10_000_000 + 2, 3, ["Datum", "Adres"]),
        (upload_id * 10_000_000 + 3, 4, ["14/03/2019", "Dorpsstraat 14"]),
        (upload_id * 10_000_000 + 4, 6, ["15/03/2019"]),
    ]


def test_a_second_run_reads_nothing(engine: sa.Engine, settings: Settings) -> None:
    land(engine, settings, "a.csv", CSV)
    land(engine, settings, "b.csv", b"")
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 1}
    before = [stored(engine, table) for table in (upload, raw_sheet, raw_row)]
    assert reading.run(engine, settings, *BATCH) == {"files_read": 0, "rows_read": 0, "files_rejected": 0}
    assert [stored(engine, table) for table in (upload, raw_sheet, raw_row)] == before


def test_a_file_that_breaks_off_leaves_no_rows_but_a_reason(engine: sa.Engine, settings: Settings) -> None:
    many = b"a;b\n" + b"1;2\n" * 11_000
    land(engine, settings, "a.csv", many + b'3;"open\n')
    land(engine, settings, "b.csv", many)
    assert reading.run(engine, settings, *BATCH) == {
        "files_read": 1,
        "rows_read": 11_001,
        "files_rejected": 1,
    }
    broken, whole = stored(engine, upload)
    assert broken["rejected_because"].startswith("Regel 11002")
    assert whole["rejected_because"] is None
    assert {row["upload_id"] for row in stored(engine, raw_sheet)} == {whole["upload_id"]}
    assert {row["upload_id"] for row in stored(engine, raw_row)} == {whole["upload_id"]}


def test_a_newer_reader_overwrites_in_place(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    reading.run(engine, settings, *BATCH)
    before = stored(engine, raw_row)
    upload_id = before[0]["upload_id"]
    surplus = before[-1] | {"row_id": before[-1]["row_id"] + 1, "row_number": 99}
    with store.write(engine) as connection:  # as if an older version had read otherwise
        store.insert_rows(connection, raw_row, [surplus])
        connection.execute(
            sa.update(raw_row).where(raw_row.c.row_id == before[0]["row_id"]).values(cells=["?"])
        )
        for row in (*before, surplus):
            points_at = surplus["row_id"] if row is before[2] else None
            connection.execute(
                sa.insert(ledger).values(
                    row_id=row["row_id"],
                    upload_id=upload_id,
                    disposition="accepted",
                    reasons=[],
                    duplicate_of_row_id=points_at,
                )
            )
    monkeypatch.setattr(reading, "VERSION", reading.VERSION + 1)
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 0}
    assert stored(engine, raw_row) == before
    assert [(row["row_id"], row["duplicate_of_row_id"]) for row in stored(engine, ledger)] == [
        (row["row_id"], None) for row in before
    ]
