"""How a template looks."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Any

import xlsxwriter

_BLUE, _ORANGE, _WHITE, _MUTED = "#123C5A", "#B4521E", "#FFFFFF", "#51606D"
_BORDER = "#D5DDE3"
_COMMENT_WIDTH_PX, _COMMENT_LINE_PX, _COMMENT_CHARACTERS = 280, 17, 40


class Styles:
    """The formats of one workbook."""

    required_color = _ORANGE

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self.title = self._new(bold=True, font_size=18, font_color=_BLUE)
        self.section = self._new(bold=True, font_size=13, font_color=_BLUE, bottom=2, bottom_color=_BLUE)
        self.table_heading = self._new(bold=True, bg_color="#DCE6ED", border=1, border_color=_BORDER)
        self.table = self._new(text_wrap=True, border=1, border_color=_BORDER)
        self.table_strong = self._new(text_wrap=True, border=1, border_color=_BORDER, bold=True)
        self.text = self._new()
        self.paragraph = self._new(text_wrap=True)
        self.note = self._new(text_wrap=True, italic=True, font_color=_MUTED)
        self._headings = {
            is_required: self._new(
                bold=True,
                bg_color=_ORANGE if is_required else _BLUE,
                font_color=_WHITE,
                text_wrap=True,
                valign="vcenter",
                border=1,
                border_color=_BORDER,
            )
            for is_required in (True, False)
        }
        self.cell = lru_cache(None)(self._cell)

    def heading(self, is_required: bool) -> Any:
        """Of a column of the list."""
        return self._headings[is_required]

    def comment(self, text: str) -> dict[str, Any]:
        """Size and author of the comment on a heading, such that all of it shows."""
        lines = sum(ceil(max(len(line), 1) / _COMMENT_CHARACTERS) for line in text.split("\n"))
        return {
            "author": "Uitleg",
            "font_size": 9,
            "width": _COMMENT_WIDTH_PX,
            "height": (lines + 1) * _COMMENT_LINE_PX,
        }

    def _cell(self, number_format: str) -> Any:
        aligned = {"align": "right", "indent": 1} if number_format[:1] in "0G" else {"align": "left"}
        return self._workbook.add_format({"num_format": number_format, "valign": "top", **aligned})

    def _new(self, **properties: Any) -> Any:
        return self._workbook.add_format({"valign": "top", "num_format": "@", **properties})
