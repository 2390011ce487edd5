"""The hydrants of a gemeente as CSV, as Excel in Flanders opens it by a double click.

Semicolons, a decimal comma, days as 31/12/2019, UTF-8 that says so in its first bytes. A text that a
spreadsheet would take for a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from hydrants.publishing import labels
from hydrants.publishing.downloads.fields import FIELDS, SOURCE
from hydrants.spreadsheet import guarded

_PLACE = {"x_lambert72": "x_l72", "y_lambert72": "y_l72", "lengtegraad": "lon", "breedtegraad": "lat"}
_COLUMNS = {**FIELDS, **_PLACE, **SOURCE}


def write(path: Path, hydrants: pd.DataFrame) -> None:
    """Write a gemeente's hydrants, as `content.hydrants` gives them, one per line."""
    columns = [list(map(_as_text(field), hydrants[field])) for field in _COLUMNS.values()]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(_COLUMNS)
        writer.writerows(zip(*columns, strict=True))


def _as_text(field: str) -> Callable[[Any], Any]:
    """How the values of a column are written; the writer itself leaves None empty."""
    if field.endswith("_on"):
        return lambda day: day and labels.short_day(day)
    if field in _PLACE.values():
        return lambda number: repr(number).replace(".", ",")
    return guarded
