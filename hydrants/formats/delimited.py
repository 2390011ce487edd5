"""CSV: text first. The encoding and the delimiter are found out; numbers and dates never are."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hydrants.errors import UploadRejected
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, without_nul

MAX_CELL_CHARACTERS = 1_000_000
"""A longer cell is an unclosed quote; shorter ones than this but still too long are refused by row."""

_SAMPLE_LINES = 30
_DELIMITERS = ";\t,"
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_UNDECODABLE = "het bestand bevat onleesbare tekens. Bewaar het als CSV UTF-8."
_QUOTE_ADVICE = 'Kijk na of elk aanhalingsteken (") ook weer gesloten wordt.'

csv.field_size_limit(MAX_CELL_CHARACTERS)


def read(path: Path, _layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The one sheet of a CSV file; row numbers are the lines on which the rows start.

    Raises:
        UploadRejected: naming the line, if the text has two encodings or a quote that is not closed.
    """
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            sample = list(itertools.islice(file, _SAMPLE_LINES))
    except UnicodeDecodeError as error:
        raise UploadRejected(_UNDECODABLE) from error
    delimiter = _delimiter(sample)
    width = _width(sample, delimiter)
    with path.open(encoding=encoding, newline="") as file:
        yield Sheet(name="", rows=_rows(file, delimiter, width))


def _rows(lines: Iterable[str], delimiter: str, width: int) -> Iterator[tuple[int, Cells]]:
    reader = csv.reader((without_nul(line) for line in lines), delimiter=delimiter, strict=True)
    line = 1
    try:
        for texts in reader:
            if reader.line_num > line:
                _refuse_swallowed_rows(texts, delimiter, width, line)
            if len(texts) > MAX_COLUMNS and any(texts[MAX_COLUMNS:]):
                raise UploadRejected(f"Regel {line} heeft meer dan {MAX_COLUMNS} kolommen.")
            yield line, [text or None for text in texts]
            line = reader.line_num + 1
    except csv.Error as error:
        until = f" (gelezen tot regel {reader.line_num})" if reader.line_num > line else ""
        raise UploadRejected(
            f"Regel {line}{until} is niet leesbaar: een aanhalingsteken staat verkeerd. {_QUOTE_ADVICE}"
        ) from error
    except UnicodeDecodeError as error:
        raise UploadRejected(f"Na regel {reader.line_num}: {_UNDECODABLE}") from error


def _refuse_swallowed_rows(texts: list[str], delimiter: str, width: int, line: int) -> None:
    """A cell of several lines that itself looks like rows means that a quote was left open."""
    for text in texts:
        if "\n" in text and text.count(delimiter) >= max(2, width // 2):
            raise UploadRejected(f"Regel {line}: een cel loopt door over andere rijen. {_QUOTE_ADVICE}")


def _encoding(path: Path) -> str:
    """By the byte order mark, else UTF-8 when every line is, else Windows-1252."""
    with path.open("rb") as file:
        head = file.read(3)
    bom = next((encoding for mark, encoding in _BOMS.items() if head.startswith(mark)), None)
    if bom == "utf-16":
        return bom
    first_utf8 = first_legacy = None
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.isascii():
                continue
            if _decodes(line, "utf-8"):
                first_utf8 = first_utf8 or number
            elif _decodes(line, "cp1252"):
                first_legacy = first_legacy or number
            else:
                raise UploadRejected(
                    f"Regel {number} bevat onleesbare tekens. Bewaar het bestand als CSV UTF-8."
                )
            if first_legacy and (first_utf8 or bom):
                raise UploadRejected(
                    f"Regel {number}: het bestand mengt twee tekensets (UTF-8 en Windows-1252). "
                    "Bewaar het in zijn geheel als CSV UTF-8."
                )
    return bom or ("cp1252" if first_legacy else "utf-8")


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(sample: list[str]) -> str:
    """The declared one ("sep=;"), else the one that cuts the header, the widest line, into most cells.

    A comma between digits is a decimal sign as likely as not, and does not count.
    """
    declared = re.fullmatch(r'sep=([^"\s\0]|\t)\s*', sample[0], flags=re.IGNORECASE) if sample else None
    if declared:
        return declared[1]
    without_decimals = [_DECIMAL_COMMA.sub("", line) for line in sample]
    return max(_DELIMITERS, key=lambda delimiter: _width(without_decimals, delimiter))


def _width(sample: list[str], delimiter: str) -> int:
    lines = (without_nul(line) for line in sample)
    try:
        return max((len(row) for row in csv.reader(lines, delimiter=delimiter)), default=0)
    except csv.Error:  # reading proper will say which line
        return 0
