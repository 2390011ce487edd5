"""The XML of one sheet of an XLSX as rows of text, in flat memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import IO

from hydrants.formats import markup
from hydrants.formats.cells import UNCALCULATED
from hydrants.formats.grid import MAX_ROW_NUMBER, Merges, too_wide
from hydrants.formats.limits import MAX_COLUMNS
from hydrants.formats.shared_strings import unescaped
from hydrants.formats.sheet import Cells, as_text, iso_text
from hydrants.formats.text import unicode_of

_CHUNK_BYTES = 1_000_000
_MAX_EXACT_DIGITS = 15
_SHEET_DATA_ENDS = re.compile(rb"</(?:[\w.-]+:)?sheetData\s*>|<(?:[\w.-]+:)?sheetData\s*/>")
_LONGEST_TAG_BYTES = 1_000
_MERGE = re.compile(rb"""mergeCell\s[^>]*?ref\s*=\s*["']([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})["']""")


class _Columns(dict[str, int]):
    """Numbers of columns by letters; "A" is 1."""

    def __missing__(self, letters: str) -> int:
        number = 0
        for letter in letters.upper():
            if not "A" <= letter <= "Z":
                raise ValueError(f"column {letters}")
            number = number * 26 + ord(letter) - ord("A") + 1
        if not 1 <= number <= 16_384 or len(letters) > 3:
            raise ValueError(f"column {letters}")
        self[letters] = number
        return number


_COLUMN = _Columns()


def read_rows(
    stream: IO[bytes],
    title: str,
    strings: Sequence[str],
    date_styles: frozenset[str],
    as_date: Callable[[int | float, str], object],
    merges: Merges,
) -> Iterator[tuple[int, Cells]]:
    """Rows as they are in the file, whatever size it declares; rows it leaves out are blank.

    Args:
        date_styles: the styles, by number as text, of which numbers are days.
        as_date: a number and such a style to a date, a time or a duration.

    Raises:
        UploadRejected: if there is something in a column that no list has.
        Exception: whatever malformed XML or values give.
    """

    @lru_cache(maxsize=10_000)
    def date_text(value: str, style: str) -> str | None:
        try:
            return as_text(as_date(_number(value), style))
        except (OverflowError, ValueError):
            return _number_text(value)  # no day of the calendar: 20260403, say, that looks like one

    last = 0
    for number, found in _parse(stream):
        cells: Cells = []
        for column, kind, style, value, is_formula in found:
            if not value:
                if not is_formula or (kind == "str" and value is not None):
                    continue
                text: str | None = UNCALCULATED
            elif kind == "s":
                text = strings[_index(value)]
            elif kind is None or kind == "n":
                text = date_text(value, style) if style in date_styles else _number_text(value)
            elif kind == "b":
                text = "true" if int(value) else "false"
            elif kind == "d":
                text = iso_text(value.removesuffix("Z"))
            else:
                text = unescaped(value)
            if not text:
                continue
            if column > MAX_COLUMNS:
                raise too_wide(title, number, column)
            if column > len(cells):
                cells.extend([None] * (column - len(cells)))
            cells[column - 1] = text
        if not cells:
            continue
        if number > MAX_ROW_NUMBER:
            raise ValueError(f"row {number}")  # refused as damage: no spreadsheet has written it
        merges.fill(number, cells)
        yield from ((blank, []) for blank in range(last + 1, number))
        yield number, cells
        last = max(last, number)


_Found = tuple[int, str | None, str, str | None, bool]
"""Column, kind, style, value and whether there is a formula."""


def _parse(stream: IO[bytes]) -> Iterator[tuple[int, list[_Found]]]:
    """The cells of each row; closures over local names, since this runs for every cell."""
    parser = markup.new_parser("Het Excel-bestand")
    rows: list[tuple[int, list[_Found]]] = []
    cells: list[_Found] = []
    cell: dict[str, str] = {}
    texts: list[str] = []
    inline: list[str] = []
    number = column = phonetic = 0
    value: str | None = None
    is_formula = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal cells, cell, number, column, value, is_formula, phonetic
        name = markup.LOCAL[tag]
        if name == "c":
            cell, value, is_formula = attributes, None, False
            reference = attributes.get("r")
            column = _COLUMN[reference.rstrip("0123456789")] if reference else column + 1
        elif name == "v" or name == "t":
            texts.clear()
        elif name == "row":
            cells, column = [], 0
            number = int(float(attributes["r"])) if "r" in attributes else number + 1
        elif name == "f":
            is_formula = True
        elif name == "is":
            inline.clear()
        elif name == "rPh":
            phonetic += 1

    def end(tag: str) -> None:
        nonlocal value, phonetic
        name = markup.LOCAL[tag]
        if name == "v":
            value = "".join(texts)
        elif name == "c":
            kind = cell.get("t")
            cells.append((column, kind, cell.get("s", "0"), value, is_formula))
        elif name == "row":
            rows.append((number, cells))
        elif name == "t" and not phonetic:
            inline.append("".join(texts))
        elif name == "is":
            value = "".join(inline)
        elif name == "rPh":
            phonetic -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    for _ in markup.feed(parser, stream):
        yield from rows
        rows.clear()


def find_merges(stream: IO[bytes]) -> Merges:
    """The merged areas of a sheet, which stand behind its rows: looked up before these are read."""
    merges = Merges()
    is_behind_rows, rest = False, b""
    for chunk in _ascii_chunks(stream):
        window = rest + chunk
        if not is_behind_rows:
            ends = _SHEET_DATA_ENDS.search(window) if b"sheetData" in window else None
            if ends is None:
                rest = window[-_LONGEST_TAG_BYTES:]
                continue
            is_behind_rows, window = True, window[ends.end() :]
        cut = window.rfind(b">") + 1
        rest = window[cut:][-_LONGEST_TAG_BYTES:]
        for letters, first, last in _MERGE.findall(window[:cut]):
            merges.add(int(first), int(last), _COLUMN[letters.decode()])
    return merges


def _ascii_chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The XML in an encoding in which its tags are ASCII."""
    first = stream.read(_CHUNK_BYTES)
    encoding = unicode_of(first[:1000])
    is_utf16 = encoding is not None and encoding.startswith("utf-16")
    decode = codecs.getincrementaldecoder(encoding)().decode if encoding and is_utf16 else None
    while first:
        yield decode(first).encode() if decode else first
        first = stream.read(_CHUNK_BYTES)


def _index(value: str) -> int:
    index = int(value)
    if index < 0:
        raise IndexError(value)
    return index


def _number(value: str) -> int | float:
    return float(value) if "." in value or "E" in value or "e" in value else int(value)


def _number_text(value: str) -> str | None:
    if value.isdecimal() and value.isascii() and value[0] != "0" and len(value) <= _MAX_EXACT_DIGITS:
        return value
    return as_text(_number(value))
