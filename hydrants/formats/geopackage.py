"""GeoPackage: its feature tables, through SQLite itself.

A GeoPackage is an SQLite file with a documented catalogue. Read that way its values
are what the sender stored (no number becomes a float because another row is empty),
no driver is guessed, and nothing in the file can reach another file. It is opened
immutable: neither a journal nor a trigger of the file comes into play.
"""

from __future__ import annotations

import math
import sqlite3
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hydrants.errors import UploadRejected
from hydrants.formats import archive
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, as_text
from hydrants.formats.source import File, Source

MAX_FEATURE_ID = 2**31 - 1
"""What the store holds as a row number."""

_VERSIONS_AT, _WRITE_AHEAD = slice(18, 20), b"\2\2"
_STORED_OR_GENERATED = "(0, 2, 3)"
_OPEN_NL = (
    "De GeoPackage was misschien nog open toen ze gekopieerd werd: dan ontbreken de laatste wijzigingen. "
    "Sluit het project in QGIS of op het toestel en stuur het bestand opnieuw als er rijen ontbreken."
)

_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_IS_EMPTY = 0b0001_0000
_ORDERS = ">", "<"
_POINT, _MULTI_POINT = 1, 4
_KINDS = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
    8: "CircularString",
    9: "CompoundCurve",
    10: "CurvePolygon",
    11: "MultiCurve",
    12: "MultiSurface",
}
_DAMAGE = (sqlite3.Error, UnicodeDecodeError, *archive.DAMAGE)  # sqlite3 decodes what SQLite says of a file
_UNREADABLE = "onleesbare geometrie", None

_LAYERS = """
SELECT c.table_name, p.name, CAST(r.organization AS TEXT), r.organization_coordsys_id
FROM gpkg_contents AS c
JOIN gpkg_geometry_columns AS g ON g.table_name = c.table_name
JOIN sqlite_master AS m ON m.name = c.table_name AND m.type = 'table'
JOIN pragma_table_info(c.table_name) AS p ON p.name = g.column_name COLLATE NOCASE
LEFT JOIN gpkg_spatial_ref_sys AS r ON r.srs_id = g.srs_id
WHERE c.data_type = 'features' AND upper(m.sql) NOT LIKE 'CREATE VIRTUAL%'
ORDER BY c.table_name
"""


class _Layer(NamedTuple):
    table: str
    geometry: str
    organization: str | None
    code: int | None

    @property
    def crs(self) -> str | None:
        is_known = self.organization is not None and self.organization.upper() == "EPSG"
        return f"EPSG:{self.code}" if is_known else None


