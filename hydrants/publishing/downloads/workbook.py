"""The Excel workbook of a gemeente, for the official who works with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import xlsxwriter

from hydrants import reference
from hydrants.publishing import labels
from hydrants.publishing.content import Content
from hydrants.spreadsheet import STREAMED, put, write_text
from hydrants.spreadsheet_rows import RowsSheet


class _Column(NamedTuple):
    heading: str
    field: str
    width: int


_WHICH = (
    _Column("Brandkraan", "hydrant_id", 20),
    _Column("Waterbedrijf", "operator_nl", 15),
)
_WHERE = (
    _Column("Straat (register)", "street_names", 28),
    _Column("Type", "type_nl", 13),
    _Column("Diameter (mm)", "diameter_mm", 14),
    _Column("X (Lambert 72, m)", "x_l72", 17),
    _Column("Y (Lambert 72, m)", "y_l72", 17),
)
_VERDICT = (
    _Column("Gecontroleerd op", "inspected_on", 17),
    _Column("Bevinding", "finding_nl", 42),
    _Column("Opmerking", "remark_nl", 30),
)
_TRIED = (_Column("Laatst vergeefs geprobeerd op", "tried_on", 28),)
_SOURCE = (
    _Column("Bronbestand", "file", 44),
    _Column("Blad", "sheet", 12),
    _Column("Rij", "row_number", 8),
)
_FAILED = (*_WHICH, *_VERDICT, *_WHERE, *_SOURCE)
_REMAINING = (*_WHICH, _Column("Uitvoerder", "contractor_nl", 14), *_WHERE, *_TRIED)
_ALL = (*_WHICH, _Column("Toestand", "status_nl", 18), *_VERDICT, *_WHERE, *_TRIED, *_SOURCE)

_OVERVIEW = (
    ("Waterbedrijf", "operator"),
    ("Uitvoerder", "contractor"),
    ("Geregistreerd", "registered"),
    ("Gecontroleerd", "checked"),
    ("In orde", "ok"),
    ("Niet in orde", "failed"),
    ("Nog te controleren", "remaining"),
    ("Gedaan", "percent"),
    ("Laatste controle", "last_checked_on"),
)
_TEXTS = 2
"""The first so many columns of the overview are words, the others figures."""
_A4 = 9
_NOTES = (
    "Gecontroleerd = in orde + niet in orde. Geregistreerd = gecontroleerd + nog te controleren.",
    "De laatste controledag met een uitspraak telt. 'Niet gevonden' geldt als niet in orde.",
    "Spreekt die dag zichzelf tegen, dan geldt de brandkraan als niet in orde (tegenstrijdig).",
    "Een herstelling zonder nieuwe controle blijft niet in orde: 'hersteld, te hercontroleren'.",
    "Bronbestand, blad en rij wijzen de regel aan waarop de toestand berust.",
)


def write(path: Path, content: Content, nis: str, hydrants: pd.DataFrame) -> None:
    """Write a gemeente's workbook: Overzicht, Niet in orde, Nog te controleren, Alle.

    Args:
        path: file to write.
        content: the snapshot.
        nis: gemeente.
        hydrants: its hydrants, as `content.hydrants` gives them.
    """
    with xlsxwriter.Workbook(path, STREAMED) as workbook:
        # the day of the figures, not of the writing: equal figures make equal files
        workbook.set_properties(
            {
                "title": f"Brandkranen {content.gemeenten()[nis]}",
                "created": datetime.combine(content.told[nis].since, time.min),
            }
        )
        _write_overview(workbook, content, nis)
        _write_sheet(workbook, "Niet in orde", _FAILED, hydrants[hydrants["status"] == "failed"])
        _write_sheet(workbook, "Nog te controleren", _REMAINING, hydrants[hydrants["status"] == "remaining"])
        _write_sheet(workbook, "Alle", _ALL, hydrants)


def _write_overview(workbook: xlsxwriter.Workbook, content: Content, nis: str) -> None:
    title = workbook.add_format({"bold": True, "font_size": 16})
    heading = _heading(workbook)
    heading_of_figures = _heading(workbook, align="right")
    figure = workbook.add_format({"num_format": "#,##0", "align": "right"})
    day = workbook.add_format({"num_format": "dd/mm/yyyy", "align": "right"})
    names = {operator.operator: operator.name for operator in reference.operators().values()}
    sheet = workbook.add_worksheet("Overzicht")
    sheet.hide_gridlines(2)
    _fit_on_paper(sheet)
    sheet.set_column(0, len(_OVERVIEW) - 1, 18)
    sheet.write_string(0, 0, f"Brandkranen {content.gemeenten()[nis]} ({nis})", title)
    sheet.write_string(1, 0, f"Gegevens van {labels.day(content.told[nis].since)}")
    sheet.write_string(
        2, 0, f"Campagne {labels.day(content.campaign_start)} - {labels.day(content.campaign_end)}"
    )
    write_text(sheet, 3, 0, content.source)
    for position, (column, _) in enumerate(_OVERVIEW):
        sheet.write_string(5, position, column, heading_of_figures if position >= _TEXTS else heading)
    row = 6
    for line in content.of(nis):
        shown = {
            **line,
            "operator": names[line["operator"]],
            "contractor": labels.firm(line["contractor"]) if line["contractor"] else "geen contract",
            "percent": labels.percent(line["checked"], line["registered"]),
        }
        for position, (_, field) in enumerate(_OVERVIEW):
            style = day if field.endswith("_on") else figure if position >= _TEXTS else None
            put(sheet, row, position, shown[field], style)
        row += 1
    for offset, note in enumerate(_NOTES, start=row + 1):
        sheet.write_string(offset, 0, note)


def _write_sheet(
    workbook: xlsxwriter.Workbook, name: str, columns: Iterable[_Column], rows: pd.DataFrame
) -> None:
    columns = tuple(columns)
    sheet = workbook.add_worksheet(name, RowsSheet)
    sheet.freeze_panes(1, 1)
    _fit_on_paper(sheet)
    sheet.repeat_rows(0)
    day = workbook.add_format({"num_format": "dd/mm/yyyy", "align": "center"})
    metres = workbook.add_format({"num_format": "0.00"})
    styles = [
        day if column.field.endswith("_on") else metres if column.field.endswith("_l72") else None
        for column in columns
    ]
    for position, (column, style) in enumerate(zip(columns, styles, strict=True)):
        sheet.set_column(position, position, column.width, style)
    sheet.write_row(0, 0, [column.heading for column in columns], _heading(workbook))
    sheet.write_rows(1, [rows[column.field].tolist() for column in columns], styles)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)


def _fit_on_paper(sheet: Any) -> None:
    """As wide as a sheet of paper that lies on its side, however long."""
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _heading(workbook: xlsxwriter.Workbook, **more: str) -> Any:
    return workbook.add_format({"bold": True, "bg_color": "#123C5A", "font_color": "#FFFFFF", **more})
