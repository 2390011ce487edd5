"""What every format is read into: sheets of numbered rows of text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from hydrants.formats.cells import NUL_SIGN

Cells = list[str | None]

_LARGEST_EXACT = 10**15  # a spreadsheet keeps fifteen digits: longer whole numbers were rounded


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet or layer; its rows may be iterated once, while the file is open.

    Args:
        name: title of the sheet or layer; empty for formats without sheets.
        rows: (row number as the sender sees it, cells), blank rows included; an empty cell is None or "".
        columns: column names where the format declares them, else None.
        crs: coordinate system the file declares, such as EPSG:4326.
        notice_nl: what the sender should know, in Dutch.
    """

    name: str
    rows: Iterable[tuple[int, Cells]]
    columns: list[str] | None = None
    crs: str | None = None
    notice_nl: str | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that came with a list.

    Args:
        file_name: its name, without folders, as rows refer to it.
        jpeg: the picture anew, without position, camera or other metadata; None when it is refused.
        refused_because: why it is refused, in Dutch.
    """

    file_name: str
    jpeg: bytes | None
    refused_because: str | None = None


def as_text(value: object) -> str | None:
    """A typed cell as text; None when it is empty.

    Dates and times become ISO text, whole numbers lose their ".0", other numbers
    keep a "." and no exponent. Whole numbers too long for a spreadsheet to hold
    exactly are written as it shows them, "1.2E+15", so that nobody takes them for an id.
    """
    match value:
        case None | "":
            return None
        case str():
            return without_nul(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number_text(value)
        case datetime():
            is_day = value.time() == time() and value.tzinfo is None
            return value.date().isoformat() if is_day else value.isoformat()
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)


def iso_text(value: str) -> str | None:
    """A day or moment in ISO format as `as_text` writes it; other text as it is."""
    try:
        return as_text(datetime.fromisoformat(value))
    except ValueError:
        return as_text(value)


def without_nul(text: str) -> str:
    """The text with its NUL characters made visible."""
    return text.replace("\0", NUL_SIGN) if "\0" in text else text


def _number_text(value: int | float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if abs(value) >= _LARGEST_EXACT:
        mantissa, exponent = f"{Decimal(value):.14E}".split("E")  # a whole number can exceed every float
        return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0") if text != "-0.0" else "0"
