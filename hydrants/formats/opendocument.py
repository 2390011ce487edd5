"""ODS: the typed cells of an OpenDocument spreadsheet as text, in flat memory.

Read by hand: the libraries for it are no longer maintained, or build the whole document in memory, where
a sheet that declares a million empty rows costs as much as a full one.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from hydrants.errors import UploadRejected
from hydrants.formats import archive, markup
from hydrants.formats.grid import MAX_ROW_NUMBER, Merges, hidden_notice, too_wide
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.open_cell import TABLE, OpenCell, count
from hydrants.formats.sheet import Cells, Sheet
from hydrants.formats.source import Source

_ODS_NL = "Het OpenDocument-bestand"
_DAMAGE = (*archive.DAMAGE, *markup.MALFORMED)
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0 "
_CELLS = {f"{TABLE}table-cell", f"{TABLE}covered-table-cell"}
_SHEET, _ROW = f"{TABLE}table", f"{TABLE}table-row"
_TABLE_STYLE, _TABLE_PROPERTIES = f"{_STYLE}style", f"{_STYLE}table-properties"


class _Start(NamedTuple):
    """A sheet begins."""

    title: str
    is_hidden: bool


class _Row(NamedTuple):
    """Of a row its texts with their column, from 1, and the rows they are merged over; how often it comes."""

    texts: list[tuple[int, str, int]]
    repeated: int


def read(source: Source, _layer: str | None, limits: Limits) -> Iterator[Sheet]:
    """The sheets of a spreadsheet; hidden ones come without rows and with a notice.

    Raises:
        UploadRejected: if the package is damaged, encrypted, or unpacks to more than is sensible.
    """
    with archive.opened(source, _ODS_NL, limits, archive.MAX_PARTS) as package, _damage_refused():
        _refuse_encrypted(package)
        with package.open("content.xml") as stream:
            yield from _Document(_parse(stream)).sheets()


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UploadRejected(
            f"{_ODS_NL} is beschadigd of niet volledig aangekomen. "
            "Open het in LibreOffice, bewaar het opnieuw en stuur het nog eens."
        ) from error


def _refuse_encrypted(package: zipfile.ZipFile) -> None:
    """The parts of a locked package are listed with how they were encrypted."""
    parser = markup.new_parser(_ODS_NL)

    def start(tag: str, _attributes: object) -> None:
        if markup.LOCAL[tag] == "encryption-data":
            raise UploadRejected(f"{_ODS_NL} is beveiligd met een wachtwoord. Stuur het zonder wachtwoord.")

    parser.StartElementHandler = start
    with package.open("META-INF/manifest.xml") as stream:
        for _ in markup.feed(parser, stream):
            pass


class _Document:
    """The sheets of a document, out of one stream of their rows."""

    def __init__(self, events: Iterator[_Start | _Row]) -> None:
        self._events = events
        self._next = next(events, None)

    def sheets(self) -> Iterator[Sheet]:
        """Each sheet; what is not read of its rows is passed over."""
        if self._next is None:
            raise ValueError("a spreadsheet has at least one sheet")
        while isinstance(self._next, _Start):
            title, is_hidden = self._next
            rows = self._rows(title)
            if is_hidden:
                yield Sheet(name=title, rows=(), notice_nl=hidden_notice(title))
            else:
                yield Sheet(name=title, rows=rows)
            for _ in rows:
                pass

    def _rows(self, title: str) -> Iterator[tuple[int, Cells]]:
        """Rows up to the last with text; a row that is written once for many comes as many times."""
        last, number, merges = 0, 0, Merges()
        with _damage_refused():
            for event in self._events:
                self._next = event
                if isinstance(event, _Start):
                    return
                first, number = number + 1, number + event.repeated
                if not event.texts:
                    continue
                if number > MAX_ROW_NUMBER:
                    raise ValueError(f"row {number}")  # refused as damage: no spreadsheet has written it
                yield from ((blank, []) for blank in range(last + 1, first))
                for one in range(first, number + 1):
                    yield one, _cells(event.texts, title, one, merges)
                last = number
            self._next = None


def _cells(texts: list[tuple[int, str, int]], title: str, number: int, merges: Merges) -> Cells:
    cells: Cells = []
    for column, text, merged_rows in texts:
        if column > MAX_COLUMNS:
            raise too_wide(title, number, column)
        cells.extend([None] * (column - len(cells)))
        cells[column - 1] = text
        merges.add(number, number + merged_rows - 1, column)
    merges.fill(number, cells)
    return cells


def _parse(stream: Any) -> Iterator[_Start | _Row]:
    """Starts of sheets and their rows, in order; tables within a cell or a drawing are passed over."""
    parser = markup.new_parser(_ODS_NL, separator=" ")
    found: list[_Start | _Row] = []
    hidden_styles: set[str] = set()
    style = ""
    depth = column = 0
    texts: list[tuple[int, str, int]] = []
    row: dict[str, str] = {}
    cell: OpenCell | None = None

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal style, depth, column, row, cell
        if cell is not None:
            cell.start(tag, attributes)
        elif tag in _CELLS and depth == 1:
            cell = OpenCell(attributes)
        elif tag == _ROW and depth == 1:
            row, column = attributes, 1
            texts.clear()
        elif tag == _SHEET:
            depth += 1
            if depth == 1:
                is_hidden = attributes.get(f"{TABLE}style-name") in hidden_styles
                found.append(_Start(attributes.get(f"{TABLE}name", ""), is_hidden))
        elif tag == _TABLE_STYLE:
            style = attributes.get(f"{_STYLE}name", "")
        elif tag == _TABLE_PROPERTIES and attributes.get(f"{TABLE}display") == "false":
            hidden_styles.add(style)

    def end(tag: str) -> None:
        nonlocal depth, column, cell
        if cell is not None:
            if not cell.end():
                return
            text, times = cell.text(), cell.times("columns-repeated")
            if text:
                merged_rows = cell.times("rows-spanned")
                one_too_many = max(column, MAX_COLUMNS + 1)  # is enough to be refused
                for place in range(column, min(column + times, one_too_many + 1)):
                    texts.append((place, text, merged_rows))
            column += times
            cell = None
        elif tag == _ROW and depth == 1:
            found.append(_Row(texts.copy(), count(row, "rows-repeated")))
        elif tag == _SHEET:
            depth -= 1

    def data(text: str) -> None:
        if cell is not None:
            cell.add(text)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = data
    for _ in markup.feed(parser, stream):
        yield from found
        found.clear()
