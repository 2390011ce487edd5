"""CSV: text first. The encoding and the delimiter are found out; numbers and dates never are."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from hydrants.errors import UploadRejected
from hydrants.formats.encoding import scan
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, without_nul
from hydrants.formats.source import Source

MAX_CELL_CHARACTERS = 1_000_000
"""A longer cell is an unclosed quote; shorter ones than this but still too long are refused by row."""

_SAMPLE_LINES = 30
_SAMPLE_CHARACTERS = 65_536
_DELIMITERS = ";\t,"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_UNDECODABLE = "het bestand bevat onleesbare tekens. Bewaar het als CSV UTF-8."
_QUOTE_ADVICE = 'Kijk na of elk aanhalingsteken (") ook weer gesloten wordt.'

csv.field_size_limit(MAX_CELL_CHARACTERS)


def read(source: Source, _layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The one sheet of a CSV file; row numbers are the lines on which the rows start.

    Raises:
        UploadRejected: naming the line, if the text has two encodings or a quote that is not closed.
    """
    encoding, has_nul = scan(source)
    try:
        with _text(source, encoding) as file:
            lines = (file.readline(_SAMPLE_CHARACTERS) for _ in range(_SAMPLE_LINES))
            sample = list(itertools.takewhile(bool, lines))
    except UnicodeDecodeError as error:
        raise UploadRejected(_UNDECODABLE) from error
    delimiter = _delimiter(sample)
    width = _usual(_widths(sample, delimiter))
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
    """A cell of several lines that itself looks like rows means that a quote was left open.

    What follows the quote on its own line and what comes before the closing one on the next are together
    as many cells as a row has; or fewer, and then the row has become wider than the others.
    """
    is_wider = any(texts[width:])
    for text in texts:
        cuts = [part.count(delimiter) for part in _LINE_BREAK.split(text)]
        if len(cuts) == 1:
            continue
        has_whole_row = any(one + next_one >= max(1, width - 1) for one, next_one in itertools.pairwise(cuts))
        if has_whole_row or (sum(cuts) >= (1 if is_wider else 2) and len(texts) != width):
            raise UploadRejected(f"Regel {line}: een cel loopt door over andere rijen. {_QUOTE_ADVICE}")


def _usual(widths: list[int]) -> int:
    """How many cells most rows have; lines of one cell are titles, unless all are."""
    often = Counter(width for width in widths if width > 1)
    return max(often, key=lambda width: (often[width], width), default=1)


def _delimiter(sample: list[str]) -> str:
    """The declared one ("sep=;"), else the one that cuts the header as it cuts most rows.

    Where that does not tell, the one that cuts rows into most cells, and most rows into as many: a title
    has commas too, and so has a remark, but never as many on each row. A comma between digits is a decimal
    sign as likely as not, and does not count.
    """
    declared = re.fullmatch(r'sep=([^"\s\0]|\t)\s*', sample[0], flags=re.IGNORECASE) if sample else None
    if declared:
        return declared[1]
    without_decimals = [_DECIMAL_COMMA.sub("", line) for line in sample]

    def rank(delimiter: str) -> tuple[int, int]:
        widths = Counter(_widths(without_decimals, delimiter))
        cuts = max(((width - 1) * rows for width, rows in widths.items()), default=0)
        return -_header(_widths(sample, delimiter, strict=True)), cuts

    return max(_DELIMITERS, key=rank)


def _header(widths: list[int]) -> int:
    """Where a list starts: the first of two rows in a row that are as wide as most; else behind them all."""
    widths = [width for width in widths if width]
    usual = _usual(widths)
    for at, pair in enumerate(itertools.pairwise(widths)):
        if pair == (usual, usual) and usual > 1 and 2 * widths[at:].count(usual) > len(widths) - at:
            return at
    return _SAMPLE_LINES


def _widths(sample: list[str], delimiter: str, *, strict: bool = False) -> list[int]:
    widths: list[int] = []
    with suppress(csv.Error):  # reading proper will say which line
        for row in csv.reader(map(without_nul, sample), delimiter=delimiter, strict=strict):
            widths.append(len(row))
    return widths
