"""One cell of an OpenDocument spreadsheet: its value, or the text that is seen in it."""

from __future__ import annotations

import re

from hydrants.formats.cells import UNCALCULATED
from hydrants.formats.sheet import as_text, iso_text

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
TABLE, _TEXT, _OFFICE = (f"{_NAMESPACE}{name}:1.0 " for name in ("table", "text", "office"))
"""Namespaces, as they stand before the names of elements and attributes."""

_PARAGRAPH, _SPACE, _TAB, _LINE_BREAK = (f"{_TEXT}{name}" for name in ("p", "s", "tab", "line-break"))
_VALUE_TYPE = f"{_OFFICE}value-type"
_NOT_SHOWN = re.compile(
    f"{re.escape(_NAMESPACE)}(?:drawing|office|table):|{re.escape(_TEXT)}(?:note|ruby-text)$"
)
_LAYOUT = re.compile("[\t\r\n]|  ")
_SPACES = re.compile("[ \t\r\n]+")
_MAX_SPACES = 1_000_000
_DURATION = re.compile(r"PT(\d+)H(\d+)M(\d+(?:[.,]\d+)?)S")
_VALUES = {
    "float": "value",
    "percentage": "value",
    "currency": "value",
    "date": "date-value",
    "time": "time-value",
    "boolean": "boolean-value",
}


def count(attributes: dict[str, str], what: str) -> int:
    """How often a row or a cell comes, or over how many rows it is merged; it says so only when not once.

    Raises:
        ValueError: if that is no number, or none.
    """
    number = int(attributes.get(f"{TABLE}number-{what}", "1"))
    if number < 1:
        raise ValueError(f"{what} {number}")
    return number


class OpenCell:
    """A cell while its elements pass by: its attributes, and the paragraphs that are seen in it."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self._attributes = attributes
        self._paragraphs: list[str] = []
        self._pieces: list[str] = []
        self._level = 0
        self._hidden_below = 0
        self._ends_with_space = True

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element within: a paragraph, something in it, or a comment or drawing that is no content."""
        self._level += 1
        if self._hidden_below:
            return
        if self._level == 1 and tag == _PARAGRAPH:
            self._pieces, self._ends_with_space = [], True
        elif self._level == 1 or _NOT_SHOWN.match(tag):
            self._hidden_below = self._level
        elif tag == _SPACE:
            count = int(attributes.get(f"{_TEXT}c", "1"))
            if count > _MAX_SPACES:
                raise ValueError(f"{count} spaces")
            self._put(" " * count)
        elif tag == _TAB:
            self._put("\t")
        elif tag == _LINE_BREAK:
            self._put("\n")

    def end(self) -> bool:
        """The end of an element within, or of the cell itself: then True."""
        if not self._level:
            return True
        if self._level == self._hidden_below:
            self._hidden_below = 0
        elif self._level == 1:
            self._paragraphs.append("".join(self._pieces))
        self._level -= 1
        return False

    def add(self, text: str) -> None:
        """Characters as they stand in the XML, where white space of any length is one space."""
        if not self._level or self._hidden_below:
            return
        if _LAYOUT.search(text):
            text = _SPACES.sub(" ", text)
        if self._ends_with_space:
            text = text.removeprefix(" ")
        if text:
            self._pieces.append(text)
            self._ends_with_space = text.endswith(" ")

    def _put(self, sign: str) -> None:
        self._pieces.append(sign)
        self._ends_with_space = False

    def times(self, what: str) -> int:
        """How many columns or rows the cell stands for."""
        return count(self._attributes, what)

    def text(self) -> str | None:
        """The value, and not how it is shown, where it has a type."""
        kind = self._attributes.get(_VALUE_TYPE)
        value = self._attributes.get(f"{_OFFICE}{_VALUES.get(kind or '', 'string-value')}")
        if not value:
            shown = "\n".join(self._paragraphs)
            is_uncalculated = not shown and kind is None and f"{TABLE}formula" in self._attributes
            return UNCALCULATED if is_uncalculated else shown or None
        match kind:
            case "float" | "percentage" | "currency":
                return as_text(float(value))
            case "date":
                return iso_text(value)
            case "time":
                return _duration_text(value)
            case _:
                return value


def _duration_text(value: str) -> str:
    """PT10H20M00S as 10:20:00."""
    found = _DURATION.fullmatch(value)
    if found is None:
        return value
    seconds, _, fraction = found[3].replace(",", ".").partition(".")
    text = f"{int(found[1]):02}:{int(found[2]):02}:{int(seconds):02}"
    return f"{text}.{fraction}" if fraction.strip("0") else text
