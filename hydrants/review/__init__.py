"""Rows that a person must decide: handed out as a workbook, decisions taken back.

Decisions are kept by the hash of the file, its sheet and the row number: they outrank
every score and hold after a re-run and in a rebuilt database; `undo` takes them back.
"""

from hydrants.review.decisions import active, in_force, revoke
from hydrants.review.hand_out import export
from hydrants.review.standing import decided_rows, labels, listed, undo
from hydrants.review.take_back import Refused, ReviewCounts, import_

__all__ = [
    "Refused",
    "ReviewCounts",
    "active",
    "decided_rows",
    "export",
    "import_",
    "in_force",
    "labels",
    "listed",
    "revoke",
    "undo",
]
