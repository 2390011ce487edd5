"""GeoJSON: a FeatureCollection of points, or one Feature; numbers keep the digits they were written with."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sized
from typing import Any

from hydrants.errors import UploadRejected
from hydrants.formats import json_stream
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, without_nul
from hydrants.formats.source import Source
from hydrants.formats.text import unicode_of

_HEAD_BYTES = 1_000
_WGS84 = "EPSG:4326"
_ID = "id"
_SURROGATES = re.compile("[\ud800-\udfff]")


def read(source: Source, _layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The features of a GeoJSON file; row numbers count them from 1.

    It is read twice, the first time for the columns: those of all features, in order of appearance.

    Raises:
        UploadRejected: if it is not a FeatureCollection, or is malformed.
    """
    members: dict[str, Any] = {}
    names: dict[str, None] = {}
    has_ids = False
    for ordinal, feature in enumerate(_features(source, members), start=1):
        if not isinstance(feature, dict):
            raise UploadRejected(
                f"Element {ordinal} van 'features' in het GeoJSON-bestand is geen feature. "
                "Exporteer het bestand opnieuw."
            )
        names.update(dict.fromkeys(_properties(feature)))
        has_ids = has_ids or feature.get(_ID) is not None
        _refuse_wide(names)
    is_one_feature = "features" not in members and members.get("type") == "Feature"
    if is_one_feature:
        names.update(dict.fromkeys(_properties(members)))
        has_ids = members.get(_ID) is not None
    elif members.get("features") is not True or members.get("type") != "FeatureCollection":
        raise UploadRejected("Dit JSON-bestand is geen GeoJSON met een 'FeatureCollection'.")
    has_id_column = has_ids and _ID not in map(str.casefold, names)
    columns = [*names, _ID] if has_id_column else list(names)
    _refuse_wide(columns)
    crs, notice_nl = _crs(members.get("crs"))
    yield Sheet(
        name="",
        rows=_rows(iter([members]) if is_one_feature else _features(source, {}), list(names), has_id_column),
        columns=[*map(_clean, columns), *GEOMETRY_COLUMNS],
        crs=crs,
        notice_nl=notice_nl,
    )


def _refuse_wide(columns: Sized) -> None:
    if len(columns) > MAX_COLUMNS:
        raise UploadRejected(f"Het bestand heeft meer dan {MAX_COLUMNS} verschillende kenmerken.")


def _features(source: Source, members: dict[str, Any]) -> Iterator[Any]:
    with source.open() as stream:
        encoding = unicode_of(stream.read(_HEAD_BYTES)) or "utf-8"
    try:
        with io.TextIOWrapper(source.open(), encoding=encoding) as text:
            yield from json_stream.walk(text, "features", members)
    except UnicodeDecodeError as error:
        raise UploadRejected("Het GeoJSON-bestand is geen UTF-8. Bewaar het opnieuw.") from error
    except json_stream.TooLong as error:
        raise UploadRejected(
            f"Het GeoJSON-bestand heeft op regel {error.line} een kenmerk dat te groot is om te lezen."
        ) from error
    except json_stream.Malformed as error:
        raise UploadRejected(
            f"Het GeoJSON-bestand is beschadigd op regel {error.line}. Bewaar of exporteer het opnieuw."
        ) from error
    except RecursionError as error:
        raise _too_nested() from error


def _too_nested() -> UploadRejected:
    return UploadRejected("Het GeoJSON-bestand is te diep genest.")


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _rows(features: Iterator[Any], columns: list[str], has_id_column: bool) -> Iterator[tuple[int, Cells]]:
    for ordinal, feature in enumerate(features, start=1):
        properties = _properties(feature)
        geometry = feature.get("geometry")
        try:
            cells = [_text(properties.get(name)) for name in columns]
            if has_id_column:
                cells.append(_text(feature.get(_ID)))
            cells += _point(geometry)
        except RecursionError as error:  # what could just be parsed need not be writable deeper down
            raise _too_nested() from error
        yield ordinal, cells


def _text(value: Any) -> str | None:
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return _clean(value)
        case _:
            return _clean(_written(value))


def _written(value: Any) -> str:
    """A nested value as JSON, its numbers as they were written."""
    match value:
        case json_stream.Number():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{_written(key)}: {_written(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_written, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _clean(text: str) -> str:
    """Halves of surrogate pairs, which JSON can escape, are no characters and fit no store."""
    return without_nul(_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text))


def _point(geometry: Any) -> tuple[str | None, str | None]:
    """The coordinates of a geometry; its type where it is no single point."""
    if not isinstance(geometry, dict):
        return None, None
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "MultiPoint" and isinstance(coordinates, list) and len(coordinates) == 1:
        kind, coordinates = "Point", coordinates[0]
    if kind != "Point":
        return _clean(kind) if isinstance(kind, str) else "onleesbare geometrie", None
    if not isinstance(coordinates, list) or not coordinates:
        return None, None
    return _text(coordinates[0]), _text(coordinates[1]) if len(coordinates) > 1 else None


def _crs(member: Any) -> tuple[str | None, str | None]:
    """GeoJSON is WGS84; older writers declare another system in `crs`."""
    if member is None:
        return _WGS84, None
    properties = member.get("properties") if isinstance(member, dict) else None
    given = properties.get("name") if isinstance(properties, dict) else None
    name = given if isinstance(given, str) else ""
    if name.upper().endswith("CRS84"):
        return _WGS84, None
    code = re.search(r"EPSG:+(?:[0-9.]*:)?([0-9]{4,6})$", name, flags=re.IGNORECASE)
    if code:
        return f"EPSG:{code[1]}", None
    return None, "Het coördinatenstelsel dat het bestand opgeeft, is niet herkend."
