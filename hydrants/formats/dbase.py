"""DBF, the table of a shapefile: its fields as the text that is in them."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hydrants.errors import UploadRejected
from hydrants.formats.sheet import Cells, as_text, without_nul
from hydrants.formats.source import Source

_HEAD_BYTES = _FIELD_BYTES = 32
_FIELDS_END = b"\r"
_DELETED = b"*"
_READABLE = frozenset("CNFDLI+")
_CODE_PAGES = {0x01: "cp437", 0x02: "cp850"}  # those of DOS; what the others mean is Windows-1252 here
_ENCODINGS = {
    "65001": "utf-8",
    **dict.fromkeys(("1252", "ansi1252", "iso88591", "88591", "latin1"), "cp1252"),
}
"""What programs write in a .cpg, where Python knows it by another name or reads too strictly."""

_DAY = re.compile(r"^(\d{4})(\d{2})(\d{2})$", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d*\.?\d*(?:[eE][+-]?\d+)?")
_RECORDS_PER_READ = 1_000


class _Field(NamedTuple):
    name: bytes
    kind: str
    place: slice
    decimals: int


class Table:
    """The records of a DBF.

    Raises:
        UploadRejected: if a field is of a kind whose values are not in this file.
        ValueError, struct.error: if it is damaged, here or while iterating.
    """

    def __init__(self, source: Source, code_page_file: Source | None) -> None:
        self._source = source
        with source.open() as stream:
            head = stream.read(_HEAD_BYTES)
            self._count, self._start, self._size = struct.unpack_from("<4xIHH", head)
            self._fields = _fields(stream.read(max(0, self._start - _HEAD_BYTES)), self._size)
        declared = _declared_encoding(code_page_file)
        self._encoding = declared or ("utf-8" if self._is_utf8() else _CODE_PAGES.get(head[29], "cp1252"))
        self.columns = [self._decoded(field.name, "de kolomtitels") for field in self._fields]

    def records(self) -> Iterator[Cells | None]:
        """The cells of each record; None for one that is marked as deleted."""
        for number, record in enumerate(self._raw_records(), start=1):
            if record.startswith(_DELETED):
                yield None
                continue
            yield [self._text(field, record[field.place], number) for field in self._fields]

    def _raw_records(self) -> Iterator[bytes]:
        left = self._count
        with self._source.open() as stream:
            stream.read(self._start)
            while left:
                count = min(left, _RECORDS_PER_READ)
                block = stream.read(count * self._size)
                if len(block) < count * self._size:
                    raise ValueError("a table that breaks off")
                yield from (block[at : at + self._size] for at in range(0, len(block), self._size))
                left -= count

    def _is_utf8(self) -> bool:
        texts = [field for field in self._fields if field.kind == "C"]
        return all(
            _decodes(record[field.place])
            for record in self._raw_records()
            if not record.isascii()
            for field in texts
        )

    def _text(self, field: _Field, raw: bytes, number: int) -> str | None:
        if field.kind in "I+":
            return str(struct.unpack("<i", raw)[0])
        text = self._decoded(raw, f"rij {number}")
        if field.kind == "C":
            return text or None
        text = text.strip()
        match field.kind:
            case "L":
                return {"T": "true", "Y": "true", "F": "false", "N": "false", "?": None}.get(
                    text.upper(), text or None
                )
            case "D":
                return _DAY.sub(r"\1-\2-\3", text) if text.strip("0") else None
            case _:
                return _number_text(text, field.decimals)

    def _decoded(self, raw: bytes, where_nl: str) -> str:
        text = raw.rstrip(b" \0")
        try:
            return without_nul(text.decode(self._encoding))
        except UnicodeDecodeError as error:
            if _is_cut_off(error, raw):
                return without_nul(text.decode(self._encoding, errors="replace"))
            raise UploadRejected(
                f"De tabel van de shapefile bevat onleesbare tekens ({where_nl}). Exporteer ze als UTF-8."
            ) from error


def _fields(described: bytes, record_size: int) -> list[_Field]:
    rows: list[tuple[bytes, str, int, int]] = []
    for at in range(0, len(described), _FIELD_BYTES):
        if described[at : at + 1] == _FIELDS_END:
            break
        name, kind, size, decimals = struct.unpack("<11sc4xBB14x", described[at : at + _FIELD_BYTES])
        rows.append((name.partition(b"\0")[0], kind.decode("latin-1"), size, decimals))
    else:
        raise ValueError("fields without an end")
    fields = _placed(rows, with_long_texts=False)
    if fields and fields[-1].place.stop != record_size:
        long = _placed(rows, with_long_texts=True)
        fields = long if long[-1].place.stop == record_size else fields
    if not fields or fields[-1].place.stop > record_size:
        raise ValueError("records too short for their fields")
    unreadable = [field for field in fields if field.kind not in _READABLE]
    if unreadable:
        names = ", ".join(repr(field.name.decode("latin-1")) for field in unreadable)
        raise UploadRejected(
            f"De tabel van de shapefile heeft kolommen van een soort die niet gelezen wordt ({names}). "
            "Maak er tekst of getallen van, of stuur een GeoPackage."
        )
    return fields


def _placed(rows: list[tuple[bytes, str, int, int]], *, with_long_texts: bool) -> list[_Field]:
    """Where fields lie in a record. Some programs write texts over 255 bytes, their length in two bytes."""
    fields: list[_Field] = []
    end = 1  # behind the mark of deletion
    for name, kind, size, decimals in rows:
        if kind == "C":
            size, decimals = size + (256 * decimals if with_long_texts else 0), 0
        fields.append(_Field(name, kind, slice(end, end + size), decimals))
        end += size
    return fields


def _declared_encoding(code_page_file: Source | None) -> str | None:
    if code_page_file is None:
        return None
    with code_page_file.open() as stream:
        name = stream.read(100).decode("ascii", errors="ignore").strip()
    plain = re.sub("[^a-z0-9]", "", name.casefold())
    try:
        codec = codecs.lookup(_ENCODINGS.get(plain, name))
        "".encode(codec.name)  # some codecs are not of text
    except (LookupError, ValueError):
        return None
    return codec.name


def _decodes(raw: bytes) -> bool:
    try:
        raw.rstrip(b" \0").decode("utf-8")
    except UnicodeDecodeError as error:
        return _is_cut_off(error, raw)
    return True


def _is_cut_off(error: UnicodeDecodeError, raw: bytes) -> bool:
    """Whether a field ends within a sign because it is too short for its text."""
    return error.reason == "unexpected end of data" and error.end == len(raw)


def _number_text(text: str, decimals: int) -> str | None:
    """The digits, without the zeros that fill up the field; what is no number as it is.

    A field full of stars is empty: so the programs of GIS write that, and read it.
    """
    if not text.strip("*"):
        return None
    if not _NUMBER.fullmatch(text) or not any(map(str.isdigit, text)):
        return text
    if "e" in text.casefold():
        return as_text(float(text))
    return text.rstrip("0").rstrip(".") if decimals and "." in text else text
