"""The sheet of a template that explains it, in Dutch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

from hydrants.reference.answers import SUMMARY_SHEET
from hydrants.reference.own_sheets import LIST_SHEET
from hydrants.reference.profile import Field, Profile, defects
from hydrants.template.columns import Column, gemeenten
from hydrants.template.styles import Styles

_WIDTHS = (24, 30, 70, 28)
_LINE_PT = 15.0
_CHARACTERS_PER_WIDTH = 1.1  # widths are counted in digits, and most letters are narrower
_PLACES: tuple[Field, ...] = ("hydrant_ref", "address", "x", "y", "geopoint")
_MEANINGS: dict[str, str] = {
    "ok": "De brandkraan werkt.",
    "failed": "De brandkraan werkt niet.",
    "not_found": "Ze is niet gevonden; dat telt als niet in orde.",
    "not_testable": "Ze kon niet getest worden, bijvoorbeeld door een auto; ze blijft te controleren.",
    "repaired": "Ze is hersteld; ze is pas weer in orde na een nieuwe controle.",
    "aboveground": "Bovengronds.",
    "underground": "Ondergronds, in een straatpot.",
    "rising_point": "Standpijp.",
    "wall_mounted": "In een muur.",
    "True": "Ja.",
    "False": "Nee.",
    "valid": "De rij geldt.",
    "withdrawn": "De rij is ingetrokken en telt niet meer mee.",
}


def write(sheet: Any, styles: Styles, profile: Profile, found: Sequence[Column]) -> None:
    """Write the sheet.

    Args:
        found: the columns of the list.
    """
    for index, width in enumerate(_WIDTHS):
        sheet.set_column(index, index, width)
    sheet.hide_gridlines(2)
    sheet.set_paper(9)  # A4
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    lines = _Lines(sheet, styles)
    lines.title(f"Controlelijst brandkranen - {profile.name}")
    _steps(lines, found)
    _columns(lines, found)
    _words(lines, profile, found)
    _defects(lines, profile, found)
    lines.section("In welke map")
    folders = ((row.name_nl, f"{profile.contractor}/{row.nis}") for row in gemeenten(profile.contractor))
    lines.table(("Gemeente", "Map"), folders)


def _steps(lines: _Lines, found: Sequence[Column]) -> None:
    headings = {column.field: column.heading for column in found}
    required = " of ".join(f"'{column.heading}'" for column in found if column.is_required)
    places = ", ".join(
        f"'{headings['x']}' en '{headings['y']}'" if field == "x" else f"'{headings[field]}'"
        for field in _PLACES
        if field in headings and field != "y"
    )
    steps = [
        f"Vul op het blad '{LIST_SHEET}' voor elke gecontroleerde brandkraan één rij in. Laat de titels "
        "staan.",
        f"Oranje titels zijn verplicht: zonder {required} wordt de rij geweigerd.",
        f"Vul op elke rij ook in waar de brandkraan staat: {places}. Hoe meer, hoe zekerder.",
        "Waar een pijltje verschijnt, kiest u uit een lijst. Wijs een titel aan en u leest wat er moet "
        "staan.",
        "Bewaar het bestand als Excel (.xlsx) en plaats het in de map van de gemeente: zie onderaan.",
        f"U krijgt een antwoord met een blad '{SUMMARY_SHEET}': welke rijen geweigerd zijn, waarom, en wat u "
        "kunt doen. Verbeter ze daar en stuur dat bestand terug.",
    ]
    for number, step in enumerate(steps, start=1):
        lines.paragraph(f"{number}. {step}")


def _columns(lines: _Lines, found: Sequence[Column]) -> None:
    lines.section("Wat in elke kolom staat")
    has_choice = sum(column.field in _PLACES for column in found) > 1
    lines.table(
        ("Kolom", "Invullen", "Wat", "Bijvoorbeeld"),
        (
            (
                column.heading,
                "verplicht"
                if column.is_required
                else "minstens één van deze"
                if has_choice and column.field in _PLACES
                else "als het bekend is",
                column.what,
                column.example,
            )
            for column in found
        ),
    )


def _words(lines: _Lines, profile: Profile, found: Sequence[Column]) -> None:
    """What each choice means, and the other words that are understood."""
    lookups: dict[Field, dict[Any, list[str]]] = {
        "outcome": dict(profile.lookups.outcome),
        "hydrant_type": dict(profile.lookups.hydrant_type),
        "is_reinspection": dict(profile.lookups.is_reinspection),
        "record_status": dict(profile.lookups.record_status),
    }
    for column in found:
        if column.field in lookups and column.words:
            lines.section(f"Keuzes bij {column.heading}")
            lines.table(
                ("Kies", "Ook begrepen", "Betekent"),
                (
                    (words[0], ", ".join(words[1:]), _MEANINGS[str(value)])
                    for value, words in lookups[column.field].items()
                    if words
                ),
            )


def _defects(lines: _Lines, profile: Profile, found: Sequence[Column]) -> None:
    for column in found:
        if column.field == "defects":
            lines.section(f"Keuzes bij {column.heading}")
            lines.table(
                ("Kies", "Ook begrepen", "Gevolg", "Hersteld door"),
                (
                    (
                        defect.label_nl,
                        ", ".join(profile.lookups.defects.get(defect.code, [])),
                        "De brandweer kan er niet op rekenen."
                        if defect.takes_out_of_order
                        else "De brandkraan blijft bruikbaar.",
                        "waterbedrijf" if defect.repaired_by == "operator" else defect.repaired_by,
                    )
                    for defect in defects().values()
                ),
            )


class _Lines:
    """Writes a sheet from top to bottom."""

    def __init__(self, sheet: Any, styles: Styles) -> None:
        self._sheet = sheet
        self._styles = styles
        self._row = 0

    def title(self, text: str) -> None:
        self._sheet.set_row(self._row, 30)
        self._sheet.write_string(self._row, 0, text, self._styles.title)
        self._row += 1

    def section(self, text: str) -> None:
        self._row += 1
        for index in range(len(_WIDTHS)):
            self._sheet.write_blank(self._row, index, None, self._styles.section)
        self._sheet.write_string(self._row, 0, text, self._styles.section)
        self._sheet.set_row(self._row, 21)
        self._row += 1

    def paragraph(self, text: str) -> None:
        self._sheet.merge_range(self._row, 0, self._row, len(_WIDTHS) - 1, text, self._styles.paragraph)
        self._sheet.set_row(self._row, _height_pt([(text, sum(_WIDTHS))]))
        self._row += 1

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        for index, heading in enumerate(headings):
            self._sheet.write_string(self._row, index, heading, self._styles.table_heading)
        self._row += 1
        for row in rows:
            for index, text in enumerate(row):
                style = self._styles.table if index else self._styles.table_strong
                self._sheet.write_string(self._row, index, text, style)
            self._sheet.set_row(self._row, _height_pt(zip(row, _WIDTHS, strict=False)))
            self._row += 1


def _height_pt(texts: Iterable[tuple[str, int]]) -> float:
    """Height of a row that shows texts in cells so many characters wide; not every program finds it out."""
    lines = max(ceil(max(len(text), 1) / (width * _CHARACTERS_PER_WIDTH)) for text, width in texts)
    return lines * _LINE_PT
