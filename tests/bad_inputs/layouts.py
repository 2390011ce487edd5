"""Hazards 22, 24 and 25: headings, titles, units, totals and merged cells."""

from __future__ import annotations

from typing import Any

from tests.bad_inputs.case import BAD, COMPANY, Case, Read, Refused, csv_of, one, row, table
from tests.batches import HEADINGS, Row, as_csv
from tests.valid_files import rows_of, workbook

_RENAMED = {
    "Fiche": "FICHENUMMER",
    "Datum": "datum  controle",
    "Straat en nr": "Straat en Nummer:",
    "X": "x-coordinaat",
    "Y": "Y-COÖRDINAAT",
    "Resultaat": "Uitslag",
    "Opmerking": "Opm.",
}


def _retitled(rows: list[Row], titles: list[str]) -> bytes:
    return as_csv(rows, above=()).replace(";".join(HEADINGS).encode(), ";".join(titles).encode(), 1)


def _reordered() -> bytes:
    lines = as_csv(rows_of(COMPANY), above=()).decode("utf-8-sig").splitlines()
    return "\r\n".join(";".join(reversed(line.split(";"))) for line in lines).encode("utf-8-sig")


def _with_gemeenten(book: Any) -> None:
    """A column of gemeenten: one cell over the first rows, then a row without, then one with its own."""
    sheet = book.active
    column = len(HEADINGS) + 1
    sheet.cell(1, column).value = "Gemeente"
    sheet.cell(2, column).value = "Ieper"
    sheet.merge_cells(start_row=2, end_row=COMPANY, start_column=column, end_column=column)
    sheet.cell(BAD, column).value = "Poperinge"


_MERGED = one(
    22,
    "merged-gemeente",
    "one cell 'Ieper' merged over rows, in the folder of Poperinge; the row below it has an empty cell",
    "samengevoegd.xlsx",
    lambda: workbook(table(row()), _with_gemeenten),
    Read(
        COMPANY,
        quarantined={COMPANY + 1: ("GEMEENTE_MISSING",)},
        records={
            **{number: {"nis": "33011"} for number in range(2, COMPANY + 1)},
            BAD: {"nis": "33021"},
        },
    ),
)

_HEADINGS = [
    one(
        24,
        "renamed",
        "headings in other words, capitals, accents and spaces",
        "andere titels.csv",
        lambda: _retitled(rows_of(COMPANY), [_RENAMED.get(title, title) for title in HEADINGS]),
        Read(COMPANY, records={2: {"record_ref": "W-33021-00001", "remark": "geïnspecteerd"}}),
    ),
    one(
        24,
        "reordered",
        "columns in another order",
        "andere volgorde.csv",
        _reordered,
        Read(COMPANY, records={2: {"record_ref": "W-33021-00001", "remark": "geïnspecteerd"}}),
    ),
    one(
        24,
        "unknown-column",
        "a column that nobody knows",
        "extra kolom.csv",
        lambda: as_csv(rows_of(COMPANY), above=()).replace(b"Opmerking\r\n", b"Opmerking;Ploegbaas\r\n", 1),
        Read(COMPANY, notices=["Ploegbaas"]),
    ),
    one(
        24,
        "duplicate-heading",
        "two columns that mean the same",
        "dubbele titel.csv",
        lambda: _retitled(
            rows_of(COMPANY), ["Uitslag" if title == "Herkeuring" else title for title in HEADINGS]
        ),
        Refused(["'Resultaat' (kolom 9) en 'Uitslag' (kolom 11)", "hetzelfde"]),
    ),
    one(
        24,
        "missing-heading",
        "no column for the outcome",
        "kolom weg.csv",
        lambda: _retitled(
            rows_of(COMPANY), ["Ploegbaas" if title == "Resultaat" else title for title in HEADINGS]
        ),
        Refused(["'Resultaat' ontbreekt", "kolomtitels"]),
    ),
    one(
        24,
        "titles-and-units",
        "title rows above the headings and a row of units below them",
        "titels.csv",
        lambda: as_csv(
            [dict.fromkeys(HEADINGS, "") | {"Datum": "dd/mm/jjjj", "X": "m", "Y": "m"}, *rows_of(COMPANY)],
            above=("Controle brandkranen Poperinge", "Periode: maart 2019"),
        ),
        Read(COMPANY, headings=4),
    ),
]

_TOTAL = one(
    25,
    "total",
    "a row 'Totaal' at the end",
    "totaal.csv",
    csv_of(dict.fromkeys(HEADINGS, "") | {"Fiche": "Totaal", "Nr. brandkraan": "9"}),
    Read(COMPANY, quarantined={BAD: ("SUMMARY_ROW",)}),
)

CASES: list[Case] = [_MERGED, *_HEADINGS, _TOTAL]
