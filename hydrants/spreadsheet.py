"""Workbooks that are safe to open: any text at all becomes a cell that says just that text."""

from __future__ import annotations

from datetime import date, datetime, time
from html import escape
from typing import Any

MAX_CELL_CHARACTERS = 32_767
"""Of Excel; counted in UTF-16, in which an emoji is two."""

OPTIONS = {
    "strings_to_formulas": False,  # a text that starts with = stays a text
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,  # a million rows can be more than 4 GB before they are packed
}
"""Of every workbook."""

STREAMED = {**OPTIONS, "constant_memory": True}
"""Of a workbook that is written row by row, in order."""


_LIVE = ("=", "+", "-", "@", "\t", "\r")
_GUARD = "'"


def guarded(value: object) -> object:
    """A value for a CSV file that no spreadsheet takes for a formula; `unguarded` gives the text back."""
    return f"{_GUARD}{value}" if isinstance(value, str) and value.startswith((*_LIVE, _GUARD)) else value


def unguarded(text: str) -> str:
    """A text as it was before `guarded`; one that was never guarded stays as it is, but for "'=..."."""
    return text[1:] if text[:1] == _GUARD and text[1:].startswith((*_LIVE, _GUARD)) else text


def put(sheet: Any, row: int, column: int, value: str | float | date | None, style: Any = None) -> None:
    """Write a value as what it is: nothing, a day, a text that stays one, or a number."""
    if value is None:
        sheet.write_blank(row, column, None, style)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, datetime.combine(value, time.min), style)
    elif isinstance(value, str):
        write_text(sheet, row, column, value, style)
    else:
        sheet.write_number(row, column, value, style)


def write_text(sheet: Any, row: int, column: int, text: str | None, style: Any = None) -> None:
    """Write a text that its reader gets back as it is, whatever it holds; a longer one is cut, visibly."""
    if not text:
        sheet.write_blank(row, column, None, style)
        return
    text = fitted(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        text = _unmarked(text)
    sheet.write_string(row, column, text, style)


def fitted(text: str) -> str:
    """A text as it goes into a cell: one that is longer than Excel allows is cut, and says so."""
    if len(text) <= MAX_CELL_CHARACTERS // 2 or cut(text, MAX_CELL_CHARACTERS) == text:
        return text
    note = f" … [afgekapt: de cel telt {len(text)} tekens]"
    return cut(text, MAX_CELL_CHARACTERS - len(note)) + note


def _unmarked(text: str) -> str:
    """A text that XlsxWriter would take for markup of its own, and write as it is, as markup that says it."""
    markup = f'<r><t xml:space="preserve">{escape(text, quote=False)}</t></r>'
    return markup if len(markup) <= MAX_CELL_CHARACTERS else f" {text}"


def cut(text: str, characters: int) -> str:
    """The start of a text that is as long as Excel allows; it counts in UTF-16, and an emoji for two."""
    return text.encode("utf-16-le")[: 2 * characters].decode("utf-16-le", errors="ignore")
