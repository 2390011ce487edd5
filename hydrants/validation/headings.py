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

_SHOWN_CHARACTERS, _SHOWN_TITLES = 40, 30
_BRACKETS = {")": "(", "]": "["}
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


def find(head: Sequence[Cells], profile: Profile, has_geometry: bool = False) -> Heading | NoHeading:
    """The heading among the first rows of a sheet: the row with most known headings, the first of equals.

    Args:
        has_geometry: the sheet is of a receipt of a format that has one: its last columns before
            the answer are the geometry, whatever the firm calls its own.

    Raises:
        UploadRejected: if two columns mean the same, so that nobody can tell which one holds.
    """
    known = [sum(bool(text) and _meaning(text, profile) is not None for text in row if text) for row in head]
    if not known or max(known) < 2:
        return NoHeading("geen rij met kolomtitels gevonden")
    position = known.index(max(known))
    geometry = _answered_geometry(head[position]) if has_geometry else {}
    found = _heading(position, head[position], geometry, profile)
    if isinstance(found, Heading) and position + 1 < len(head):
        return _with_units_below(found, head[position + 1], profile)
    return found


def declared(columns: Cells, profile: Profile) -> Heading | NoHeading:
    """The heading of a format that names its columns itself; its geometry is X and Y.

    Raises:
        UploadRejected: as `find`.
    """
    x_name, y_name = GEOMETRY_COLUMNS
    fields: dict[str | None, Field] = {x_name: "x", y_name: "y"}
    geometry = {
        index: (fields[text], Column(index, text or ""))
        for index, text in enumerate(columns)
        if text in fields
    }
    return _heading(None, columns, geometry, profile)


def _answered_geometry(cells: Cells) -> dict[int, tuple[Field, Column]]:
    """The two columns that a receipt adds for a geometry, "X (EPSG:4326)" and so on, before its answer."""
    end = answers_start(cells)
    if end is None or end < 2:
        return {}
    found: dict[int, tuple[Field, Column]] = {}
    names: tuple[tuple[Field, str], ...] = (("x", "X"), ("y", "Y"))
    for index, (field, name) in enumerate(names, start=end - 2):
        title, note = _bracketed(cells[index] or "")
        crs = _crs(note)
        if (title != name or crs is None) and cells[index] != name:
            return {}
        found[index] = field, Column(index, cells[index] or "", crs=crs)
    return found


def _heading(
    position: int | None, cells: Cells, geometry: dict[int, tuple[Field, Column]], profile: Profile
) -> Heading | NoHeading:
    columns: dict[Field, Column] = {}
    unknown = []
    answers_at = answers_start(cells)
    answers = range(0) if answers_at is None else range(answers_at, answers_at + len(ANSWER_COLUMNS))
    for index, text in enumerate(cells):
        if not text or index in answers:
            continue
        if index in geometry:
            field, found = geometry[index]
            columns[field] = found
            continue
        column = _meaning(text, profile)
        if column is None or (geometry and column[0] in ("x", "y", "geopoint")):
            if not profile.is_ignored(text):
                unknown.append(text)
            continue
        field, unit, crs = column
        if field in columns:
            other = columns[field]
            raise UploadRejected(
                f"De kolommen '{other.title}' (kolom {other.place + 1}) en '{text}' (kolom {index + 1}) "
                "betekenen hetzelfde. Laat er één van weg en stuur het bestand opnieuw."
            )
        columns[field] = Column(index, text, unit, crs)
    if {"x", "y"} <= columns.keys() and columns["x"].crs != columns["y"].crs:
        raise UploadRejected(
            f"De kolommen '{columns['x'].title}' en '{columns['y'].title}' noemen niet hetzelfde "
            "coördinatenstelsel. Verbeter de titels en stuur het bestand opnieuw."
        )
    missing = [profile.columns[field][0] for field in profile.required_columns if field not in columns]
    if missing:
        titles = [text[:_SHOWN_CHARACTERS] for text in cells if text and text not in GEOMETRY_COLUMNS]
        there = ", ".join(titles[:_SHOWN_TITLES] + ["..."] * (len(titles) > _SHOWN_TITLES))
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
    title, note = _bracketed(text.strip())
    field = profile.fields.get(title) if title and note else None
    if field is None and "/" in title:
        field = profile.fields.get(title.rsplit("/", 1)[1])
    if field is None:
        return None
    if field in ("x", "y") and (crs := _crs(note)):
        return field, None, crs
    if unit := units.unit_of(field, note):
        return field, unit, None
    return (field, None, None) if _is_unit_word(note, profile) else None


def _bracketed(text: str) -> tuple[str, str]:
    """A heading and what stands in brackets at its end; two empty texts where nothing does."""
    start = text.rfind(_BRACKETS.get(text[-1:], "\0"))
    return (text[:start].rstrip(), text[start + 1 : -1].strip()) if start > 0 else ("", "")


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
