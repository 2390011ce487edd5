"""A sound file of every format that can be sent, made of a few rows; what is done to it is up to the test."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import shapefile
import shapely
from PIL import Image

from tests.batches import HEADINGS, Row, as_csv, good
from tests.compound_files import compound_file

LON, LAT = 2.7256, 50.8553
"""A place in Poperinge, WGS84 degrees."""

_LABELS = ("Fiche", "Datum", "Adres", "Resultaat", "Opmerking")
"""Headings that fit in the ten characters of a shapefile's."""

_ODS_NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_GPKG_TABLES = """
PRAGMA application_id = 0x47504B47;
PRAGMA user_version = 10300;
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL);
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'undefined');
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME DEFAULT '2019-03-14T12:00:00.000Z',
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  PRIMARY KEY (table_name, column_name));
"""


def rows_of(count: int, first: int = 1, **changes: str) -> list[Row]:
    """Rows of Westlandia that nothing is wrong with, each another record."""
    return [
        good(number, **{"Opmerking": "geïnspecteerd", **changes}) for number in range(first, first + count)
    ]


def point_rows(rows: Iterable[Row]) -> list[Row]:
    """The columns of rows that formats with a geometry hold here."""
    return [
        {label: row["Straat en nr"] if label == "Adres" else row[label] for label in _LABELS} for row in rows
    ]


