"""What spreadsheets of every make share: how far they reach, and cells merged over several rows."""

from __future__ import annotations

from hydrants.errors import UploadRejected
from hydrants.formats.limits import MAX_COLUMNS
from hydrants.formats.sheet import Cells

MAX_ROW_NUMBER = 1_048_576
"""Of a worksheet, by the definition of its formats."""

MAX_MERGES = 100_000
"""Of one sheet: more than one per ten rows of the longest list."""


def too_wide(sheet: str, number: int, column: int) -> UploadRejected:
    """The refusal of a sheet with something in a column that no list has."""
    return UploadRejected(
        f"Blad '{sheet}', rij {number}: er staat iets in kolom {column}; "
        f"een lijst heeft hoogstens {MAX_COLUMNS} kolommen. Wis die cel."
    )


def hidden_notice(sheet: str) -> str:
    """What the sender is told of a sheet that nobody sees."""
    return f"Het verborgen blad '{sheet}' is overgeslagen."


class Merges:
    """Cells merged over rows: what is in the first counts in its own column of the others too.

    Rows without any text of their own stay blank: they are the white of a title, not rows of a list.
    """

    def __init__(self) -> None:
        self._starting: dict[int, list[tuple[int, int]]] = {}
        self._running: dict[int, tuple[int, str]] = {}
        self._count = 0

    def add(self, first_row: int, last_row: int, column: int) -> None:
        """Declare a merge; its first row was not filled yet.

        Raises:
            UploadRejected: if a sheet has more than any list has.
        """
        if last_row <= first_row or column > MAX_COLUMNS:
            return
        self._count += 1
        if self._count > MAX_MERGES:
            raise UploadRejected(
                f"Een blad heeft meer dan {MAX_MERGES} samengevoegde cellen. Hef de samenvoeging op."
            )
        self._starting.setdefault(first_row, []).append((column, last_row))

    def fill(self, number: int, cells: Cells) -> None:
        """Fill the merged cells of a row; rows come in order.

        Args:
            cells: of a row that holds some text; changed in place.
        """
        if self._running:
            for column, (last_row, text) in list(self._running.items()):
                if number > last_row:
                    del self._running[column]
                    continue
                cells.extend([None] * (column - len(cells)))
                cells[column - 1] = cells[column - 1] or text
        for column, last_row in self._starting.pop(number, ()):
            text_here = cells[column - 1] if column <= len(cells) else None
            if text_here:
                self._running[column] = last_row, text_here
