"""Zips of strangers: every entry is checked before any is read, and none is ever written to disk."""

from __future__ import annotations

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from hydrants.errors import UploadRejected
from hydrants.formats.limits import Limits
from hydrants.formats.source import Source

BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError)
"""What `zipfile` raises of an entry that is not what it is declared to be."""

DAMAGE = (*BROKEN, OSError, ValueError)
"""The same, and what it raises where it is sent astray by offsets and names."""

MAX_PARTS = 2_000
"""Of a workbook: its sheets, styles and pictures."""

MAX_ENTRIES = 10_000
"""Of a zip of a list and photos: the largest gemeente has some 1 800 hydrants, seen from a few sides."""

MAX_COPY_BYTES = 250_000_000
"""Of an entry that is held in memory, as a file of files; lists that are read forwards may be larger."""

_MAX_DIRECTORY_BYTES = 4_000_000
"""Of the table of contents, which is held in memory: 10 000 long names."""

_IS_ENCRYPTED = 0x1
_HAS_UTF8_NAME = 0x800
_DRIVE = re.compile(r"[A-Za-z]:")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of the others a small piece unpacks to any size


class Entry:
    """A file inside an opened zip."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive, self._info = archive, info
        self.name = name_of(info)

    @property
    def size(self) -> int:
        """Its unpacked length in bytes, as declared; no more than that is ever unpacked."""
        return self._info.file_size

    def open(self) -> IO[bytes]:
        """A stream to read forwards."""
        try:
            return self._archive.open(self._info)
        except (OSError, ValueError) as error:  # an offset or a name that leads nowhere
            raise zipfile.BadZipFile(self.name) from error

    def open_seekable(self) -> IO[bytes]:
        """A copy in memory.

        Raises:
            UploadRejected: if it is too large for that.
        """
        if self.size > MAX_COPY_BYTES:
            raise UploadRejected(
                f"'{self.name}' in het zip-bestand is groter dan {MAX_COPY_BYTES // 1_000_000} MB. "
                "Stuur het zonder zip, en de foto's apart."
            )
        with self.open() as stream:
            return io.BytesIO(stream.read())


def name_of(info: zipfile.ZipInfo) -> str:
    """Path of an entry in NFC, as its packer meant it.

    Archivers of macOS write UTF-8 without saying so, which `zipfile` takes for the code page of DOS.
    """
    name = info.filename
    if not info.flag_bits & _HAS_UTF8_NAME and not name.isascii():
        with suppress(UnicodeError):  # it was that code page
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


@contextmanager
def opened(
    source: Source, what_nl: str, limits: Limits | None = None, max_entries: int = MAX_ENTRIES
) -> Iterator[zipfile.ZipFile]:
    """An archive of which no entry can do harm by its path, its kind, its size or its number.

    What an entry unpacks to is bounded by the size it declares: `zipfile` stops there, and takes
    a checksum that then differs for damage. So the sum of the declared sizes bounds the actual ones.

    Args:
        what_nl: what it is, to start a refusal with: "Het zip-bestand".
        limits: of the unpacked size; None to look at names only.

    Raises:
        UploadRejected: if it is hostile, encrypted or too large, or was never a zip.
    """
    with source.open_seekable() as file:
        try:
            _refuse_long_directory(file, what_nl, max_entries)
            archive = zipfile.ZipFile(file)
        except DAMAGE as error:
            raise damaged(what_nl) from error
        with archive:
            _straighten(archive)
            _check(archive.infolist(), what_nl, limits, max_entries)
            yield archive


def _straighten(archive: zipfile.ZipFile) -> None:
    """Older archivers of Windows part folders by backslashes."""
    for info in archive.infolist():
        info.filename = info.filename.replace("\\", "/")
    archive.NameToInfo = {info.filename: info for info in archive.infolist()}


def damaged(what_nl: str) -> UploadRejected:
    """The refusal of a file that is broken or cut off."""
    return UploadRejected(
        f"{what_nl} is beschadigd of niet volledig aangekomen. Bewaar het opnieuw en stuur het nog eens."
    )


def _refuse_long_directory(file: IO[bytes], what_nl: str, max_entries: int) -> None:
    """Before `ZipFile` reads the table of contents as a whole."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # what ZipFile itself goes by, zip64 included
    if end and _MAX_DIRECTORY_BYTES < end[5] <= file.seek(0, io.SEEK_END):
        raise _too_many(what_nl, max_entries)
    file.seek(0)


def _too_many(what_nl: str, max_entries: int) -> UploadRejected:
    return UploadRejected(f"{what_nl} bevat meer dan {max_entries} onderdelen. Splits het.")


def _check(entries: list[zipfile.ZipInfo], what_nl: str, limits: Limits | None, max_entries: int) -> None:
    if len(entries) > max_entries:
        raise _too_many(what_nl, max_entries)
    if any(entry.flag_bits & _IS_ENCRYPTED for entry in entries):
        raise UploadRejected(f"{what_nl} is beveiligd met een wachtwoord. Stuur het zonder wachtwoord.")
    if limits and sum(entry.file_size for entry in entries) > limits.unpacked_bytes:
        raise UploadRejected(
            f"{what_nl} is uitgepakt groter dan {limits.unpacked_bytes // 1_000_000} MB. "
            "Splits de lijst of stuur een CSV-bestand."
        )
    seen = set()
    for entry in entries:
        name = name_of(entry)
        if _leads_elsewhere(name):
            raise UploadRejected(f"{what_nl} bevat een onderdeel met een ongeldig pad.")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UploadRejected(
                f"{what_nl} bevat een koppeling naar een ander bestand ({name}). Voeg dat bestand zelf toe."
            )
        if entry.compress_type not in _METHODS:
            raise UploadRejected(
                f"{what_nl} is gemaakt met een ongewone compressie. "
                "Maak het opnieuw met 'Comprimeren naar zip-bestand'."
            )
        if name in seen:
            raise UploadRejected(f"{what_nl} bevat twee keer een onderdeel met de naam '{name}'.")
        seen.add(name)


def _leads_elsewhere(name: str) -> bool:
    return (
        not name
        or name.startswith("/")
        or ".." in name.split("/")
        or _DRIVE.match(name) is not None
        or any(unicodedata.category(sign) == "Cc" for sign in name)
    )
