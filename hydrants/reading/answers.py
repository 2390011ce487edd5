"""What a reading process answers, checked: a file may have made it say anything.

What passes has the right types and order, fits the store's columns, and keeps within the limits
that only the reader of an answer can hold it to. Whether it is true, nobody can tell here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from hydrants.errors import UploadRejected
from hydrants.formats import Format, Limits, Photo
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.formats.frames import MAX_NAME_CHARACTERS, Kind
from hydrants.formats.limits import MAX_COLUMNS
from hydrants.formats.sheet import Cells
from hydrants.reading.process import BrokenAnswer

MAX_SHEETS = 1_000
MAX_PHOTOS = 100_000
_MAX_REASON_CHARACTERS = 2_000

_MAX_CELLS = MAX_COLUMNS + len(GEOMETRY_COLUMNS)
_INTEGER = range(-(2**31), 2**31)  # what the store's columns hold
_JPEG = b"\xff\xd8\xff"


class CutShort(Exception):
    """An answer stopped before its last frame."""


@dataclass(frozen=True, slots=True)
class SheetBegins:
    """A sheet or layer; its fields are those of `formats.Sheet`. Its rows follow, until it ends."""

    name: str
    columns: list[str] | None
    crs: str | None
    notice_nl: str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of the sheet, one or more, none of them blank.

    Args:
        numbers: row numbers as the sender sees them, ascending throughout the sheet.
        cells: texts of each row, None where a cell is empty.
    """

    numbers: list[int]
    cells: list[Cells]


@dataclass(frozen=True, slots=True)
class SheetEnds:
    """After the last rows of a sheet.

    Args:
        blank_rows: how many rows without text were left out.
    """

    blank_rows: int


Part = Format | SheetBegins | Rows | SheetEnds | Photo
"""A file comes as its format, then its sheets and photos in any order."""


def parse(frames: Iterable[tuple[Kind, bytes]], limits: Limits) -> Iterator[Part]:
    """The parts of an answer; the READY frame is taken off already.

    Raises:
        UploadRejected: the answer itself, or that a limit is passed.
        BrokenAnswer: if a frame is not what it should be, or not its turn.
        CutShort: if the frames end before the answer does.
    """
    return _Parser(limits).parse(frames)


class _Parser:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._expected = {Kind.FORMAT}
        self._bytes = self._rows = self._sheets = 0
        self._last_number: int | None = None
        self._photo_names: set[str] = set()

    def parse(self, frames: Iterable[tuple[Kind, bytes]]) -> Iterator[Part]:
        for kind, payload in frames:
            self._bytes += len(payload)
            if self._bytes > self._limits.output_bytes:
                raise UploadRejected(
                    f"Het bestand bevat meer dan {self._limits.output_bytes // 1_000_000} MB "
                    "tekst en foto's. Splits het en stuur de delen apart."
                )
            if kind is Kind.REFUSED and (reason_nl := _text(_json(payload))):
                raise UploadRejected(reason_nl[:_MAX_REASON_CHARACTERS])
            if kind not in self._expected:
                raise BrokenAnswer(f"{kind.name} out of turn")
            if kind is Kind.DONE:
                if not self._sheets:
                    raise BrokenAnswer("no sheet")
                return
            yield self._part(kind, payload)
        raise CutShort

    def _part(self, kind: Kind, payload: bytes) -> Part:
        between_sheets = {Kind.SHEET, Kind.PHOTO, Kind.DONE}
        match kind:
            case Kind.FORMAT:
                self._expected = between_sheets
                return _format(payload)
            case Kind.SHEET:
                self._expected = {Kind.ROWS, Kind.END}
                self._last_number = None
                self._sheets = _counted(self._sheets, MAX_SHEETS, "sheets")
                return _sheet(payload)
            case Kind.ROWS:
                return self._some_rows(payload)
            case Kind.END:
                self._expected = between_sheets
                return SheetEnds(_integer(_json(payload), range(_INTEGER.stop)))
            case Kind.PHOTO:
                return self._photo(payload)
            case _:
                raise BrokenAnswer(f"{kind.name} out of turn")

    def _some_rows(self, payload: bytes) -> Rows:
        match _json(payload):
            case [list() as numbers, list() as cells] if numbers and len(numbers) == len(cells):
                rows = Rows(numbers, cells)
            case _:
                raise BrokenAnswer("rows of another shape")
        _check_numbers(rows.numbers, self._last_number)
        _check_cells(rows.cells, has_nul=b"\\u0000" in payload)
        self._last_number = rows.numbers[-1]
        self._rows += len(rows.numbers)
        if self._rows > self._limits.rows:
            raise UploadRejected(
                f"Het bestand heeft meer dan {self._limits.rows} rijen. Splits het en stuur de delen apart."
            )
        return rows

    def _photo(self, payload: bytes) -> Photo:
        head, _, jpeg = payload.partition(b"\n")
        match _json(head):
            case {"file_name": str() as file_name, "refused_because": refused_because, **rest} if not rest:
                photo = Photo(_text(file_name), jpeg or None, _text_or_none(refused_because))
            case _:
                raise BrokenAnswer("a photo of another shape")
        if len(photo.file_name) > MAX_NAME_CHARACTERS:
            raise BrokenAnswer("a photo with a name that no store can hold")
        if (photo.jpeg is None) == (photo.refused_because is None) or not photo.file_name:
            raise BrokenAnswer("a photo neither accepted nor refused")
        if photo.jpeg is not None and not photo.jpeg.startswith(_JPEG):
            raise BrokenAnswer("a photo that is none")
        if photo.file_name in self._photo_names:
            raise BrokenAnswer("two photos of one name")
        self._photo_names.add(photo.file_name)
        _counted(len(self._photo_names) - 1, MAX_PHOTOS, "photos")
        return photo


