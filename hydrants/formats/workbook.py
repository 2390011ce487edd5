"""XLSX and XLSM: the values of typed cells as text; formulas and macros are never run."""

from __future__ import annotations

import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from hydrants.errors import UploadRejected
from hydrants.formats import archive, markup, worksheet
from hydrants.formats.grid import hidden_notice
from hydrants.formats.limits import Limits
from hydrants.formats.shared_strings import read_strings
from hydrants.formats.sheet import Cells, Sheet
from hydrants.formats.source import Source

# openpyxl loads numpy and Pillow where it finds them, for what it writes. A process that starts for one file
# does without: half the time and the memory of the import. A process that has numpy is left as it is.
_UNNEEDED = [] if "numpy" in sys.modules else [name for name in ("numpy", "PIL") if name not in sys.modules]
for _name in _UNNEEDED:
    sys.modules[_name] = None  # type: ignore[assignment]  # as if it were not installed
try:
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.utils.datetime import from_excel

    from hydrants.formats.number_formats import DateStyles, read_date_styles
finally:
    for _name in _UNNEEDED:
        del sys.modules[_name]

warnings.filterwarnings("ignore", module="openpyxl")  # of styles and extensions, which hold no values

_EXCEL_NL = "Het Excel-bestand"
_STRINGS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
_STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_STRICT = b"http://purl.oclc.org/ooxml/"
_HEAD_BYTES = 65_536

# openpyxl raises whatever it stumbles over when a part of the package is missing or malformed
_DAMAGE = (
    *archive.DAMAGE,
    ExpatError,
    ParseError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
)


def read(source: Source, _layer: str | None, limits: Limits) -> Iterator[Sheet]:
    """The sheets of a workbook; hidden ones come without rows and with a notice.

    Raises:
        UploadRejected: if the package is damaged, encrypted, or unpacks to more than is sensible.
    """
    with archive.opened(source, _EXCEL_NL, limits, archive.MAX_PARTS) as package:
        with _damage_refused():
            _refuse_doctypes(package)
            _refuse_strict(package)
            book = _Book(package)
            sheets = list(book.sheets())
            if not sheets:
                raise ValueError("a workbook has at least one sheet")
        for title, is_visible, part in sheets:
            if is_visible:
                yield Sheet(name=title, rows=book.rows(title, part))
            else:
                yield Sheet(name=title, rows=(), notice_nl=hidden_notice(title))


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise UploadRejected(
            f"{_EXCEL_NL} is beschadigd of niet volledig aangekomen. "
            "Open het in Excel, bewaar het opnieuw en stuur het nog eens."
        ) from error


class _Book:
    """The parts of a package, found by openpyxl; what is in its cells is streamed by `worksheet`.

    openpyxl's own reader of sheets keeps an element for every row and takes thrice the time.
    """

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self._reader = ExcelReader(package.fp, read_only=True, data_only=True, keep_links=False)
        self._reader.archive = package
        self._reader.read_manifest()
        self._reader.read_workbook()
        self._book = self._reader.wb
        self._styles = self._date_styles()
        self._strings = self._shared_strings()

    def _date_styles(self) -> DateStyles:
        declared = self._reader.package.find(_STYLES_TYPE)
        if declared is None:
            return DateStyles(frozenset(), frozenset())
        with self._package.open(declared.PartName[1:]) as stream:
            return read_date_styles(stream)

    def _shared_strings(self) -> list[str]:
        declared = self._reader.package.find(_STRINGS_TYPE)
        if declared is None:
            return []
        with self._package.open(declared.PartName[1:]) as stream:
            return read_strings(stream)

    def sheets(self) -> Iterator[tuple[str, bool, str]]:
        """Title, whether it is visible, and part of each sheet of cells; charts have none."""
        for sheet, relation in self._reader.parser.find_sheets():
            if relation.Type.endswith("/chartsheet"):
                continue
            self._package.getinfo(relation.target)
            yield sheet.name, sheet.state == "visible", relation.target

    def rows(self, title: str, part: str) -> Iterator[tuple[int, Cells]]:
        """The rows of a sheet."""
        book = self._book
        styles = self._styles

        def as_date(serial: int | float, style: str) -> object:
            return from_excel(serial, book.epoch, timedelta=style in styles.durations)

        with _damage_refused():
            with self._package.open(part) as stream:
                merges = worksheet.find_merges(stream)
            with self._package.open(part) as stream:
                yield from worksheet.read_rows(stream, title, self._strings, styles.dates, as_date, merges)


def _refuse_doctypes(package: zipfile.ZipFile) -> None:
    """In whatever part and encoding: before openpyxl hands it to a parser that would expand its entities."""
    for part in package.infolist():
        with package.open(part) as stream:
            doctype, _root = markup.prolog_of(stream)
        if doctype is not None:
            raise markup.doctype_refused(_EXCEL_NL)


def _refuse_strict(package: zipfile.ZipFile) -> None:
    """By the relations of the package: the namespaces of the strict variant are other ones throughout."""
    with package.open("_rels/.rels") as stream:
        if _STRICT in stream.read(_HEAD_BYTES):
            raise UploadRejected(
                f"{_EXCEL_NL} is bewaard als 'Strict Open XML'. Bewaar het als 'Excel-werkmap (.xlsx)', "
                "niet als 'Strict Open XML', en stuur het nog eens."
            )
