"""How a receipt answers an upload: the words that its writer and the reader of a corrected one share."""

from __future__ import annotations

from collections.abc import Sequence

ANSWER_COLUMNS = ("status", "reden", "voorstel")
"""Headings of the columns that a receipt adds at the right of the sender's own, in this order.

A corrected receipt that comes back still has them: where the three stand side by side, they are
our own words and say nothing of a hydrant.
"""

SUMMARY_SHEET = "Ontvangstbewijs"
"""Name of the first sheet of a receipt, with the figures; no inspections stand on it."""


def answers_start(headings: Sequence[str | None]) -> int | None:
    """Index of the first of the three answer columns, where they stand side by side; None without them.

    A firm may well have a column "Status" of its own, so one of the words alone says nothing.
    """
    width = len(ANSWER_COLUMNS)
    for start in range(len(headings) - width, -1, -1):
        if tuple(headings[start : start + width]) == ANSWER_COLUMNS:
            return start
    return None
