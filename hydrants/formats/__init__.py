"""File formats: bytes become sheets of text rows. Runs where nothing but the file can be harmed.

Nothing here knows the store, the settings or the firms: `reading` runs it in a process of its own,
with little memory and time and without secrets. A format's module is imported when a file is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from hydrants.formats.detect import Format, detect
from hydrants.formats.limits import Limits
from hydrants.formats.sheet import Photo, Sheet

__all__ = ["Format", "Limits", "Photo", "Sheet", "detect", "read"]

_READERS = {
    Format.CSV: "delimited",
    Format.XLSX: "workbook",
    Format.GEOPACKAGE: "geopackage",
    Format.GEOJSON: "geojson",
}


def read(
    path: Path, file_format: Format, layer: str | None = None, limits: Limits | None = None
) -> Iterator[Sheet | Photo]:
    """What a file in a format holds; iterate each sheet's rows before asking for the next.

    Args:
        layer: the layer to read of a format that holds several.

    Raises:
        UploadRejected: while iterating too, when the damage shows only there.
    """
    reader = import_module(f"hydrants.formats.{_READERS[file_format]}")
    found: Iterator[Sheet | Photo] = reader.read(path, layer, limits or Limits())
    return found