def workbook(
    rows: Sequence[Mapping[str, object]],
    edit: Callable[[openpyxl.Workbook], object] | None = None,
    titles: Sequence[str] = HEADINGS,
) -> bytes:
    """An XLSX with the headings in row 1; `edit` may change it before it is written."""
    book = openpyxl.Workbook()
    book.active.title = "Controle"
    book.active.append(titles)
    for row in rows:
        book.active.append([row[title] or None for title in titles])
    if edit is not None:
        edit(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def rezipped(
    content: bytes, change: Callable[[str, bytes], bytes], extra: Mapping[str, bytes] | None = None
) -> bytes:
    """A zip with its members changed, and further ones."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: change(name, archive.read(name)) for name in archive.namelist()}
    return zipped({**members, **(extra or {})})


def ods(rows: Sequence[Row]) -> bytes:
    """An OpenDocument spreadsheet with the headings in row 1, every cell a text."""
    table = [HEADINGS, *([row[heading] for heading in HEADINGS] for row in rows)]
    body = "".join(f"<table:table-row>{''.join(map(_ods_cell, texts))}</table:table-row>" for texts in table)
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<office:document-content {_ODS_NAMESPACES} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Controle">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"/>'
        for path, kind in (("/", _ODS_TYPE), ("content.xml", "text/xml"))
    )
    return zipped(
        {
            "mimetype": _ODS_TYPE.encode(),
            "content.xml": content.encode(),
            "META-INF/manifest.xml": (
                f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{manifest}">{entries}'
                "</manifest:manifest>"
            ).encode(),
        }
    )


def _ods_cell(text: str) -> str:
    if not text:
        return "<table:table-cell/>"
    return f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'


def xls(rows: Sequence[Row], before_sheet: bytes = b"") -> bytes:
    """An Excel 97 workbook (BIFF8) with the headings in row 1, every cell a text.

    Args:
        before_sheet: further records of the workbook, right behind its start.
    """
    table = [HEADINGS, *([row[heading] for heading in HEADINGS] for row in rows)]
    cells = b"".join(
        _biff(0x0204, struct.pack("<HHH", y, x, 0) + _biff_text(text, "<H"))
        for y, texts in enumerate(table)
        for x, text in enumerate(texts)
        if text
    )
    size = struct.pack("<IIHHH", 0, len(table), 0, len(HEADINGS), 0)
    sheet = _biff_start(0x0010) + _biff(0x0200, size) + cells + _biff(0x000A)
    head = _biff_start(0x0005) + before_sheet + _biff(0x0042, struct.pack("<H", 1200))

    def listing(at: int) -> bytes:
        return _biff(0x0085, struct.pack("<IBB", at, 0, 0) + _biff_text("Controle", "<B")) + _biff(0x000A)

    return compound_file({"Workbook": head + listing(len(head + listing(0))) + sheet})


def _biff(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _biff_start(kind: int) -> bytes:
    return _biff(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 0x06))


def _biff_text(text: str, length: str) -> bytes:
    return struct.pack(length, len(text)) + b"\x01" + text.encode("utf-16-le")


def feature(row: Mapping[str, object], geometry: object = ...) -> dict[str, object]:
    """A GeoJSON feature; by default a point in Poperinge."""
    if geometry is ...:
        geometry = {"type": "Point", "coordinates": [LON, LAT]}
    return {"type": "Feature", "properties": dict(row), "geometry": geometry}


def geojson(features: Sequence[object]) -> bytes:
    """A GeoJSON file of features."""
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def geopackage(rows: Sequence[Row], layer: str = "controles", more_sql: str = "") -> bytes:
    """A GeoPackage with one layer of points; `more_sql` is run in it before it is closed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.gpkg"
        connection = sqlite3.connect(path)
        labels = list(rows[0]) if rows else list(_LABELS)
        columns = ", ".join(f'"{label}" TEXT' for label in labels)
        connection.executescript(
            f"{_GPKG_TABLES}"
            f"INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
            f"VALUES ('{layer}', 'features', '{layer}', 4326);"
            f"INSERT INTO gpkg_geometry_columns VALUES ('{layer}', 'geom', 'POINT', 4326, 0, 0);"
            f'CREATE TABLE "{layer}" (fid INTEGER PRIMARY KEY, geom BLOB, {columns});'
        )
        point = b"GP\0\1" + struct.pack("<i", 4326) + shapely.to_wkb(shapely.Point(LON, LAT), byte_order=1)
        marks = ", ".join("?" * (len(labels) + 1))
        names = ", ".join(f'"{label}"' for label in labels)
        connection.executemany(
            f'INSERT INTO "{layer}" (geom, {names}) VALUES ({marks})',
            [(point, *(row[label] for label in labels)) for row in rows],
        )
        connection.executescript(more_sql)
        connection.commit()
        connection.close()
        return path.read_bytes()


def shapefile_parts(rows: Sequence[Row], stem: str = "controles") -> dict[str, bytes]:
    """The files of a shapefile of points in WGS84, with its texts in UTF-8."""
    parts = {suffix: io.BytesIO() for suffix in ("shp", "shx", "dbf")}
    labels = list(rows[0]) if rows else list(_LABELS)
    with shapefile.Writer(**parts, shapeType=shapefile.POINT, encoding="utf-8") as writer:
        for label in labels:
            writer.field(label, "C", size=100)
        for row in rows:
            writer.point(LON, LAT)
            writer.record(*(row[label] for label in labels))
    wgs84 = (
        'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
    )
    texts = {"prj": wgs84.encode(), "cpg": b"UTF-8"}
    return {
        f"{stem}.{suffix}": content
        for suffix, content in {**{name: part.getvalue() for name, part in parts.items()}, **texts}.items()
    }


def kml(rows: Sequence[Row], prolog: str = "") -> bytes:
    """A KML with a placemark per row, its values as extended data."""
    places = "".join(
        "<Placemark><ExtendedData>"
        + "".join(
            f"<Data name={quoteattr(label)}><value>{escape(text)}</value></Data>"
            for label, text in row.items()
        )
        + f"</ExtendedData><Point><coordinates>{LON},{LAT},0</coordinates></Point></Placemark>"
        for row in rows
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<kml xmlns="http://www.opengis.net/kml/2.2">'
        f"<Document><name>controles</name>{places}</Document></kml>"
    ).encode()


def jpeg(colour: str = "red") -> bytes:
    """A small picture."""
    stream = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(stream, "JPEG")
    return stream.getvalue()


def sound_files(count: int = 6) -> dict[str, tuple[str, bytes]]:
    """For each format its file name and a sound file of some rows, which differ per format."""
    points = point_rows(rows_of(count))
    table = rows_of(count)
    return {
        "csv": ("lijst.csv", as_csv(table, above=())),
        "xlsx": ("lijst.xlsx", workbook(table)),
        "ods": ("lijst.ods", ods(table)),
        "xls": ("lijst.xls", xls(table)),
        "gpkg": ("lijst.gpkg", geopackage(points)),
        "geojson": ("lijst.geojson", geojson([feature(row) for row in points])),
        "shp": ("lijst.zip", zipped(shapefile_parts(points))),
        "kml": ("lijst.kml", kml(points)),
        "kmz": ("lijst.kmz", zipped({"doc.kml": kml(points)})),
        "photos": ("met fotos.zip", zipped({"lijst.csv": as_csv(table, above=()), "fotos/a.jpg": jpeg()})),
    }
