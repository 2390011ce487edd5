"""What a hydrant is said to be in files for programs: the same names and values in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

FIELDS = {
    "brandkraan": "hydrant_id",
    "waterbedrijf": "operator_nl",
    "uitvoerder": "contractor_nl",
    "toestand": "status_nl",
    "bevinding": "finding_nl",
    "opmerking": "remark_nl",
    "gecontroleerd_op": "inspected_on",
    "geprobeerd_op": "tried_on",
    "straat": "street_names",
    "type": "type_nl",
    "diameter_mm": "diameter_mm",
}
"""Name in the file -> column of `content.hydrants`."""

SOURCE = {"bronbestand": "file", "blad": "sheet", "rij": "row_number"}
"""Where the deciding row is: the same."""


def plain(rows: pd.DataFrame, columns: Iterable[str]) -> list[list[Any]]:
    """The values of each column as JSON has them: days as ISO texts, None where nothing is said."""
    return [
        [value and value.isoformat() for value in rows[column]]
        if column.endswith("_on")
        else rows[column].tolist()
        for column in columns
    ]


def named(rows: pd.DataFrame, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """One mapping per row: name in the file -> value."""
    return [
        dict(zip(fields, values, strict=True)) for values in zip(*plain(rows, fields.values()), strict=True)
    ]
