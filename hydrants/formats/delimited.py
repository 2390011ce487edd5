"""CSV: text first. The encoding and the delimiter are found out; numbers and dates never are."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from hydrants.errors import UploadRejected
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, without_nul
from hydrants.formats.source import Source
from hydrants.formats.text import unicode_of

MAX_CELL_CHARACTERS = 1_000_000
"""A longer cell is an unclosed quote; shorter ones than this but still too long are refused by row."""

_SAMPLE_LINES = 30
_SAMPLE_CHARACTERS = 65_536
_HEAD_BYTES = 65_536
_BLOCK_BYTES = 1_000_000
_MAX_LINE_BYTES = 16_000_000  # far more than MAX_COLUMNS cells of any list
_DELIMITERS = ";\t,"
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_UNDECODABLE = "het bestand bevat onleesbare tekens. Bewaar het als CSV UTF-8."
_QUOTE_ADVICE = 'Kijk na of elk aanhalingsteken (") ook weer gesloten wordt.'

csv.field_size_limit(MAX_CELL_CHARACTERS)


def read(source: Source, _layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The one sheet of a CSV file; row numbers are the lines on which the rows start.

    Raises:
        UploadRejected: naming the line, if the text has two encodings or a quote that is not closed.
    """
    encoding, has_nul = _scan(source)
    try:
        with _text(source, encoding) as file:
            lines = (file.readline(_SAMPLE_CHARACTERS) for _ in range(_SAMPLE_LINES))
            sample = list(itertools.takewhile(bool, lines))
    except UnicodeDecodeError as error:
        raise UploadRejected(_UNDECODABLE) from error
    delimiter = _delimiter(sample)
    width = max(_widths(sample, delimiter), default=0)
    with _text(source, encoding) as file:
        clean = map(without_nul, file) if has_nul else file
        yield Sheet(name="", rows=_rows(clean, delimiter, width))


def _text(source: Source, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(source.open(), encoding=encoding, newline="")


def _rows(lines: Iterable[str], delimiter: str, width: int) -> Iterator[tuple[int, Cells]]:
    reader: Any = csv.reader(lines, delimiter=delimiter, strict=True)  # of lists, which need not be copied
    line = 1
    try:
        for texts in reader:
            until = reader.line_num
            if until > line:
                _refuse_swallowed_rows(texts, delimiter, width, line)
            if len(texts) > MAX_COLUMNS and any(texts[MAX_COLUMNS:]):
                raise UploadRejected(f"Regel {line} heeft meer dan {MAX_COLUMNS} kolommen.")
            yield line, texts
            line = until + 1
    except csv.Error as error:
        until_nl = f" (gelezen tot regel {reader.line_num})" if reader.line_num > line else ""
        raise UploadRejected(
            f"Regel {line}{until_nl} is niet leesbaar: een aanhalingsteken staat verkeerd. {_QUOTE_ADVICE}"
        ) from error
    except UnicodeDecodeError as error:
        raise UploadRejected(f"Na regel {reader.line_num}: {_UNDECODABLE}") from error


def _refuse_swallowed_rows(texts: list[str], delimiter: str, width: int, line: int) -> None:
    """A cell of several lines that itself looks like rows means that a quote was left open."""
    for text in texts:
        if "\n" in text and text.count(delimiter) >= max(2, width // 2):
            raise UploadRejected(f"Regel {line}: een cel loopt door over andere rijen. {_QUOTE_ADVICE}")


def _scan(source: Source) -> tuple[str, bool]:
    """The encoding, and whether there is a NUL in it.

    By the byte order mark or the pattern of UTF-16, else UTF-8 when every line is, else Windows-1252.
    """
    with source.open() as stream:
        head = stream.read(_BLOCK_BYTES)
    declared = unicode_of(head[:_HEAD_BYTES])
    if declared is not None and declared.startswith("utf-16"):
        return declared, True
    ending = b"\n" if b"\n" in head or b"\r" not in head else b"\r"
    has_nul, has_utf8, has_legacy = False, declared is not None, False
    for before, lines in _blocks(source, ending):
        has_nul = has_nul or b"\0" in lines
        if lines.isascii():
            continue
        if not has_legacy and _decodes(lines, "utf-8"):
            has_utf8 = True
            continue
        for number, line in enumerate(lines.split(ending), start=before + 1):
            if line.isascii():
                continue
            if _decodes(line, "utf-8"):
                has_utf8 = True
            elif _decodes(line, "cp1252"):
                has_legacy = True
            else:
                raise UploadRejected(
                    f"Regel {number} bevat onleesbare tekens. Bewaar het bestand als CSV UTF-8."
                )
            if has_legacy and has_utf8:
                raise UploadRejected(
                    f"Regel {number}: het bestand mengt twee tekensets (UTF-8 en Windows-1252). "
                    "Bewaar het in zijn geheel als CSV UTF-8."
                )
    return declared or ("cp1252" if has_legacy else "utf-8"), has_nul


def _blocks(source: Source, ending: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes in pieces of whole lines, each with the number of lines before it."""
    before, rest = 0, b""
    with source.open() as stream:
        while block := stream.read(_BLOCK_BYTES):
            if len(rest) > _MAX_LINE_BYTES:
                raise UploadRejected(f"Regel {before + 1} is te lang: dit is geen lijst met controles.")
            block = rest + block
            cut = block.rfind(ending) + 1
            rest = block[cut:]
            yield before, block[:cut]
            before += block.count(ending)
    yield before, rest


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(sample: list[str]) -> str:
    """The declared one ("sep=;"), else the one that cuts rows into most cells, and most rows into as many.

    A title has commas too, and so has a remark, but never as many on each row. A comma between digits
    is a decimal sign as likely as not, and does not count.
    """
    declared = re.fullmatch(r'sep=([^"\s\0]|\t)\s*', sample[0], flags=re.IGNORECASE) if sample else None
    if declared:
        return declared[1]
    without_decimals = [_DECIMAL_COMMA.sub("", line) for line in sample]

    def cuts(delimiter: str) -> int:
        widths = Counter(_widths(without_decimals, delimiter))
        return max(((width - 1) * rows for width, rows in widths.items()), default=0)

    return max(_DELIMITERS, key=cuts)


def _widths(sample: list[str], delimiter: str) -> list[int]:
    lines = map(without_nul, sample)
    try:
        return [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error:  # reading proper will say which line
        return []
