"""Hazards 16 to 19: days and hours, as text and as serial numbers of a spreadsheet."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import xlsxwriter

from tests.bad_inputs.case import BAD, COMPANY, Case, Read, csv_of, one, row, table
from tests.batches import HEADINGS

_DATES = [
    one(
        16,
        "day-first",
        "`03/04/2019`, `2019-04-03` and `3-4-2019`",
        "datum.csv",
        csv_of(row(Datum="03/04/2019"), row(Datum="2019-04-03", Fiche="b"), row(Datum="3-4-2019", Fiche="c")),
        Read(
            COMPANY + 3,
            records={line: {"inspected_on": date(2019, 4, 3)} for line in (BAD, BAD + 1, BAD + 2)},
        ),
    ),
    one(
        16,
        "month-first",
        "`12/31/2019`, which is no day of Belgium",
        "amerikaans.csv",
        csv_of(row(Datum="12/31/2019")),
        Read(COMPANY, quarantined={BAD: ("DATE_UNREADABLE",)}),
    ),
]


def _xlsx(day: Any, date_1904: bool = False, **number_format: str) -> bytes:
    """A workbook with one sound row, whose day is a typed cell."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"date_1904": date_1904, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Controle")
        style = book.add_format(dict(number_format))
        sheet.write_row(0, 0, HEADINGS)
        for number, sound in enumerate(table(row(Datum="")), start=1):
            sheet.write_row(number, 0, [sound[heading] for heading in HEADINGS])
        write = sheet.write_datetime if isinstance(day, date) else sheet.write
        write(COMPANY + 1, HEADINGS.index("Datum"), day, style)
    return stream.getvalue()


_DAY = {"num_format": "dd/mm/yyyy"}
_SERIAL_3_APRIL_2019 = 43_558
_ON_3_APRIL = Read(COMPANY + 1, records={BAD: {"inspected_on": date(2019, 4, 3)}})
_UNREADABLE = Read(COMPANY, quarantined={BAD: ("DATE_UNREADABLE",)})
_SERIALS = [
    one(
        17,
        "typed-date",
        "a typed date of Excel (serial 43558 shown as a day)",
        "datum.xlsx",
        lambda: _xlsx(_SERIAL_3_APRIL_2019, **_DAY),
        _ON_3_APRIL,
    ),
    one(
        17,
        "date-1904",
        "the same in a workbook that counts from 1904",
        "mac.xlsx",
        lambda: _xlsx(datetime(2019, 4, 3), date_1904=True, **_DAY),  # noqa: DTZ001 - a day on paper
        _ON_3_APRIL,
    ),
    one(
        17,
        "bare-serial",
        "the serial 43558 as a plain number",
        "getal.xlsx",
        lambda: _xlsx(_SERIAL_3_APRIL_2019),
        _UNREADABLE,
    ),
    one(17, "text-serial", "`43558` as text in a CSV", "getal.csv", csv_of(row(Datum="43558")), _UNREADABLE),
    one(
        17,
        "impossible-days",
        "1970, the day before the campaign, 2062, and 31 February",
        "dagen.csv",
        csv_of(
            *(row(Datum=day) for day in ("01/01/1970", "31/12/2018", "03/01/2062", "31/02/2019")),
        ),
        Read(
            COMPANY,
            quarantined={
                BAD: ("DATE_BEFORE_CAMPAIGN",),
                BAD + 1: ("DATE_BEFORE_CAMPAIGN",),
                BAD + 2: ("DATE_IN_FUTURE",),
                BAD + 3: ("DATE_UNREADABLE",),
            },
        ),
    ),
]

_HOURS = [
    one(
        18,
        "autumn-hour",
        "02:30 on 25-10-2026 and on 27-10-2019, without offset",
        "wintertijd.csv",
        csv_of(row(Gewijzigd_op="2026-10-25 02:30"), row(Datum="27/10/2019 02:30", Fiche="b")),
        Read(
            COMPANY + 2,
            flagged={BAD: ("TIME_AMBIGUOUS",), BAD + 1: ("TIME_AMBIGUOUS",)},
            records={
                BAD: {"revised_at": datetime(2026, 10, 25, 2, 30)},  # noqa: DTZ001 - Belgian time
                BAD + 1: {"inspected_on": date(2019, 10, 27)},
            },
        ),
    ),
    one(
        19,
        "spring-hour",
        "02:30 on 29-03-2026 and on 31-03-2019, which do not exist",
        "zomertijd.csv",
        csv_of(row(Gewijzigd_op="29/03/2026 02:30"), row(Datum="31/03/2019 02:30")),
        Read(COMPANY, quarantined={BAD: ("DATE_UNREADABLE",), BAD + 1: ("DATE_UNREADABLE",)}),
    ),
]

CASES: list[Case] = [*_DATES, *_SERIALS, *_HOURS]
