"""What a dry run tells of an upload: plain values, to print or to write as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hydrants.reference.profile import Field

MAX_COUNTED = 10_000
"""So many different texts of a column, or values refused, are told apart; beyond it they are only counted."""


@dataclass(slots=True)
class ColumnReport:
    """What became of a column.

    Args:
        heading, place: the sender's own, and the column's number from 1.
        field: what it means.
        unit, crs: of its numbers where the cell says nothing else; None for other fields.
        texts: cells with text; parsed + refused of them.
        distinct: different texts, counted up to MAX_COUNTED.
        examples: some different texts, each with its value.
    """

    heading: str
    place: int
    field: Field
    unit: str | None
    crs: str | None
    texts: int = 0
    parsed: int = 0
    refused: int = 0
    distinct: int = 0
    examples: list[tuple[str, Any]] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class UnknownColumn:
    """A column that the profile neither uses nor ignores, and the heading it may be misspelt from."""

    heading: str
    nearest_heading: str | None
    nearest_field: Field | None


@dataclass(slots=True)
class SheetReport:
    """What a sheet is taken for.

    Args:
        heading_row: number of the row with the headings; None where the format declares them or none are.
        not_used_because: why it holds no inspections, in Dutch; None where it does.
        notice: what reading has to say of it, in Dutch.
        rows: with text and no headings.
    """

    name: str
    heading_row: int | None = None
    has_units_row: bool = False
    not_used_because: str | None = None
    notice: str | None = None
    rows: int = 0
    columns: list[ColumnReport] = dataclasses.field(default_factory=list)
    unknown_columns: list[UnknownColumn] = dataclasses.field(default_factory=list)
    ignored_columns: list[str] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class Example:
    """A value that was refused or remarked on: how often, and where first."""

    column: str | None
    value: str | None
    message: str
    suggestion: str | None
    count: int
    sheet: str
    row: int


@dataclass(slots=True)
class CodeReport:
    """Rows with a reason of one code; the most frequent values first."""

    code: str
    rows: int
    examples: list[Example]


@dataclass(slots=True)
class Report:
    """What the night would make of an upload.

    Args:
        rejected_because: why the whole file would be refused, in Dutch; the figures then go as far as it got.
        held_because: why its rows would wait until a person has looked, in Dutch.
        accepted, duplicates, refused: data rows; duplicates repeat an earlier row of this same file.
    """

    contractor: str
    nis: str
    format: str | None = None
    rejected_because: str | None = None
    held_because: str | None = None
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    notices: list[str] = dataclasses.field(default_factory=list)
    sheets: list[SheetReport] = dataclasses.field(default_factory=list)
    refusals: list[CodeReport] = dataclasses.field(default_factory=list)
    remarks: list[CodeReport] = dataclasses.field(default_factory=list)
