"""Which format a file is in, by its bytes: its name says nothing that can be relied on."""

from __future__ import annotations

import codecs
import re
import zipfile
from enum import Enum

from hydrants.errors import UploadRejected
from hydrants.formats import archive, markup
from hydrants.formats.source import Source
from hydrants.formats.text import unicode_of

GPKG_APPLICATION_IDS = (b"GPKG", b"GP10", b"GP11")
ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"

_HEAD_BYTES = 65_536
_CHUNK_BYTES = 1_000_000
_CONTROL = bytes(set(range(32)) - set(b"\t\n\f\r"))
_MAX_CONTROL_SHARE = 0.05
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_BIFF = re.compile(rb"\x09[\x00\x02\x04\x08][\x04-\x10]\x00", re.DOTALL)
_UTF_32 = codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE
_OTHER_KINDS = {
    b"%PDF": "een PDF",
    b"\xff\xd8\xff": "een foto",
    b"\x89PNG": "een afbeelding",
    b"PK\x05\x06": "een leeg zip-bestand",
    b"Rar!": "een RAR-archief",
    b"7z\xbc\xaf": "een 7z-archief",
    b"\x1f\x8b": "een gzip-archief",
}
_OTHER_PACKAGES = {
    "xl/workbook.bin": "een binair Excel-bestand (.xlsb)",
    "word/document.xml": "een Word-bestand",
    "ppt/presentation.xml": "een PowerPoint-bestand",
    "Index/Document.iwa": "een bestand van Apple (Numbers of Pages)",
    "doc.qgs": "een QGIS-project",
}
_OTHER_ROOTS = {
    "html": "een webpagina",
    "OGRVRTDataSource": "een verwijzing naar een ander bestand",
    "FeatureCollection": "GML",
    "gpx": "GPX",
    "Workbook": "een Excel-bestand van 2003 in XML",
    "document": "een plat OpenDocument-bestand",
}
_ADVICE = (
    "Stuur een Excel- (.xlsx of .xls), OpenDocument- (.ods), CSV-, GeoPackage-, GeoJSON- of KML-bestand, "
    "of een zip-bestand met een shapefile of met zo'n lijst en haar foto's."
)
_ALL_PARTS = "Stuur alle onderdelen (.shp, .shx, .dbf, .prj, .cpg) samen in een zip-bestand."


class Format(Enum):
    """The formats that can be read."""

    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"
    ODS = "ods"
    GEOPACKAGE = "gpkg"
    GEOJSON = "geojson"
    SHAPEFILE = "shapefile"
    KML = "kml"


def kind_of(source: Source) -> Format | None:
    """The format of a file; None for a zip that is no document itself, but holds files.

    Raises:
        UploadRejected: if it is empty, or none of these formats.
    """
    with source.open() as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise UploadRejected("Het bestand is leeg (0 bytes). Bewaar het opnieuw en stuur het nog eens.")
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(source)
    if head.startswith(b"SQLite format 3\0"):
        if head[68:72] in GPKG_APPLICATION_IDS:
            return Format.GEOPACKAGE
        raise UploadRejected(f"Dit is een SQLite-databank, maar geen GeoPackage. {_ADVICE}")
    if head.startswith(_COMPOUND):
        return _kind_of_compound_file(source)
    if _OLD_BIFF.match(head):
        raise UploadRejected("Dit is een Excel-bestand van vóór 1997. Bewaar het als .xlsx en stuur dat.")
    if head.startswith(b"\x00\x00\x27\x0a"):
        raise UploadRejected(f"Dit is één onderdeel van een shapefile. {_ALL_PARTS}")
    if head.startswith(_UTF_32):
        raise UploadRejected(
            "Het bestand is tekst in UTF-32. Bewaar het als CSV UTF-8 en stuur het nog eens."
        )
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UploadRejected(f"Dit is {kind}, geen lijst met controles. {_ADVICE}")
    return _kind_of_text(source, head)


def _kind_of_zip(source: Source) -> Format | None:
    with archive.opened(source, "Het bestand") as package:
        names = set(package.namelist())
        if any(re.fullmatch(r"xl/workbook\w*\.xml", name) for name in names):
            return Format.XLSX
        kind = _mimetype(package)
        if kind.startswith(ODS_TYPE) or (not kind and {"content.xml", "META-INF/manifest.xml"} <= names):
            return Format.ODS
        other = next((label for name, label in _OTHER_PACKAGES.items() if name in names), None)
        if kind.startswith(b"application/vnd.oasis.opendocument."):
            other = "een OpenDocument-bestand, maar geen rekenblad"
        if other:
            raise UploadRejected(f"Dit is {other}. {_ADVICE}")
        return None


def _mimetype(package: zipfile.ZipFile) -> bytes:
    """What the package says it is; nothing where it does not say so in a few words."""
    if "mimetype" not in package.namelist() or package.getinfo("mimetype").file_size > len(ODS_TYPE) * 4:
        return b""
    try:
        return package.read("mimetype").strip()
    except archive.DAMAGE as error:
        raise archive.damaged("Het bestand") from error


def _kind_of_compound_file(source: Source) -> Format:
    """By the names of its streams, wherever its directory lies."""
    locked, *books = (name.encode("utf-16-le") for name in ("EncryptedPackage", "Workbook", "Book"))
    is_book, tail = False, b""
    with source.open() as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            window = tail + chunk
            if locked in window:
                raise UploadRejected(
                    "Het Excel-bestand is beveiligd met een wachtwoord. Stuur het zonder wachtwoord."
                )
            is_book = is_book or any(name in window for name in books)
            tail = window[-len(locked) :]
    if not is_book:
        raise UploadRejected(
            f"Dit is geen oud Excel-bestand (.xls), maar een ander of beschadigd Office-bestand. {_ADVICE}"
        )
    return Format.XLS


def _kind_of_text(source: Source, head: bytes) -> Format:
    encoding = unicode_of(head)
    is_utf16 = encoding is not None and encoding.startswith("utf-16")
    if not is_utf16 and len(head.translate(None, delete=_CONTROL)) < len(head) * (1 - _MAX_CONTROL_SHARE):
        raise UploadRejected(f"Dit bestandstype wordt niet herkend. {_ADVICE}")
    start = head.decode(encoding or "latin-1", errors="replace").lstrip("\ufeff \t\r\n")
    if start.startswith("<"):
        return _kind_of_markup(source, start)
    if re.match(r"\[\s*[\[{]", start):
        raise UploadRejected(f"Dit is een JSON-bestand, maar geen GeoJSON. {_ADVICE}")
    is_object = re.match(r'\{\s*["}]', start) or start.strip() == "{"
    return Format.GEOJSON if is_object else Format.CSV


def _kind_of_markup(source: Source, start: str) -> Format:
    with source.open() as stream:
        try:
            doctype, root = markup.prolog_of(stream)
        except markup.TagTooLong:
            doctype = root = None
    if root == "kml":
        return Format.KML
    if doctype and doctype.casefold() != "html":
        raise markup.doctype_refused("Het XML-bestand")
    if start.casefold().startswith("<!doctype html"):  # which need not be written as XML
        root = "html"
    if doctype is root is None:
        raise UploadRejected(f"Dit is een beschadigd XML- of HTML-bestand. {_ADVICE}")
    kind = _OTHER_ROOTS.get(root or "html")
    raise UploadRejected(f"Dit is een XML- of HTML-bestand{f' ({kind})' if kind else ''}. {_ADVICE}")
