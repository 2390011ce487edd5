"""Zipped shapefiles: the points of one layer with its table, as the digits and texts that are in it.

Read by hand, since libraries turn the table's fields into numbers: digits are lost, and what is no number
("3ft", the stars of a value that did not fit) becomes nothing. Of the shapes only points are of use.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from hydrants.errors import UploadRejected
from hydrants.formats import archive, dbase, projection
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, as_text
from hydrants.formats.source import Source

_DAMAGE = (*archive.DAMAGE, RuntimeError)
_HEADER_BYTES = 100
_FILE_CODE = 9994
_NULL = 0
_POINTS = {1, 11, 21}  # flat, with height, with measure
_MULTI_POINTS = {8, 18, 28}
_KINDS = {
    **dict.fromkeys((3, 13, 23), "LineString"),
    **dict.fromkeys((5, 15, 25), "Polygon"),
    **dict.fromkeys(_MULTI_POINTS, "MultiPoint"),
    31: "MultiPatch",
}
_NEEDED_NL = {"shp": "de punten (.shp)", "dbf": "de tabel (.dbf)"}
_MAX_SHAPE_BYTES = 64_000_000

_Point = tuple[str | None, str | None]


def read(layers: Mapping[str, Mapping[str, Source]], layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The declared shapefile of a zip, or the only one; row numbers count its records, deleted ones too.

    Args:
        layers: shapefiles by name; of each its files by suffix.

    Raises:
        UploadRejected: if it is damaged or not complete, or it is not clear which one to read.
    """
    name = _choose(list(layers), layer)
    parts = layers[name]
    missing = [label for suffix, label in _NEEDED_NL.items() if suffix not in parts]
    if missing:
        raise UploadRejected(
            f"Van de shapefile '{name}' ontbreekt {' en '.join(missing)}. "
            "Stuur alle onderdelen (.shp, .shx, .dbf, .prj, .cpg) samen in een zip-bestand."
        )
    others = [other for other in layers if other != name]
    with _damage_refused(name):
        table = dbase.Table(parts["dbf"], parts.get("cpg"))
        if len(table.columns) > MAX_COLUMNS:
            raise UploadRejected(
                f"De laag heeft {len(table.columns)} kolommen; hoogstens {MAX_COLUMNS} wordt gelezen."
            )
        crs, notice_nl = projection.epsg_of(parts.get("prj"))
    notices = [f"Niet gelezen lagen: {', '.join(others)}."] if others else []
    notices += [notice_nl] if notice_nl else []
    yield Sheet(
        name=name,
        rows=_rows(name, parts["shp"], table),
        columns=[*table.columns, *GEOMETRY_COLUMNS],
        crs=crs,
        notice_nl=" ".join(notices) or None,
    )


def _choose(names: list[str], declared: str | None) -> str:
    named = [name for name in names if declared and name.casefold() == declared.casefold()]
    if len(named) == 1:
        return named[0]
    if len(names) == 1:
        return names[0]
    expected = f"noem die met controles '{declared}'" if declared else "stuur er één per zip-bestand"
    raise UploadRejected(
        f"Het zip-bestand bevat meerdere shapefiles ({', '.join(sorted(names))}): {expected}."
    )


@contextmanager
def _damage_refused(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UploadRejected(
            f"De shapefile '{name}' is beschadigd of niet volledig aangekomen. "
            "Exporteer de laag opnieuw en stuur ze nog eens."
        ) from error


def _rows(name: str, shapes: Source, table: dbase.Table) -> Iterator[tuple[int, Cells]]:
    with _damage_refused(name), shapes.open() as stream:
        pairs = zip(_points(stream), table.records(), strict=True)
        for number, (point, cells) in enumerate(pairs, start=1):
            if cells is not None:
                yield number, [*cells, *point]


def _points(stream: IO[bytes]) -> Iterator[_Point]:
    """The point of each shape in order; its type where it is no single point."""
    header = stream.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or struct.unpack_from(">i", header) != (_FILE_CODE,):
        raise ValueError("no header of a shapefile")
    while head := stream.read(8):
        _number, words = struct.unpack(">ii", head)
        if not 2 <= words <= _MAX_SHAPE_BYTES // 2:
            raise ValueError(f"a shape of {words} words")
        content = stream.read(2 * words)
        if len(content) < 2 * words:
            raise ValueError("a shape that breaks off")
        yield _point(content)


def _point(content: bytes) -> _Point:
    (kind,) = struct.unpack_from("<i", content)
    if kind == _NULL:
        return None, None
    if kind in _POINTS:
        return _coordinates(content, 4)
    if kind in _MULTI_POINTS and struct.unpack_from("<i", content, 36) == (1,):  # behind its bounding box
        return _coordinates(content, 40)
    return _KINDS.get(kind, "onleesbare geometrie"), None


def _coordinates(content: bytes, at: int) -> _Point:
    x, y = struct.unpack_from("<dd", content, at)
    return (None, None) if math.isnan(x) and math.isnan(y) else (as_text(x), as_text(y))
