"""Hostile and broken bytes, made on the spot."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

from tests.compound_files import compound_file
from tests.valid_files import geopackage, point_rows, rezipped, rows_of, workbook, xls, zipped

ESCAPED = "hydrants_ontsnapt"
"""Starts the name of every file that an archive tries to write outside; none may ever exist."""

_ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)
"""Ten to the tenth characters in a few hundred."""

SHEET = "xl/worksheets/sheet1.xml"


def entity_prolog() -> str:
    """A document type whose entity `&a9;` expands to 10 GB."""
    return _ENTITIES


def with_entities(content: bytes, member: str, marker: bytes) -> bytes:
    """A zip in which the text right behind `marker` in a member becomes the expanding entity."""

    def change(name: str, part: bytes) -> bytes:
        if name != member:
            return part
        start = part.index(b"?>") + 2 if part.startswith(b"<?xml") else 0
        assert marker in part[start:], "the fixture has to hit something"
        return part[:start] + _ENTITIES.encode() + part[start:].replace(marker, marker + b"&a9;", 1)

    return rezipped(content, change)


def sheet_replaced(old: bytes, new: bytes) -> bytes:
    """A workbook with a text of its sheet's XML replaced once."""

    def change(name: str, part: bytes) -> bytes:
        if name != SHEET:
            return part
        assert old in part, "the fixture has to hit something"
        return part.replace(old, new, 1)

    return rezipped(workbook(rows_of(9)), change)


def with_cell(reference: str) -> bytes:
    """A workbook with one more cell, far away."""
    row = "".join(filter(str.isdigit, reference))
    cell = f'<row r="{row}"><c r="{reference}" t="n"><v>1</v></c></row></sheetData>'
    return sheet_replaced(b"</sheetData>", cell.encode())


def bomb(says_bytes: int | None = None) -> bytes:
    """A workbook of 1.5 MB whose sheet unpacks to 600 MB of rows.

    Args:
        says_bytes: size that the archive declares for it; by default the truth.
    """
    start = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    varied = b"".join(b'<row><c t="str"><v>Dorpsstraat %d</v></c></row>' % n for n in range(190))
    rows = varied + b'<row><c t="str"><v>Dorpsstraat</v></c></row>' * 20_000
    return _with_deflated(workbook(rows_of(9)), SHEET, start, rows, 600_000_000 // len(rows), says_bytes)


def _with_deflated(
    archive: bytes, name: str, start: bytes, block: bytes, times: int, says_bytes: int | None
) -> bytes:
    """An archive with a member of many equal blocks, compressed one time and written down many times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed_start = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    packed_block = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = packed_start + packed_block * times + packer.flush(zlib.Z_FINISH)
    size, checksum = len(start) + len(block) * times, zlib.crc32(start)
    if says_bytes is None:
        for _ in range(times):
            checksum = zlib.crc32(block, checksum)
    else:
        size, checksum = says_bytes, zlib.crc32((start + block)[:says_bytes])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(stream, "w") as target:
        for member in source.namelist():
            if member != name:
                target.writestr(member, source.read(member))
        target.writestr(name, packed)  # written as it is, and declared to be deflated below
    content = bytearray(stream.getvalue())
    for signature, method_at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        at = content.rindex(signature)
        struct.pack_into("<H", content, at + method_at, zipfile.ZIP_DEFLATED)
        struct.pack_into("<III", content, at + method_at + 6, checksum, len(packed), size)
    return bytes(content)


def locked_workbook() -> bytes:
    """An encrypted XLSX as Excel writes it: a compound file that holds the package in cipher."""
    cipher = b"".join(zlib.crc32(bytes([n % 256])).to_bytes(4, "little") for n in range(2_000))
    return compound_file({"EncryptionInfo": b"\4\0\4\0\x40\0\0\0<encryption/>", "EncryptedPackage": cipher})


def locked_old_workbook() -> bytes:
    """An XLS that asks for a password before its first sheet."""
    file_pass = struct.pack("<HHHHHH", 0x002F, 6, 0, 0x1234, 0x5678, 0x9ABC)[: 4 + 6]
    return xls(rows_of(9), before_sheet=file_pass)


def macro_workbook() -> bytes:
    """An XLSM: a workbook with a macro project beside its sheet."""

    def change(name: str, part: bytes) -> bytes:
        if name == "[Content_Types].xml":
            plain = b"spreadsheetml.sheet.main+xml"
            assert plain in part
            part = part.replace(b"application/vnd.openxmlformats-officedocument." + plain, _MACRO_TYPE)
        return part

    project = compound_file({"VBA": b'Sub Workbook_Open(): Shell "calc": End Sub'})
    return rezipped(workbook(rows_of(9)), change, {"xl/vbaProject.bin": project})


_MACRO_TYPE = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"


def escaping(member: str, beside: Mapping[str, bytes]) -> Callable[[], bytes]:
    """An archive that also holds a member with this path."""
    return lambda: zipped({**beside, member: b"buiten"})


def with_link(beside: Mapping[str, bytes]) -> bytes:
    """An archive with a symbolic link, and a member that would be written through it."""
    stream = io.BytesIO(zipped(beside))
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo(f"{ESCAPED}_link")
        link.create_system = 3
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/tmp")
        archive.writestr(f"{ESCAPED}_link/{ESCAPED}_door_link.txt", b"buiten")
    return stream.getvalue()


def torn_geopackage() -> bytes:
    """A GeoPackage that starts well, and whose pages are gone from the third on."""
    content = geopackage(point_rows(rows_of(2_000)))
    return content[: 3 * 4096] + bytes(len(content) - 3 * 4096)


def triggered_geopackage() -> bytes:
    """A GeoPackage in which whatever is written, or looked at through a view, adds and removes rows."""
    sql = """
        CREATE TRIGGER bij_invoer AFTER INSERT ON controles BEGIN DELETE FROM controles; END;
        CREATE TRIGGER bij_wijziging AFTER UPDATE ON controles BEGIN DELETE FROM controles; END;
        CREATE VIEW kijk AS SELECT * FROM controles;
        CREATE TRIGGER in_plaats INSTEAD OF INSERT ON kijk BEGIN DELETE FROM controles; END;
    """
    return geopackage(point_rows(rows_of(9)), more_sql=sql)
