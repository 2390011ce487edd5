"""Which row holds the headings of a sheet, and what each column means and is measured in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hydrants.errors import UploadRejected
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.reference import units
from hydrants.reference.answers import ANSWER_COLUMNS, answers_start
from hydrants.reference.profile import Field, Profile
from hydrants.reference.words import fold

Cells = Sequence[str | None]

HEAD_ROWS = 30
"""Headings stand among this many first rows with text."""

_BRACKETED = re.compile(r"(.*\S)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")
_MAX_HEADING_CHARACTERS = 200
_CRS = re.compile(r"EPSG:\s*([0-9]{4,6})", re.IGNORECASE)
_CRS_BY_NAME = {"wgs84": "EPSG:4326", "lambert72": "EPSG:31370", "lambert2008": "EPSG:3812"}


class Column(NamedTuple):
    """Where a field stands: its place from 0, the sender's own heading, and the unit or CRS that it names."""

    place: int
    title: str
    unit: str | None = None
    crs: str | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The headings of a sheet.

    Args:
        position: which of the sheet's stored rows holds them, from 0; None where the format declares them.
        width: number of columns; text beyond it has no heading.
        columns: for each field that has a column, that column.
        unknown: headings that the profile neither uses nor ignores.
        texts: all headings as they stand there.
        has_units_below: the next row holds units, and no inspection.
        answers_at: where the columns of a receipt begin, if it is one that was sent back.
    """

    position: int | None
    width: int
    columns: dict[Field, Column]
    unknown: list[str]
    texts: list[str | None]
    has_units_below: bool = False
    answers_at: int | None = None

    @property
    def first_data_position(self) -> int:
        """Which of the sheet's stored rows is the first below the headings."""
        return 0 if self.position is None else self.position + 1 + self.has_units_below


@dataclass(frozen=True, slots=True)
class NoHeading:
    """A sheet without usable headings, and why, in Dutch."""

    reason_nl: str


def find(head: Sequence[Cells], profile: Profile) -> Heading | NoHeading:
    """The heading among the first rows of a sheet: the row with most known headings, the first of equals.

    Raises:
        UploadRejected: if two columns mean the same, so that nobody can tell which one holds.
    """
    known = [sum(bool(text) and _meaning(text, profile) is not None for text in row if text) for row in head]
    if not known or max(known) < 2:
        return NoHeading("geen rij met kolomtitels gevonden")
    position = known.index(max(known))
    found = _heading(position, head[position], set(), profile)
    if isinstance(found, Heading) and position + 1 < len(head):
        return _with_units_below(found, head[position + 1], profile)
    return found


def declared(columns: Cells, profile: Profile) -> Heading | NoHeading:
    """The heading of a format that names its columns itself; its geometry is X and Y.

    Raises:
        UploadRejected: as `find`.
    """
    geometry = {index for index, text in enumerate(columns) if text in GEOMETRY_COLUMNS}
    return _heading(None, columns, geometry, profile)


def _heading(position: int | None, cells: Cells, geometry: set[int], profile: Profile) -> Heading | NoHeading:
    columns: dict[Field, Column] = {}
    unknown = []
    answers_at = answers_start(cells)
    answers = range(0) if answers_at is None else range(answers_at, answers_at + len(ANSWER_COLUMNS))
    for index, text in enumerate(cells):
        if not text or index in answers:
            continue
        if index in geometry:
            columns["x" if text == GEOMETRY_COLUMNS[0] else "y"] = Column(index, text)
            continue
        column = _meaning(text, profile)
        if column is None or (geometry and column[0] in ("x", "y", "geopoint")):
            if not profile.is_ignored(text):
                unknown.append(text)
            continue
        field, unit, crs = column
        if field in columns:
            other = columns[field]
            if bool(other.crs) != bool(crs):  # a receipt names the geometry's CRS, beside the sender's own X
                unknown.append(text if other.crs else other.title)
                columns[field] = other if other.crs else Column(index, text, unit, crs)
                continue
            raise UploadRejected(
                f"De kolommen '{other.title}' (kolom {other.place + 1}) en '{text}' (kolom {index + 1}) "
                "betekenen hetzelfde. Laat er één van weg en stuur het bestand opnieuw."
            )
        columns[field] = Column(index, text, unit, crs)
    missing = [profile.columns[field][0] for field in profile.required_columns if field not in columns]
    if missing:
        there = ", ".join(text for text in cells if text and text not in GEOMETRY_COLUMNS)
        plural = "kolommen" if len(missing) > 1 else "kolom"
        verb = "ontbreken" if len(missing) > 1 else "ontbreekt"
        names = ", ".join(f"'{name}'" for name in missing)
        return NoHeading(f"{plural} {names} {verb} (gevonden kolommen: {there})")
    return Heading(position, len(cells), columns, unknown, list(cells), answers_at=answers_at)


def _meaning(text: str, profile: Profile) -> tuple[Field, str | None, str | None] | None:
    """Field, unit and CRS of a heading such as "Debiet (m3/h)", "X [EPSG:4326]" or "controle/datum"."""
    field = profile.fields.get(text)
    if field is None and "/" in text:  # phone forms put the name of a group of questions in front
        field = profile.fields.get(text.rsplit("/", 1)[1])
    if field is not None:
        return field, None, None
    bracketed = _BRACKETED.fullmatch(text.strip()) if len(text) <= _MAX_HEADING_CHARACTERS else None
    base = _meaning(bracketed[1], profile) if bracketed else None
    if bracketed is None or base is None or base[1:] != (None, None):
        return None
    field, note = base[0], bracketed[2]
    if field in ("x", "y") and (crs := _crs(note)):
        return field, None, crs
    if unit := units.unit_of(field, note):
        return field, unit, None
    return base if _is_unit_word(note, profile) else None


def _crs(note: str) -> str | None:
    code = _CRS.fullmatch(note)
    return f"EPSG:{code[1]}" if code else _CRS_BY_NAME.get(fold(note))


def _is_unit_word(text: str, profile: Profile) -> bool:
    return fold(text) in map(fold, profile.unit_words)


def _with_units_below(heading: Heading, cells: Cells, profile: Profile) -> Heading:
    """The heading with the units of the row below it, if that row holds nothing else."""
    field_at = {column.place: field for field, column in heading.columns.items()}
    found: dict[Field, str] = {}
    for index, text in enumerate(cells):
        if not text or text.isspace():
            continue
        field = field_at.get(index)
        unit = units.unit_of(field, text) if field else None
        if field and unit:
            found[field] = unit
        elif not _is_unit_word(text, profile):
            return heading
    columns = {
        field: column._replace(unit=found.get(field, column.unit))
        for field, column in heading.columns.items()
    }
    return replace(heading, columns=columns, has_units_below=True)