def _counted(count: int, most: int, what: str) -> int:
    if count >= most:
        raise BrokenAnswer(f"more than {most} {what}")
    return count + 1


def _format(payload: bytes) -> Format:
    try:
        return Format(_text(_json(payload)))
    except ValueError as error:
        raise BrokenAnswer("an unknown format") from error


def _sheet(payload: bytes) -> SheetBegins:
    match _json(payload):
        case {"name": name, "columns": columns, "crs": crs, "notice_nl": notice_nl, **rest} if not rest:
            if columns is not None:
                if type(columns) is not list or len(columns) > _MAX_CELLS:
                    raise BrokenAnswer("columns of another shape")
                columns = [_text(column) for column in columns]
            return SheetBegins(_text(name), columns, _text_or_none(crs), _text_or_none(notice_nl))
        case _:
            raise BrokenAnswer("a sheet of another shape")


def _check_numbers(numbers: list[Any], last: int | None) -> None:
    """Checked as a whole, not one by one: there are a million."""
    if set(map(type, numbers)) != {int}:
        raise BrokenAnswer("row numbers that are none")
    ascending = numbers if last is None else [last, *numbers]
    if not all(map(operator.lt, ascending, ascending[1:])):
        raise BrokenAnswer("row numbers out of order")
    if numbers[0] not in _INTEGER or numbers[-1] not in _INTEGER:
        raise BrokenAnswer("row numbers out of range")


def _check_cells(rows: list[Any], has_nul: bool) -> None:
    """Checked as a whole too; `has_nul` is true for texts that only look like it as well."""
    if set(map(type, rows)) != {list} or not 0 < min(map(len, rows)) <= max(map(len, rows)) <= _MAX_CELLS:
        raise BrokenAnswer("cells of another shape")
    if not set(map(type, chain.from_iterable(rows))) <= {str, type(None)}:
        raise BrokenAnswer("cells that are no text")
    if has_nul and any("\0" in text for text in chain.from_iterable(rows) if text):
        raise BrokenAnswer("a NUL character")


def _json(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise BrokenAnswer("no JSON") from error


def _text(value: Any) -> str:
    if type(value) is not str or "\0" in value:
        raise BrokenAnswer("no text")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _integer(value: Any, within: range) -> int:
    if type(value) is not int or value not in within:
        raise BrokenAnswer("no number")
    return value
