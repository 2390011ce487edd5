"""How a receipt answers an upload: the words that its writer and the reader of a corrected one share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

ANSWER_COLUMNS = ("status", "reden", "voorstel")
"""Headings of the columns that a receipt adds at the right of the sender's own, in this order.

A corrected receipt that comes back still has them: where the three stand side by side, they are
our own words and say nothing of a hydrant.
"""

SUMMARY_SHEET = "Ontvangstbewijs"
"""Name of the first sheet of a receipt, with the figures; no inspections stand on it."""

FORMAT_LABEL = "formaat"
"""On SUMMARY_SHEET, before what people call the format of the answered file, and the format itself."""


def answered_format(summary: Iterable[Sequence[str | None]]) -> str | None:
    """The format, such as csv, of the file that a receipt answers; None where the receipt does not say it.

    "34.567" is a whole number in a CSV with decimal commas, and not in a workbook: rows mean what they
    meant in the file that they come from.

    Args:
        summary: the rows of SUMMARY_SHEET, as texts.
    """
    return next((row[2] for row in summary if len(row) > 2 and row[0] == FORMAT_LABEL), None)


def answers_start(headings: Sequence[str | None]) -> int | None:
    """Index of the first of the three answer columns, where they stand side by side; None without them.

    A firm may well have a column "Status" of its own, so one of the words alone says nothing.
    """
    width = len(ANSWER_COLUMNS)
    for start in range(len(headings) - width, -1, -1):
        if tuple(headings[start : start + width]) == ANSWER_COLUMNS:
            return start
    return None
