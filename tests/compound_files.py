"""Compound files (OLE2), the container of old and of encrypted Office documents."""

from __future__ import annotations

import struct
from collections.abc import Mapping

SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_NONE = _FREE
_SMALLEST_STREAM = 4096
"""Shorter streams would have to lie in a container of their own: they are padded instead."""


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams in its root, padded with zeros to whole sectors.

    Sectors: the allocation table first, then the directory, then the streams.
    """
    contents = [_padded(content) for content in streams.values()]
    directory_sectors = -(-(len(contents) + 1) * 128 // SECTOR)
    sectors = directory_sectors + sum(len(content) // SECTOR for content in contents)
    fat_sectors = 1
    while fat_sectors * (SECTOR // 4) < fat_sectors + sectors:
        fat_sectors += 1
    fat = [_FAT] * fat_sectors + _chain(fat_sectors, directory_sectors)
    starts = []
    for content in contents:
        starts.append(len(fat))
        fat += _chain(len(fat), len(content) // SECTOR)
    fat += [_FREE] * (fat_sectors * (SECTOR // 4) - len(fat))
    directory = _entry("Root Entry", kind=5, child=1, start=_END, size=0)
    for number, (name, content, start) in enumerate(zip(streams, contents, starts, strict=True), start=1):
        right = number + 1 if number < len(contents) else _NONE
        directory += _entry(name, kind=2, right=right, start=start, size=len(content))
    directory += _entry("", kind=0) * (directory_sectors * (SECTOR // 128) - len(contents) - 1)
    return _header(fat_sectors) + struct.pack(f"<{len(fat)}I", *fat) + directory + b"".join(contents)


def _padded(content: bytes) -> bytes:
    size = max(len(content), _SMALLEST_STREAM)
    return content.ljust(-(-size // SECTOR) * SECTOR, b"\0")


def _chain(first: int, count: int) -> list[int]:
    return [*range(first + 1, first + count), _END]


def _header(fat_sectors: int) -> bytes:
    assert fat_sectors <= 109, "larger files would need a table of tables"
    table = [*range(fat_sectors), *[_FREE] * (109 - fat_sectors)]
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6x", 0x003E, 3, 0xFFFE, 9, 6)
        + struct.pack("<IIIII", 0, fat_sectors, fat_sectors, 0, _SMALLEST_STREAM)
        + struct.pack("<IIII", _END, 0, _END, 0)
        + struct.pack("<109I", *table)
    )


def _entry(
    name: str, kind: int, child: int = _NONE, right: int = _NONE, start: int = 0, size: int = 0
) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0" if name else b""
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB", len(text), kind, 1)
        + struct.pack("<III", _NONE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
