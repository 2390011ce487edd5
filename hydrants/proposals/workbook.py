"""The list of proposals as the water company gets it: a sheet per company, with room for its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import xlsxwriter

from hydrants import reference
from hydrants.proposals.listing import BESIDE_M, as_lines
from hydrants.spreadsheet import OPTIONS, put


class _Column(NamedTuple):
    heading: str
    width: int
    format: str | None = None


_DAY, _METRES, _WRAPPED, _TO_FILL_IN = "day", "metres", "wrapped", "to_fill_in"
_COLUMNS = {
    "proposal_key": _Column("Voorstel", 12),
    "gemeente": _Column("Gemeente", 16),
    "nis": _Column("NIS-code", 9),
    "street": _Column("Straat of plaats", 28),
    "x_l72": _Column("X (Lambert 72, m)", 13, _METRES),
    "y_l72": _Column("Y (Lambert 72, m)", 13, _METRES),
    "spread_m": _Column("Spreiding (m)", 10, _METRES),
    "visits": _Column("Bezoeken", 9),
    "first_inspected_on": _Column("Eerste controle", 11, _DAY),
    "last_inspected_on": _Column("Laatste controle", 11, _DAY),
    "contractors": _Column("Gezien door", 14, _WRAPPED),
    "numbers": _Column("Genoteerde nummers", 18, _WRAPPED),
    "hydrant_type": _Column("Type", 13),
    "diameter_mm": _Column("Diameter (mm)", 10),
    "nearest_hydrant_id": _Column("Dichtstbijzijnde brandkraan in het register", 20),
    "distance_m": _Column("Afstand daartoe (m)", 11, _METRES),
    "confirmed_by": _Column("Bevestigd door", 18, _WRAPPED),
    "mind": _Column("Let op", 22, _WRAPPED),
    "rows": _Column("Bronnen", 48, _WRAPPED),
    "answer": _Column("Antwoord", 18, _TO_FILL_IN),
    "own_number": _Column("Nummer in het register", 16, _TO_FILL_IN),
    "comment": _Column("Toelichting", 30, _TO_FILL_IN),
}
_ANSWERS = ("wordt opgenomen", "staat er al in", "geen brandkraan", "niet van ons")
_TYPES_NL = {
    "aboveground": "bovengronds",
    "underground": "ondergronds",
    "rising_point": "standpijp",
    "wall_mounted": "muurhydrant",
}
_EXPLANATION_NL = (
    "Deze brandkranen werden bij controles gezien, maar staan niet in het register.",
    "Elk voorstel werd bevestigd: door bezoeken op verschillende dagen of van verschillende firma's, of door "
    "iemand die de rij heeft nagekeken.",
    "X en Y zijn de mediaan van de nauwkeurigste plaatsen; de spreiding is de afstand tot de verste plaats.",
    "Genoteerde nummers zijn overgenomen zoals de ploegen ze schreven.",
    "Bronnen wijzen bestand, blad en rij aan waarop het voorstel berust.",
    "Vul in de gele kolommen uw antwoord in. Zodra een volgende levering van het register de brandkraan "
    "bevat, verdwijnt het voorstel vanzelf.",
)
_OUTSIDE_NL = "ligt buiten de opgegeven gemeente"
_NO_PLACE_NL = "geen plaats bekend"
_TOO_NEAR_M = 10.0
_TOO_NEAR_NL = f"minder dan {_TOO_NEAR_M:.0f} m van een brandkraan in het register"
_NUMBERS_BESIDE_NL = f"binnen {BESIDE_M:.0f} m werd ook genoteerd: "
_WITHOUT_OPERATOR_NL = "Zonder waterbedrijf"
_NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
_SHEET_NAME_CHARACTERS = 31
_NO_DAY = date(1980, 1, 1)


def write(path: Path, proposals: pd.DataFrame, seen_once: int, operators: Iterable[str]) -> None:
    """Write a workbook of proposals; equal proposals make an equal file.

    Args:
        path: .xlsx, replaced as a whole when it exists.
        proposals: as `listing.places` gives them.
        seen_once: how many places a single visit saw; said, not listed.
        operators: the water companies that get a sheet, with proposals or without. Proposals that are of no
            company get one of their own, if there are any.
    """
    lines = as_lines(proposals)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with xlsxwriter.Workbook(unfinished, OPTIONS) as workbook:
        newest = max((line["last_inspected_on"] for line in lines), default=_NO_DAY)
        workbook.set_properties(
            {"title": "Voorgestelde brandkranen", "created": datetime.combine(newest, time.min)}
        )
        for operator in operators:
            of_operator = [line for line in lines if line["operator"] == operator]
            _write_sheet(workbook, reference.operators()[operator].name, of_operator)
        if without := [line for line in lines if line["operator"] is None]:
            _write_sheet(workbook, _WITHOUT_OPERATOR_NL, without)
        explanation = workbook.add_worksheet("Uitleg")
        explanation.set_column(0, 0, 120)
        still = f"Daarnaast zag één bezoek nog {seen_once} plaatsen; die wachten op een tweede bezoek."
        for number, line in enumerate((*_EXPLANATION_NL, still)):
            explanation.write_string(number, 0, line)
    unfinished.replace(path)


def _write_sheet(workbook: xlsxwriter.Workbook, name: str, lines: list[dict[str, Any]]) -> None:
    sheet = workbook.add_worksheet(_NOT_IN_A_SHEET_NAME.sub(" ", name)[:_SHEET_NAME_CHARACTERS])
    top: dict[str, Any] = {"valign": "top"}
    formats = {
        None: workbook.add_format(top),
        _DAY: workbook.add_format({**top, "num_format": "dd/mm/yyyy", "align": "left"}),
        _METRES: workbook.add_format({**top, "num_format": "0.0"}),
        _WRAPPED: workbook.add_format({**top, "text_wrap": True}),
        _TO_FILL_IN: workbook.add_format(
            {**top, "bg_color": "#FFF4CC", "border": 1, "border_color": "#C9B458", "text_wrap": True}
        ),
    }
    head = workbook.add_format({**top, "bold": True, "bottom": 1, "text_wrap": True})
    for position, column in enumerate(_COLUMNS.values()):
        sheet.set_column(position, position, column.width)
        sheet.write_string(0, position, column.heading, head)
    for number, line in enumerate(lines, start=1):
        shown = _shown(line)
        for position, (field, column) in enumerate(_COLUMNS.items()):
            put(sheet, number, position, shown.get(field), formats[column.format])
    if lines:
        at = list(_COLUMNS).index("answer")
        sheet.data_validation(1, at, len(lines), at, {"validate": "list", "source": list(_ANSWERS)})
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(lines), 1), len(_COLUMNS) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _shown(line: dict[str, Any]) -> dict[str, Any]:
    """A proposal as its reader sees it."""
    confirmed_by = ["een beslissing"] * line["is_decided"] + ["meer bezoeken"] * (line["visits"] > 1)
    mind = [
        text
        for text, holds in (
            (_OUTSIDE_NL, line["is_outside_gemeente"]),
            (_NO_PLACE_NL, line["x_l72"] is None),
            (_TOO_NEAR_NL, line["distance_m"] is not None and line["distance_m"] < _TOO_NEAR_M),
            (_NUMBERS_BESIDE_NL + ", ".join(line["numbers_beside"]), bool(line["numbers_beside"])),
        )
        if holds
    ]
    return {
        **line,
        "contractors": ", ".join(line["contractors"]),
        "numbers": ", ".join(line["numbers"]),
        "hydrant_type": _TYPES_NL.get(line["hydrant_type"]),
        "confirmed_by": " en ".join(confirmed_by),
        "mind": "; ".join(mind),
        "rows": "\n".join(map(_source, line["rows"])),
    }


def _source(row: dict[str, Any]) -> str:
    sheet = f"blad {row['sheet']}, " if row["sheet"] else ""
    return f"{row['file']}, {sheet}rij {row['row']} ({row['inspected_on']:%d/%m/%Y})"
