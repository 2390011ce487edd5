"""File formats: bytes become sheets of text rows. Runs where nothing but the file can be harmed.

Nothing here knows the store, the settings or the firms: `reading` runs it in a process of its own,
with little memory and time and without secrets. A format's module is imported when a file is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from hydrants.formats import contents
from hydrants.formats.detect import Format
from hydrants.formats.limits import Limits
from hydrants.formats.sheet import Photo, Sheet
from hydrants.formats.source import File

__all__ = ["Format", "Limits", "Photo", "Sheet", "detect", "read"]

_READERS = {
    Format.CSV: "delimited",
    Format.XLSX: "workbook",
    Format.XLS: "old_excel",
    Format.ODS: "opendocument",
    Format.GEOPACKAGE: "geopackage",
    Format.GEOJSON: "geojson",
    Format.SHAPEFILE: "shapefile",
    Format.KML: "kml",
}


def detect(path: Path) -> Format:
    """The format of a landed file; of the list in it, when it is a zip of a list and its photos.

    Raises:
        UploadRejected: if it is empty, or none of these formats, or a zip without exactly one list.
    """
    with contents.opened(File(path)) as found:
        return found.format


def read(
    path: Path, file_format: Format, layer: str | None = None, limits: Limits | None = None
) -> Iterator[Sheet | Photo]:
    """What a file in a format holds; iterate each sheet's rows before asking for the next.

    Args:
        file_format: as `detect` found it.
        layer: the layer to read of a format that holds several.

    Yields:
        The sheets of its list; then, of a zip, a photo for every other file in it.

    Raises:
        UploadRejected: while iterating too, when the damage shows only there.
    """
    limits = limits or Limits()
    with contents.opened(File(path), limits) as found:
        reader = import_module(f"hydrants.formats.{_READERS[file_format]}")
        sheets: Iterator[Sheet] = reader.read(found.list_source, layer, limits)
        for sheet in sheets:
            notices = [notice_nl for notice_nl in (found.notice_nl, sheet.notice_nl) if notice_nl]
            yield replace(sheet, notice_nl=" ".join(notices) or None)
        if found.beside:
            photos = import_module("hydrants.formats.photos")
            yield from photos.read(found.beside)
