"""The sheets of one upload: which hold inspections, and which of their rows are headings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hydrants.errors import UploadRejected
from hydrants.reference.answers import SUMMARY_SHEET
from hydrants.reference.own_sheets import GUIDE_SHEET, WORDS_SHEET
from hydrants.reference.profile import Family, Profile
from hydrants.reference.words import fold
from hydrants.validation import headings
from hydrants.validation.headings import Cells, Heading, NoHeading
from hydrants.validation.reasons import NO_TABLE, Reason
from hydrants.validation.rows import Parsed, SheetParser, UploadFacts

_FAMILIES: dict[str, Family] = {"csv": "csv", "xlsx": "workbook", "xls": "workbook", "ods": "workbook"}
_FAMILY_NAMES: dict[Family, str] = {
    "csv": "CSV",
    "workbook": "Excel of ODS",
    "vector": "GeoPackage, GeoJSON, shapefile of KML",
}


def family(file_format: str) -> Family:
    """The family of a `raw_sheet.format`; every format with a geometry of its own is `vector`."""
    return _FAMILIES.get(file_format, "vector")


def check_agreed(profile: Profile, file_format: str) -> None:
    """Refuse a file in a family of formats that the firm's profile says nothing about.

    Raises:
        UploadRejected: naming what is agreed.
    """
    if family(file_format) not in profile.formats:
        agreed = ", ".join(_FAMILY_NAMES[family] for family in profile.formats)
        raise UploadRejected(f"Dit bestandsformaat is met {profile.name} niet afgesproken. Stuur: {agreed}.")


class Sorted(NamedTuple):
    """Rows of a sheet and what became of them; `is_heading` says of each whether it is no data."""

    is_heading: list[bool]
    refused: dict[int, list[Reason]]
    parsed: Parsed | None


class SheetSorter:
    """Sorts the rows of one sheet into headings, accepted and refused, in order and some thousands at a time.

    Args:
        name: of the sheet.
        columns: column names where the format declares them.
        head: its first rows with text, `headings.HEAD_ROWS` of them.

    Raises:
        UploadRejected: if two columns mean the same.
    """

    def __init__(
        self, profile: Profile, facts: UploadFacts, name: str, columns: Cells | None, head: Sequence[Cells]
    ) -> None:
        self.name = name
        self.has_rows = bool(head)
        self.is_answer = name == SUMMARY_SHEET
        self.is_ignored = self.is_answer or fold(name) in set(map(fold, profile.ignored_sheets))
        self.heading: Heading | NoHeading = NoHeading("blad wordt overgeslagen")
        if columns is not None:
            self.heading = headings.declared(columns, profile)
        elif not self.is_ignored:
            has_geometry = facts.is_answer and facts.family == "vector"
            self.heading = headings.find(head, profile, has_geometry)
            # those of our templates, unless the firm has inspections on a sheet of that name
            self.is_ignored = name in (GUIDE_SHEET, WORDS_SHEET) and isinstance(self.heading, NoHeading)
        self._seen = 0
        if isinstance(self.heading, Heading):
            self._parser = SheetParser(profile, self.heading, facts)

    @property
    def is_table(self) -> bool:
        """Whether it is a sheet of inspections."""
        return isinstance(self.heading, Heading)

    @property
    def untitled(self) -> list[int]:
        """Columns without heading that held text so far, from 0."""
        return sorted(self._parser.untitled) if self.is_table and not self.is_ignored else []

    def sort(self, rows: Sequence[Cells]) -> Sorted:
        """What became of the next rows."""
        if self.is_ignored:
            return Sorted([True] * len(rows), {}, None)
        if isinstance(self.heading, NoHeading):
            reason: list[Reason] = [NO_TABLE.reason()]  # the file's notice says what the sheet lacks
            return Sorted([False] * len(rows), dict.fromkeys(range(len(rows)), reason), None)
        first, self._seen = self._seen, self._seen + len(rows)
        is_heading = self._headings(rows, first, self.heading)
        parsed = self._parser.parse(
            [[] if no_data else cells for cells, no_data in zip(rows, is_heading, strict=True)]
        )
        for position, is_one in enumerate(is_heading):
            if is_one:
                parsed.refused.pop(position, None)
        return Sorted(is_heading, parsed.refused, parsed)

    def _headings(self, rows: Sequence[Cells], first: int, heading: Heading) -> list[bool]:
        """Titles above the headings, the headings, units right below them, headings once more."""
        if heading.position is None:
            return [False] * len(rows)
        is_heading = [cells == heading.texts for cells in rows]
        for position in range(max(0, heading.first_data_position - first)):
            if position < len(rows):
                is_above = first + position < heading.position
                # a sheet that was sorted can have inspections above its headings too
                is_heading[position] = not (is_above and self._parser.is_dated_outcome(rows[position]))
        return is_heading


def tables(sheets: dict[int, SheetSorter]) -> None:
    """Refuse an upload of which no sheet with rows holds inspections.

    Raises:
        UploadRejected: saying what the first such sheet lacks.
    """
    filled = [sheet for sheet in sheets.values() if sheet.has_rows and not sheet.is_ignored]
    problems = [sheet.heading for sheet in filled if isinstance(sheet.heading, NoHeading)]
    if problems and len(problems) == len(filled):
        reason = problems[0].reason_nl
        raise UploadRejected(
            f"{reason[0].upper()}{reason[1:]}. Gebruik de afgesproken kolomtitels en stuur het bestand "
            "opnieuw."
        )


def notices(sheets: dict[int, SheetSorter]) -> list[str]:
    """What the sender should know of the sheets, in Dutch."""
    found = []
    for sheet in sheets.values():
        if sheet.is_answer:
            found.append(f"Blad '{sheet.name}' is ons antwoord op een vorige zending; het is niet gelezen.")
        elif sheet.has_rows and not sheet.is_ignored and isinstance(sheet.heading, NoHeading):
            found.append(f"Blad '{sheet.name}' is niet gebruikt: {sheet.heading.reason_nl}.")
        if sheet.untitled:
            numbers = ", ".join(str(index + 1) for index in sheet.untitled)
            found.append(f"Kolom {numbers} heeft geen titel; de tekst eronder is niet gebruikt.")
    return found


def unknown_columns(sheets: dict[int, SheetSorter]) -> list[str]:
    """Headings that nobody knows, each once, in order."""
    return list(
        dict.fromkeys(
            name
            for sheet in sheets.values()
            if sheet.has_rows and isinstance(sheet.heading, Heading)
            for name in sheet.heading.unknown
        )
    )
