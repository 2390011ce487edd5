"""XLS: workbooks of Excel 97 to 2003; cached results of formulas, and nothing is run."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import xlrd
from xlrd.compdoc import CompDocError
from xlrd.xldate import xldate_as_datetime

from hydrants.errors import UploadRejected
from hydrants.formats.grid import Merges, hidden_notice
from hydrants.formats.limits import Limits
from hydrants.formats.sheet import Cells, Sheet, as_text
from hydrants.formats.source import Source

_XLS_NL = "Het Excel-bestand"
_START, _END, _MERGED_CELLS = 0x0809, 0x000A, 0x00E5

# xlrd raises whatever it stumbles over in a record that is cut off or says what cannot be
_DAMAGE = (
    xlrd.XLRDError,
    CompDocError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class _Nowhere(io.TextIOBase):
    """Takes what xlrd would print about a file."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


def read(source: Source, _layer: str | None, _limits: Limits) -> Iterator[Sheet]:
    """The sheets of a workbook; hidden ones come without rows and with a notice.

    Raises:
        UploadRejected: if the workbook is damaged or encrypted.
    """
    with source.open() as stream:
        content = stream.read()
    with _damage_refused():
        book = xlrd.open_workbook(file_contents=content, logfile=_Nowhere(), on_demand=True, ragged_rows=True)
        if not book.nsheets:
            raise ValueError("a workbook has at least one sheet")
    for number, title in enumerate(book.sheet_names()):
        with _damage_refused():
            sheet = book.sheet_by_index(number)
        if sheet.visibility:
            yield Sheet(name=title, rows=(), notice_nl=hidden_notice(title))
        else:
            yield Sheet(name=title, rows=_rows(book, sheet, number))
        book.unload_sheet(number)


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, xlrd.XLRDError) and "encrypted" in str(error):
            reason_nl = f"{_XLS_NL} is beveiligd met een wachtwoord. Stuur het zonder wachtwoord."
        else:
            reason_nl = (
                f"{_XLS_NL} is beschadigd of niet volledig aangekomen. "
                "Open het in Excel, bewaar het als .xlsx en stuur het nog eens."
            )
        raise UploadRejected(reason_nl) from error


def _rows(book: xlrd.Book, sheet: xlrd.sheet.Sheet, sheet_number: int) -> Iterator[tuple[int, Cells]]:
    with _damage_refused():
        merges = _merges(book, sheet_number)
        for index in range(sheet.nrows):
            kinds, values = sheet.row_types(index), sheet.row_values(index)
            cells = [_text(kind, value, book.datemode) for kind, value in zip(kinds, values, strict=True)]
            if any(cells):
                merges.fill(index + 1, cells)
            yield index + 1, cells


def _text(kind: int, value: float | str, datemode: int) -> str | None:
    match kind:
        case xlrd.XL_CELL_EMPTY | xlrd.XL_CELL_BLANK:
            return None
        case xlrd.XL_CELL_DATE:
            return _date_text(float(value), datemode)
        case xlrd.XL_CELL_BOOLEAN:
            return "true" if value else "false"
        case xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code[value]
        case _:
            return as_text(value)


def _date_text(serial: float, datemode: int) -> str | None:
    """A day and time; the time alone where there is no day; the number where the calendar ends before it."""
    try:
        moment = xldate_as_datetime(serial, datemode)
    except (OverflowError, ValueError):
        return as_text(serial)
    return as_text(moment.time() if 0 <= serial < 1 else moment)


def _merges(book: xlrd.Book, sheet_number: int) -> Merges:
    """The merged areas of a sheet, which xlrd keeps only together with all formatting.

    They stand among the records of the sheet itself, not of a chart within it.
    """
    merges = Merges()
    content, at, depth = book.mem, book._sh_abs_posn[sheet_number], 0
    while at + 4 <= len(content):
        kind, length = struct.unpack_from("<HH", content, at)
        at += 4
        if kind == _START:
            depth += 1
        elif kind == _END:
            depth -= 1
            if depth <= 0:
                break
        elif kind == _MERGED_CELLS and depth == 1:
            (count,) = struct.unpack_from("<H", content, at)
            for first, last, column, _ in struct.iter_unpack("<4H", content[at + 2 : at + 2 + 8 * count]):
                merges.add(first + 1, last + 1, column + 1)
        at += length
    return merges
