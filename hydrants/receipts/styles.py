"""How a receipt looks."""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

import xlsxwriter

from hydrants.receipts.rows import Kind

_FILLS: dict[Kind, tuple[str, str] | None] = {  # of the row, and of the cell that its reasons name
    Kind.REFUSED: ("#FDEBE8", "#F2A69A"),
    Kind.HELD: ("#E4EFF8", "#E4EFF8"),
    Kind.REMARKED: ("#FFF8DF", "#FBDF84"),
    Kind.DUPLICATE: ("#EEF1F3", "#EEF1F3"),
    Kind.ACCEPTED: None,
    Kind.SUM: ("#EEF1F3", "#EEF1F3"),
}
_BLUE, _WHITE, _MUTED = "#123C5A", "#FFFFFF", "#51606D"
_BORDER = "#D5DDE3"
_LINE_PT, _MAX_HEIGHT_PT = 15.0, 405.0
_CHARACTERS_PER_WIDTH = 1.1  # widths are counted in digits, and most letters are narrower


class RowStyle(NamedTuple):
    """Formats of a row: its cells, the cells that its reasons name, its status, its reasons."""

    cell: Any
    named: Any
    status: Any
    reason: Any
    is_filled: bool


class Styles:
    """The formats of one workbook."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self.heading = self._new(
            bold=True, bg_color=_BLUE, font_color=_WHITE, text_wrap=True, border=1, border_color=_BORDER
        )
        self.answer_heading = self._new(
            bold=True, bg_color="#2F6B94", font_color=_WHITE, text_wrap=True, border=1, border_color=_BORDER
        )
        self.units = self._new(italic=True, bg_color="#DCE6ED", font_color=_MUTED)
        self.text = self._new()
        self.title = self._new(bold=True, font_size=18, font_color=_BLUE)
        self.section = self._new(bold=True, font_size=13, font_color=_BLUE, bottom=2, bottom_color=_BLUE)
        self.label = self._new(font_color=_MUTED)
        self.value = self._new(text_wrap=True)
        self.number = self._new(num_format="#,##0", align="left")
        self.total = self._new(num_format="#,##0", align="left", bold=True, top=1)
        self.total_label = self._new(bold=True, top=1)
        self.rows = {kind: self._row(kind) for kind in Kind}

    def banner(self, kind: Kind) -> tuple[Any, Any]:
        """Formats of the block that says what is the matter: its word, and its text."""
        ground, strong = _FILLS[kind] or ("#E3F2EC", "#A9D8C6")
        return (
            self._new(bold=True, font_size=13, bg_color=strong, text_wrap=True, align="left", indent=1),
            self._new(bg_color=ground, text_wrap=True, align="left", indent=1),
        )

    def _row(self, kind: Kind) -> RowStyle:
        fills = _FILLS[kind]
        if fills is None:
            status, reason = self._new(font_color="#00664B"), self._new(text_wrap=True)
            return RowStyle(self.text, self.text, status, reason, is_filled=False)
        ground, strong = fills
        around: dict[str, Any] = {"bg_color": ground, "border": 1, "border_color": _BORDER}
        return RowStyle(
            cell=self._new(**around),
            named=self._new(bg_color=strong, border=1, border_color=_BORDER, bold=strong != ground),
            status=self._new(bold=True, text_wrap=True, **around),
            reason=self._new(text_wrap=True, **around),
            is_filled=True,
        )

    def _new(self, **properties: Any) -> Any:
        # '@': what is typed over a text stays a text, so that 03/04 does not become a date in April or March
        return self._workbook.add_format({"num_format": "@", "valign": "top", **properties})


def height_pt(*wrapped: tuple[str | None, int]) -> float:
    """Height of a row that shows texts in cells so many characters wide; not every program finds it out."""
    lines = max(_lines(text, width) for text, width in wrapped)
    return min(lines * _LINE_PT, _MAX_HEIGHT_PT)


def _lines(text: str | None, width: int) -> int:
    characters = width * _CHARACTERS_PER_WIDTH
    return sum(max(1, ceil(len(line) / characters)) for line in (text or "").split("\n"))
