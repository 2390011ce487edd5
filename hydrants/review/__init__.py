"""Rows that a person must decide: handed out as a workbook, decisions taken back.

Decisions are kept by the hash of the file, its sheet and the row number: they outrank
every score and hold after a re-run and in a rebuilt database; `undo` takes them back.
"""

from hydrants.review.decisions import KINDS, Said, active, decided_rows, revoke, said
from hydrants.review.hand_out import export
from hydrants.review.labels import labels, read_labels, write_labels
from hydrants.review.standing import listed, undo
from hydrants.review.take_back import Refused, ReviewCounts, import_

__all__ = [
    "KINDS",
    "Refused",
    "ReviewCounts",
    "Said",
    "active",
    "decided_rows",
    "export",
    "import_",
    "labels",
    "listed",
    "read_labels",
    "revoke",
    "said",
    "undo",
    "write_labels",
]
