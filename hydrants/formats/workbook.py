"""XLSX and XLSM: the values of typed cells as text; formulas and macros are never run."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import FORMULA_TAG, VALUE_TAG, WorkSheetParser

from hydrants.errors import UploadRejected
from hydrants.formats.cells import UNCALCULATED
from hydrants.formats.limits import MAX_COLUMNS, Limits
from hydrants.formats.sheet import Cells, Sheet, as_text

MAX_PARTS = 2_000
MAX_ROW_NUMBER = 1_048_576  # of a worksheet, by its own definition

warnings.filterwarnings("ignore", module="openpyxl")  # of styles and extensions, which hold no values

# openpyxl raises whatever it stumbles over when a part of the package is missing or malformed
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read(path: Path, _layer: str | None, limits: Limits) -> Iterator[Sheet]:
    """The sheets of a workbook; hidden ones come without rows and with a notice.

    Raises:
        UploadRejected: if the package is damaged, encrypted, or unpacks to more than is sensible.
    """
    with path.open("rb") as file:
        with _damage_refused():
            _check_package(file, limits.unpacked_bytes)
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                yield Sheet(name=sheet.title, rows=_rows(sheet))
            else:
                notice = f"Het verborgen blad '{sheet.title}' is overgeslagen."
                yield Sheet(name=sheet.title, rows=(), notice_nl=notice)


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UploadRejected(
            "Het Excel-bestand is beschadigd of niet volledig aangekomen. "
            "Open het in Excel, bewaar het opnieuw en stuur het nog eens."
        ) from error


class _Parser(WorkSheetParser):
    """Tells a formula without a stored result from an empty cell."""

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None:
            is_empty_text = element.get("t") == "str" and element.find(VALUE_TAG) is not None
            if not is_empty_text:
                cell["value"] = UNCALCULATED
        return cell


def _rows(sheet: ReadOnlyWorksheet) -> Iterator[tuple[int, Cells]]:
    """Rows as they are in the file, whatever size it declares; rows it leaves out are blank."""
    book = sheet.parent
    last = 0
    with _damage_refused(), sheet._get_source() as source:
        parser = _Parser(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, row in parser.parse():
            cells: Cells = []
            for cell in row:
                text = as_text(cell["value"])
                if text is None:
                    continue
                if cell["column"] > MAX_COLUMNS:
                    raise UploadRejected(
                        f"Blad '{sheet.title}', rij {number}: er staat iets in kolom {cell['column']}; "
                        f"een lijst heeft hoogstens {MAX_COLUMNS} kolommen. Wis die cel."
                    )
                cells.extend([None] * (cell["column"] - len(cells)))
                cells[cell["column"] - 1] = text
            if not cells:
                continue
            if number > MAX_ROW_NUMBER:
                raise ValueError(f"row {number}")  # refused as damage: no spreadsheet has written it
            yield from ((blank, []) for blank in range(last + 1, number))
            yield number, cells
            last = number


def _check_package(file: Any, unpacked_bytes: int) -> None:
    with zipfile.ZipFile(file) as package:
        parts = package.infolist()
        if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > unpacked_bytes:
            raise UploadRejected(
                f"Het Excel-bestand is uitgepakt groter dan {unpacked_bytes // 1_000_000} MB. "
                "Splits de lijst of stuur een CSV-bestand."
            )
        for part in parts:
            if part.filename.startswith(("/", "\\")) or ".." in part.filename.split("/"):
                raise UploadRejected("Het Excel-bestand bevat een onderdeel met een ongeldig pad.")
            if part.filename.endswith((".xml", ".rels")):
                with package.open(part) as opened:
                    if b"<!DOCTYPE" in opened.read(1024):
                        raise UploadRejected("Het Excel-bestand bevat een DOCTYPE; dat wordt niet gelezen.")
    file.seek(0)
