"""An empty workbook for a firm: its own headings, drop-downs for its own words, and what goes where.

What is filled in comes back through landing, reading and validation like any other list; nothing
in them knows of templates but that the sheets beside the list hold no inspections.
"""

from __future__ import annotations

from datetime import date, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from hydrants.reference.own_sheets import GUIDE_SHEET, LIST_SHEET, WORDS_SHEET
from hydrants.reference.profile import Field, Profile
from hydrants.spreadsheet import OPTIONS
from hydrants.template import guide
from hydrants.template.columns import Column, columns
from hydrants.template.styles import Styles

_LAST_ROW = 1_048_575  # of a worksheet, counted from 0
_MADE = datetime(2019, 1, 1)  # noqa: DTZ001 - a fixed moment: equal profiles make equal files


def write(path: Path, profile: Profile, earliest_on: date) -> None:
    """Write the template of a firm.

    Args:
        path: file to write.
        earliest_on: no inspection that is filled in can be of before this day.

    Raises:
        OSError: if the file cannot be written.
    """
    found = columns(profile, earliest_on)
    with xlsxwriter.Workbook(path, OPTIONS) as workbook:
        workbook.set_properties({"title": f"Controlelijst brandkranen {profile.name}", "created": _MADE})
        styles = Styles(workbook)
        inspections, guidance, words = map(workbook.add_worksheet, (LIST_SHEET, GUIDE_SHEET, WORDS_SHEET))
        offered = _write_words(words, styles, found)
        _write_list(inspections, styles, found, offered)
        guide.write(guidance, styles, profile, found)


def _write_list(sheet: Any, styles: Styles, found: list[Column], offered: dict[Field, str]) -> None:
    for index, column in enumerate(found):
        sheet.set_column(index, index, column.width, styles.cell(column.number_format))
        sheet.write_string(0, index, column.heading, styles.heading(column.is_required))
        sheet.write_comment(0, index, column.comment, styles.comment(column.comment))
        rule = column.rule | ({"source": offered[column.field]} if column.field in offered else {})
        if rule:
            sheet.data_validation(1, index, _LAST_ROW, index, rule)
    sheet.set_row(0, 32)
    numbers = list(takewhile(lambda column: column.field in ("record_ref", "hydrant_ref"), found))
    sheet.freeze_panes(1, len(numbers))
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    sheet.set_tab_color(styles.required_color)


def _write_words(sheet: Any, styles: Styles, found: list[Column]) -> dict[Field, str]:
    """Write what the drop-downs offer; the range of each, by field."""
    ranges: dict[Field, str] = {}
    for index, column in enumerate(column for column in found if column.words):
        sheet.set_column(index, index, max(map(len, (column.heading, *column.words))) + 3)
        sheet.write_string(0, index, column.heading, styles.heading(is_required=False))
        for row, word in enumerate(column.words, start=1):
            sheet.write_string(row, index, word, styles.text)
        letter = xl_col_to_name(index, True)
        ranges[column.field] = f"={WORDS_SHEET}!{letter}$2:{letter}${len(column.words) + 1}"
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.protect()
    return ranges
