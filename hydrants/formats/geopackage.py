"""GeoPackage: its feature tables, through SQLite itself.

A GeoPackage is an SQLite file with a documented catalogue. Read that way its values
are what the sender stored (no number becomes a float because another row is empty),
no driver is guessed, and nothing in the file can reach another file. It is opened
immutable: neither a journal nor a trigger of the file comes into play.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import shapely

from hydrants.errors import UploadRejected
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, as_text

MAX_FEATURE_ID = 2**31 - 1
"""What the store holds as a row number."""

_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_IS_EMPTY = 0b0001_0000

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


def read(path: Path, layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The declared layer, or the only one; row numbers are the feature ids.

    Args:
        layer: name of the layer that holds the inspections; others are left out, with a notice.

    Raises:
        UploadRejected: if the file is damaged, or it is not clear which layer to read.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            layers = [_Layer(*row) for row in connection.execute(_LAYERS)]
            chosen = _choose(layers, layer)
            others = [other.table for other in layers if other is not chosen]
            columns = _columns(connection, chosen)
            yield Sheet(
                name=chosen.table,
                rows=_rows(connection, chosen, columns),
                columns=[*columns, *GEOMETRY_COLUMNS],
                crs=chosen.crs,
                notice_nl=f"Niet gelezen lagen: {', '.join(others)}." if others else None,
            )
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _damaged() from error


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
    rows = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (layer.table,))
    names = [name for name, is_key in rows if not is_key and name != layer.geometry]
    if len(names) > MAX_COLUMNS:
        raise UploadRejected(f"De laag heeft {len(names)} kolommen; hoogstens {MAX_COLUMNS} wordt gelezen.")
    return names


def _rows(connection: sqlite3.Connection, layer: _Layer, columns: list[str]) -> Iterator[tuple[int, Cells]]:
    wanted = ", ".join(_quoted(name) for name in [*columns, layer.geometry])
    query = f"SELECT rowid, {wanted} FROM {_quoted(layer.table)} ORDER BY rowid"
    try:
        for fid, *values, geometry in connection.execute(query):
            if abs(fid) > MAX_FEATURE_ID:
                raise UploadRejected(
                    f"De GeoPackage heeft een rij met het nummer {fid}; hoogstens {MAX_FEATURE_ID} wordt "
                    "gelezen. Exporteer de laag opnieuw, zodat de rijen vanaf 1 genummerd zijn."
                )
            yield fid, [*map(as_text, values), *_point(geometry)]
    except sqlite3.Error as error:
        raise _damaged() from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _point(blob: object) -> tuple[str | None, str | None]:
    """The coordinates of a GeoPackage geometry; its type where it is no single point."""
    if blob is None:
        return None, None
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < 8:
        return "onleesbare geometrie", None
    flags = blob[3]
    if flags & _IS_EMPTY:
        return None, None
    wkb = blob[8 + _ENVELOPE_BYTES.get(flags >> 1 & 0b111, 0) :]
    try:
        geometry = shapely.from_wkb(wkb)
    except shapely.errors.GEOSException:
        return "onleesbare geometrie", None
    if geometry.geom_type == "MultiPoint" and len(geometry.geoms) == 1:
        geometry = geometry.geoms[0]
    if geometry.geom_type != "Point":
        return geometry.geom_type, None
    return (None, None) if geometry.is_empty else (as_text(geometry.x), as_text(geometry.y))