def read(source: Source, layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The declared layer, or the only one; row numbers are the feature ids.

    Args:
        layer: name of the layer that holds the inspections; others are left out, with a notice.

    Raises:
        UploadRejected: if the file is damaged, or it is not clear which layer to read.
    """
    try:
        connection = _connect(source)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            layers = [_Layer(*row) for row in connection.execute(_LAYERS)]
            chosen = _choose(layers, layer)
            others = [other.table for other in layers if other is not chosen]
            notices = [f"Niet gelezen lagen: {', '.join(others)}."] if others else []
            notices += [_OPEN_NL] if _has_write_ahead_log(source) else []
            columns = _columns(connection, chosen)
            yield Sheet(
                name=chosen.table,
                rows=_rows(connection, chosen, columns),
                columns=[*columns, *GEOMETRY_COLUMNS],
                crs=chosen.crs,
                notice_nl=" ".join(notices) or None,
            )
        finally:
            connection.close()
    except _DAMAGE as error:
        raise _damaged() from error


def _connect(source: Source) -> sqlite3.Connection:
    if isinstance(source, File):
        return sqlite3.connect(f"{source.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    with source.open_seekable() as stream:
        content = bytearray(stream.read())
    content[_VERSIONS_AT] = (
        b"\1\1"  # a database in memory has no write-ahead log, and is not opened as one that has
    )
    connection = sqlite3.connect(":memory:")
    connection.deserialize(content)
    return connection


def _has_write_ahead_log(source: Source) -> bool:
    """Whether its last changes may stand in a file beside it; one that was closed well may have one too."""
    with source.open() as stream:
        return stream.read(_VERSIONS_AT.stop)[_VERSIONS_AT] == _WRITE_AHEAD


def _damaged() -> UploadRejected:
    return UploadRejected(
        "De GeoPackage is beschadigd of niet volledig aangekomen. "
        "Sluit het project in QGIS of op het toestel en stuur het bestand opnieuw."
    )


def _choose(layers: list[_Layer], declared: str | None) -> _Layer:
    named = [layer for layer in layers if declared and layer.table.casefold() == declared.casefold()]
    if len(named) == 1:
        return named[0]
    if len(layers) == 1:
        return layers[0]
    if not layers:
        raise UploadRejected("De GeoPackage bevat geen laag met punten.")
    names = ", ".join(layer.table for layer in layers)
    expected = f"noem de laag met controles '{declared}'" if declared else "stuur één laag per bestand"
    raise UploadRejected(f"De GeoPackage bevat meerdere lagen ({names}): {expected}.")


def _columns(connection: sqlite3.Connection, layer: _Layer) -> list[str]:
    rows = connection.execute(
        "SELECT name, pk AND upper(type) = 'INTEGER' FROM pragma_table_xinfo(?) "
        f"WHERE hidden IN {_STORED_OR_GENERATED}",
        (layer.table,),
    )
    names = [name for name, is_row_number in rows if not is_row_number and name != layer.geometry]
    if len(names) > MAX_COLUMNS:
        raise UploadRejected(f"De laag heeft {len(names)} kolommen; hoogstens {MAX_COLUMNS} wordt gelezen.")
    return names


def _rows(connection: sqlite3.Connection, layer: _Layer, columns: list[str]) -> Iterator[tuple[int, Cells]]:
    wanted = ", ".join(_quoted(name) for name in [*columns, layer.geometry])
    taken = {name.casefold() for name in (*columns, layer.geometry)}
    row_id = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), "rowid")
    query = f"SELECT {row_id}, {wanted} FROM {_quoted(layer.table)} ORDER BY 1"
    try:
        for fid, *values, geometry in connection.execute(query):
            if not isinstance(fid, int):
                raise _damaged()
            if abs(fid) > MAX_FEATURE_ID:
                raise UploadRejected(
                    f"De GeoPackage heeft een rij met het nummer {fid}; hoogstens {MAX_FEATURE_ID} wordt "
                    "gelezen. Exporteer de laag opnieuw, zodat de rijen vanaf 1 genummerd zijn."
                )
            yield fid, [*map(_text, values), *_point(geometry)]
    except _DAMAGE as error:
        raise _damaged() from error


def _text(value: object) -> str | None:
    """As any cell, but with all digits: whole numbers of SQLite are exact."""
    return str(value) if type(value) is int else as_text(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _point(blob: object) -> tuple[str | None, str | None]:
    """The coordinates of a GeoPackage geometry; its type where it is no single point."""
    if blob is None:
        return None, None
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < 8:
        return _UNREADABLE
    flags = blob[3]
    if flags & _IS_EMPTY:
        return None, None
    try:
        return _point_of_wkb(blob, 8 + _ENVELOPE_BYTES.get(flags >> 1 & 0b111, 0))
    except struct.error:
        return _UNREADABLE


def _point_of_wkb(blob: bytes, at: int, *, is_member: bool = False) -> tuple[str | None, str | None]:
    """Of "well-known binary": byte order, kind (with height and measure in thousands), coordinates."""
    (order,) = struct.unpack_from("B", blob, at)
    (kind,) = struct.unpack_from(_ORDERS[order & 1] + "I", blob, at + 1)
    kind %= 1000
    if order > 1 or kind not in _KINDS:
        return _UNREADABLE
    is_multi_point = kind == _MULTI_POINT and not is_member
    if is_multi_point and struct.unpack_from(_ORDERS[order] + "I", blob, at + 5) == (1,):
        return _point_of_wkb(blob, at + 9, is_member=True)
    if kind != _POINT:
        return _KINDS[kind], None
    x, y = struct.unpack_from(_ORDERS[order] + "dd", blob, at + 5)
    return (None, None) if math.isnan(x) and math.isnan(y) else (as_text(x), as_text(y))
