"""Which format a file is in, by its first bytes: its name says nothing that can be relied on."""

from __future__ import annotations

import zipfile
from enum import Enum
from pathlib import Path

from hydrants.errors import UploadRejected

GPKG_APPLICATION_IDS = (b"GPKG", b"GP10", b"GP11")

_HEAD_BYTES = 65_536
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\f\r"))
_MAX_CONTROL_SHARE = 0.05
_OTHER_KINDS = {
    b"%PDF": "een PDF",
    b"\xff\xd8\xff": "een foto",
    b"\x89PNG": "een afbeelding",
    b"PK\x05\x06": "een leeg zip-bestand",
    b"Rar!": "een RAR-archief",
    b"7z\xbc\xaf": "een 7z-archief",
    b"\x1f\x8b": "een gzip-archief",
}
_ADVICE = "Stuur een CSV-, Excel- (.xlsx), GeoPackage- of GeoJSON-bestand."


class Format(Enum):
    """The formats that can be read."""

    CSV = "csv"
    XLSX = "xlsx"
    GEOPACKAGE = "gpkg"
    GEOJSON = "geojson"


def detect(path: Path) -> Format:
    """The format of a landed file.

    Raises:
        UploadRejected: if it is empty, or none of these formats.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UploadRejected("Het bestand is leeg (0 bytes). Bewaar het opnieuw en stuur het nog eens.")
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip(path)
    if head.startswith(b"SQLite format 3\0"):
        if head[68:72] in GPKG_APPLICATION_IDS:
            return Format.GEOPACKAGE
        raise UploadRejected(f"Dit is een SQLite-databank, maar geen GeoPackage. {_ADVICE}")
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise UploadRejected(_old_office(path))
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UploadRejected(f"Dit is {kind}, geen lijst met controles. {_ADVICE}")
    return _detect_text(head)


def _detect_zip(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise UploadRejected(
            "Het bestand is beschadigd of niet volledig aangekomen. Bewaar het opnieuw en stuur het nog eens."
        ) from error
    if "xl/workbook.xml" in names:
        return Format.XLSX
    raise UploadRejected(f"Dit is een zip-bestand, maar geen Excel-bestand. {_ADVICE}")


def _old_office(path: Path) -> str:
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return "Het Excel-bestand is beveiligd met een wachtwoord. Stuur het zonder wachtwoord."
    return "Dit is een oud Excel-bestand (.xls). Bewaar het als .xlsx en stuur het opnieuw."


def _detect_text(head: bytes) -> Format:
    is_utf16 = head.startswith(_BOMS[1:])
    if not is_utf16 and len(head.translate(None, delete=_CONTROL)) < len(head) * (1 - _MAX_CONTROL_SHARE):
        raise UploadRejected(f"Dit bestandstype wordt niet herkend. {_ADVICE}")
    start = head.removeprefix(_BOMS[0]).lstrip()
    if start.startswith(b"<"):
        raise UploadRejected(f"Dit is een XML- of HTML-bestand. {_ADVICE}")
    return Format.GEOJSON if start.startswith(b"{") else Format.CSV
