"""Which row holds the headings of a sheet, and what each column means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydrants.errors import UploadRejected
from hydrants.formats.cells import GEOMETRY_COLUMNS
from hydrants.reference.profile import Field, Profile
from hydrants.reference.words import fold

Cells = Sequence[str | None]

HEAD_ROWS = 30
"""Headings stand among this many first rows with text."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The headings of a sheet.

    Args:
        position: which of the sheet's stored rows holds them, from 0; None where the format declares them.
        width: number of columns; text beyond it has no heading.
        columns: for each field that has a column: its index and the sender's own heading.
        unknown: headings that the profile neither uses nor ignores.
        texts: all headings as they stand there.
    """

    position: int | None
    width: int
    columns: dict[Field, tuple[int, str]]
    unknown: list[str]
    texts: tuple[str | None, ...]

    def is_repeated_by(self, cells: Cells) -> bool:
        """Whether a row is the heading once more, as at the top of a printed page."""
        return tuple(cells) == self.texts


@dataclass(frozen=True, slots=True)
class NoHeading:
    """A sheet without usable headings, and why, in Dutch."""

    reason_nl: str


def find(head: Sequence[Cells], profile: Profile) -> Heading | NoHeading:
    """The heading among the first rows of a sheet: the row with most known headings, the first of equals.

    Raises:
        UploadRejected: if two columns mean the same, so that nobody can tell which one holds.
    """
    known = [sum(bool(text) and profile.fields.get(text) is not None for text in row if text) for row in head]
    if not known or max(known) < 2:
        return NoHeading("geen rij met kolomtitels gevonden")
    position = known.index(max(known))
    return _heading(position, head[position], {}, profile)


def declared(columns: Cells, profile: Profile) -> Heading | NoHeading:
    """The heading of a format that names its columns itself; its geometry is X and Y.

    Raises:
        UploadRejected: as `find`.
    """
    x_name, y_name = GEOMETRY_COLUMNS
    meanings: dict[str | None, Field] = {x_name: "x", y_name: "y"}
    geometry = {index: meanings[text] for index, text in enumerate(columns) if text in meanings}
    return _heading(None, columns, geometry, profile)


def _heading(
    position: int | None, cells: Cells, geometry: dict[int, Field], profile: Profile
) -> Heading | NoHeading:
    columns: dict[Field, tuple[int, str]] = {
        field: (index, cells[index] or "") for index, field in geometry.items()
    }
    unknown = []
    for index, text in enumerate(cells):
        if not text or index in geometry:
            continue
        field = profile.fields.get(text)
        if field is None or (geometry and field in ("x", "y")):
            if fold(text) not in profile.ignored_headings:
                unknown.append(text)
        elif field in columns:
            raise UploadRejected(
                f"De kolommen '{columns[field][1]}' (kolom {columns[field][0] + 1}) en '{text}' (kolom "
                f"{index + 1}) betekenen hetzelfde. Laat er één van weg en stuur het bestand opnieuw."
            )
        else:
            columns[field] = (index, text)
    missing = [profile.columns[field][0] for field in profile.required_columns if field not in columns]
    if missing:
        there = ", ".join(text for text in cells if text and text not in GEOMETRY_COLUMNS)
        plural = "kolommen" if len(missing) > 1 else "kolom"
        verb = "ontbreken" if len(missing) > 1 else "ontbreekt"
        names = ", ".join(f"'{name}'" for name in missing)
        return NoHeading(f"{plural} {names} {verb} (gevonden kolommen: {there})")
    return Heading(position, len(cells), columns, unknown, tuple(cells))
