"""Receipts: what each sender reads, and that a corrected one comes back as any upload does."""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time
import tracemalloc
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hydrants import demo, landing, reading, receipts, store, validation
from hydrants.receipts import places, rows, workbook
from hydrants.receipts.rows import Kind
from hydrants.reference.answers import ANSWER_COLUMNS, SUMMARY_SHEET, answered_format, answers_start
from hydrants.settings import Settings
from hydrants.store import tables
from tests import valid_files
from tests.batches import BATCH, HEADINGS, as_csv, good, send
from tests.receipt_world import (
    answered,
    document_of,
    lines_of,
    path_of,
    receipt_files,
    summary_of,
    workbook_of,
)

WRONG = {"Resultaat": "goedgekeurt"}
DIRTY = [
    good(1),
    good(2, Resultaat="goedgekeurt"),
    good(3),
    good(4, Datum="31/02/2019", Gebrek="lekt"),
    good(1),
    good(5, Datum="2019-10-27 02:30"),
    {**dict.fromkeys(HEADINGS, ""), "Fiche": "Totaal", "Diameter": "5"},
]
"""In lines 3 to 9 of a CSV: accepted, refused, accepted, refused twice over, duplicate, remarked, a sum."""


def sent_back(
    engine: sa.Engine, settings: Settings, file_name: str, corrections: dict[str, dict[str, str]]
) -> str:
    """Correct the receipt of an upload as a person does, and send it: by record, what its cells become.

    Returns:
        The name of the file that was sent.
    """
    path = path_of(engine, settings, file_name)
    book = openpyxl.load_workbook(path)
    mended = set()
    for sheet in book.worksheets[1:]:
        headings = {cell.value: cell.column for cell in sheet[1]}
        for row in sheet.iter_rows(min_row=2):
            record = row[headings["Fiche"] - 1].value
            for heading, text in corrections.get(record, {}).items():
                row[headings[heading] - 1].value = text
                mended.add(record)
    assert mended == corrections.keys()
    stream = io.BytesIO()
    book.save(stream)
    send(settings, path.name, stream.getvalue())
    return path.name


def dispositions(engine: sa.Engine, file_name: str) -> Counter[str]:
    query = (
        sa.select(tables.ledger.c.disposition)
        .join(tables.upload, tables.upload.c.upload_id == tables.ledger.c.upload_id)
        .where(tables.upload.c.file_name == file_name)
    )
    with store.read(engine) as connection:
        return Counter(connection.execute(query).scalars())


# -- what it says ------------------------------------------------------------------------------


def test_rows_come_back_with_what_became_of_them(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "week 12.csv", as_csv(DIRTY))
    counts = answered(engine, settings)

    assert counts == {"receipts_written": 1, "receipts_changed": 1, "receipts_moved": 0}
    book = workbook_of(engine, settings, "week 12.csv")
    assert book.sheetnames == [SUMMARY_SHEET, "Controles"]
    lines = lines_of(book, "Controles")
    assert [(line.own["Fiche"], line.status) for line in lines] == [
        ("W-33021-00002", "geweigerd"),
        ("W-33021-00004", "geweigerd"),
        ("W-33021-00005", "aanvaard met opmerking"),
        ("W-33021-00001", "dubbel"),
        ("W-33021-00001", "aanvaard"),
        ("W-33021-00003", "aanvaard"),
        ("Totaal", "geen controle"),
    ]
    assert [line.own for line in lines[:2]] == [
        {heading: text or None for heading, text in row.items()} for row in (DIRTY[1], DIRTY[3])
    ]
    assert [line.why and line.why.split("\n") for line in lines] == [
        ["Regel 4: Resultaat - 'goedgekeurt' is geen bekend resultaat; bedoelde u 'goedgekeurd'?"],
        [
            "Regel 6: Datum - '31/02/2019' is geen leesbare datum; schrijf ze als dd/mm/jjjj.",
            "Gebrek - 'lekt' is geen bekend gebrek; bedoelde u 'lek'?",
        ],
        [
            "Regel 8: Datum - Het tijdstip '2019-10-27 02:30' kwam twee keer voor; het eerste (zomertijd) is "
            "genomen."
        ],
        ["Regel 7: zegt hetzelfde als regel 3 van dit bestand; ze telt één keer mee."],
        None,
        None,
        ["Regel 9: Deze rij is een totaal, geen controle; ze telt niet mee."],
    ]
    assert [line.instead for line in lines] == ["goedgekeurd", "Gebrek: lek", *[None] * 5]


def test_the_wrong_cells_stand_out(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv(DIRTY))
    answered(engine, settings)

    sheet = workbook_of(engine, settings, "a.csv")["Controles"]
    filled = {
        cell.row: Counter(cell.fill.start_color.rgb for cell in row if cell.fill.fill_type)
        for row in sheet.iter_rows()
        for cell in row[:1]
    }
    wrong_headings = [
        {sheet.cell(1, cell.column).value for cell in sheet[row] if cell.fill.start_color.rgb == "FFF2A69A"}
        for row in (2, 3, 4)
    ]
    assert wrong_headings == [{"Resultaat"}, {"Datum", "Gebrek"}, set()]
    assert [sum(filled[row].values()) for row in (2, 3, 4, 5)] == [len(HEADINGS) + 3] * 4
    assert [sum(filled[row].values()) for row in (6, 7)] == [0, 0]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:P8"
    assert {cell.number_format for cell in sheet[2]} == {"@"}


def test_figures_add_up_on_the_first_sheet_and_for_programs(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv(DIRTY))
    answered(engine, settings)

    said = summary_of(workbook_of(engine, settings, "a.csv"))
    assert {name: said[name] for name in list(said) if isinstance(said[name], int)} == {
        "aanvaard": 3,
        "waarvan met opmerking": 1,
        "dubbel (stond er al)": 1,
        "geweigerd": 2,
        "geen controle (totaalrij)": 1,
        "ontvangen": 7,
    }
    assert said["2 van de 7 rijen zijn geweigerd"].startswith("Wat te doen:\n1. Ga naar het blad 'Controles'")
    assert (said["firma"], said["gemeente"], said["formaat"]) == ("Westlandia", "Poperinge (33021)", "CSV")

    document = document_of(engine, settings, "a.csv")
    upload = document.pop("upload")
    assert upload.pop("received_at").endswith("+00:00")
    assert upload == {
        "contractor": "westlandia",
        "nis": "33021",
        "gemeente": "Poperinge",
        "file_name": "a.csv",
        "sha256": said["SHA-256"],
        "size_bytes": len(as_csv(DIRTY)),
        "format": "csv",
    }
    outcome = {
        "code": "OUTCOME_UNKNOWN",
        "column": "Resultaat",
        "value": "goedgekeurt",
        "message": "'goedgekeurt' is geen bekend resultaat; bedoelde u 'goedgekeurd'?",
        "suggestion": "goedgekeurd",
    }
    assert document["refused_rows"][0] == {"sheet": "", "row": 4, "reasons": [outcome]}
    assert [row["row"] for row in document["refused_rows"]] == [4, 6]
    assert [row["row"] for row in document["remarked_rows"]] == [8]
    assert [row["row"] for row in document["sum_rows"]] == [9]
    first = {"file_name": "a.csv", "sha256": upload["sha256"], "sheet": "", "row": 3}
    assert document["duplicate_rows"] == [{"sheet": "", "row": 7, "repeats": first}]
    assert [(group["status"], group["code"], group["rows"]) for group in document["reasons"]] == [
        ("refused", "DATE_UNREADABLE", 1),
        ("refused", "DEFECT_UNKNOWN", 1),
        ("refused", "OUTCOME_UNKNOWN", 1),
        ("remarked", "TIME_AMBIGUOUS", 1),
    ]
    assert document["counts"] == {
        "received": 7,
        "accepted": 3,
        "remarked": 1,
        "duplicate": 1,
        "refused": 2,
        "held": 0,
        "sums": 1,
        "heading": 2,
        "blank": 0,
    }
    assert (document["status"], document["schema_version"]) == ("processed", 1)


def test_reasons_are_counted_by_column(engine: sa.Engine, settings: Settings) -> None:
    wrong = [good(number, Resultaat=f"huh{number}") for number in range(1, 4)]
    send(settings, "a.csv", as_csv([*wrong, good(4, Datum="gisteren"), good(5)]))
    answered(engine, settings)

    groups = document_of(engine, settings, "a.csv")["reasons"]
    assert [(group["code"], group["column"], group["rows"]) for group in groups] == [
        ("OUTCOME_UNKNOWN", "Resultaat", 3),
        ("DATE_UNREADABLE", "Datum", 1),
    ]
    assert "'huh1'" in groups[0]["example"]
    sheet = workbook_of(engine, settings, "a.csv").worksheets[0]
    counted = [
        tuple(cell.value for cell in row) for row in sheet.iter_rows() if isinstance(row[2].value, int)
    ]
    assert [(column, count) for column, _, count in counted] == [("Resultaat", 3), ("Datum", 1)]


def test_a_duplicate_names_what_it_repeats(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.xlsx", valid_files.workbook([good(1), good(2)]))
    send(settings, "b.csv", as_csv([good(3), good(2)]))
    answered(engine, settings)

    (line,) = [
        line
        for line in lines_of(workbook_of(engine, settings, "b.csv"), "Controles")
        if line.status == "dubbel"
    ]
    assert line.why == (
        "Regel 4: zegt hetzelfde als rij 3 van blad 'Controle' van 'a.xlsx'; ze telt één keer mee."
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("leeg.csv", b"", "Het bestand is leeg"),
        ("zonder.csv", b"Fiche;Datum;Opmerking\r\n1;14/03/2019;x\r\n", "'Resultaat' ontbreekt"),
        ("kapot.xlsx", valid_files.workbook([good(1)])[:2000], "beschadigd"),
    ],
)
def test_a_refused_file_is_answered_too(
    engine: sa.Engine, settings: Settings, name: str, content: bytes, said: str
) -> None:
    send(settings, name, content)
    answered(engine, settings)

    book = workbook_of(engine, settings, name)
    assert book.sheetnames == [SUMMARY_SHEET]
    verdict = summary_of(book)["Het bestand is geweigerd"]
    assert verdict.startswith("Geen enkele rij van dit bestand is gebruikt.")
    assert said in verdict
    document = document_of(engine, settings, name)
    assert document["status"] == "refused"
    assert said in document["rejected_because"]
    assert set(document["counts"].values()) == {0}


def test_what_its_sender_should_know_beside_the_rows(engine: sa.Engine, settings: Settings) -> None:
    def with_more(book: openpyxl.Workbook) -> None:
        book.active.cell(1, len(HEADINGS) + 1, "Ploegbaas")
        book.create_sheet("Verborgen").sheet_state = "hidden"
        book.create_sheet("Notities").append(["bel de gemeente"])

    send(settings, "a.xlsx", valid_files.workbook([good(1)], with_more))
    answered(engine, settings)

    book = workbook_of(engine, settings, "a.xlsx")
    assert book.sheetnames == [SUMMARY_SHEET, "Controle", "Notities"]
    told = " ".join(str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)
    assert "Het verborgen blad 'Verborgen' is overgeslagen." in told
    assert "'Ploegbaas': niet afgesproken" in told
    assert "Blad 'Notities' is niet gebruikt" in told
    (line,) = lines_of(book, "Notities")
    assert line.own == {"A": "bel de gemeente"}
    assert line.status == "geweigerd"
    assert line.why is not None
    assert line.why.startswith("Rij 1: Dit blad is geen lijst met controles")


def test_a_file_without_anything_to_mend_says_so(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "b.csv", as_csv([good(1), good(2)]))
    send(settings, "c.csv", as_csv([good(2)]))
    send(settings, "d.csv", as_csv([]))
    answered(engine, settings)

    verdicts = {
        name: next(iter(summary_of(workbook_of(engine, settings, f"{name}.csv")).items())) for name in "abcd"
    }
    assert verdicts == {
        "a": ("In orde", "1 rij is aanvaard. U hoeft niets te doen."),
        "b": ("In orde", "1 rij is aanvaard; 1 stond er al. U hoeft niets te doen."),
        "c": ("Niets nieuws", "Al deze rijen stonden al in een vorig bestand. U hoeft niets te doen."),
        "d": ("Geen controles", "In dit bestand staan geen controles om te verwerken."),
    }


def test_the_counts_are_those_of_the_ledger(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    demo.write(tmp_path / "world", seed=5, scale=0.01)
    here = settings.model_copy(update={"uploads": tmp_path / "world" / "uploads"})
    batches = landing.batches(engine, here)[:4]
    for batch in batches:
        answered(engine, here, batch)

    query = sa.text(
        "SELECT u.sha256, COUNT(*), COUNT(l.row_id), "
        "SUM(CASE WHEN l.disposition = 'accepted' THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN l.disposition = 'duplicate' THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN l.disposition = 'quarantined' THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN l.disposition = 'heading' THEN 1 ELSE 0 END) "
        "FROM upload u JOIN raw_row r ON r.upload_id = u.upload_id JOIN ledger l ON l.row_id = r.row_id "
        "GROUP BY u.sha256"
    )
    with store.read(engine) as connection:
        ledgers = {row[0]: row[1:] for row in connection.execute(query)}
    found = list(here.site.rglob("private/*/*/*.json"))
    assert len(found) == len(ledgers) > 10
    for path in found:
        document = json.loads(path.read_text(encoding="utf-8"))
        counts = document["counts"]
        stored, settled, accepted, duplicate, quarantined, heading = ledgers[document["upload"]["sha256"]]
        assert counts["received"] + counts["heading"] == stored == settled
        assert (counts["accepted"], counts["duplicate"]) == (accepted, duplicate)
        assert counts["refused"] + counts["held"] + counts["sums"] == quarantined
        assert counts["received"] == accepted + duplicate + quarantined
        assert counts["heading"] == heading
        book = openpyxl.load_workbook(path.with_suffix(".xlsx"), read_only=True)
        listed = sum(
            sum(1 for row in sheet.iter_rows(min_row=2, values_only=True) if row[-3])
            for sheet in book.worksheets[1:]
        )
        assert listed == counts["received"]


# -- sent back ---------------------------------------------------------------------------------


def of_format(name: str, listed: list[dict[str, str]]) -> tuple[str, bytes]:
    """A file of a format with rows, as phones and offices write it."""
    points = valid_files.point_rows(listed)
    made = {
        "csv": lambda: as_csv(listed),
        "xlsx": lambda: valid_files.workbook(listed),
        "ods": lambda: valid_files.ods(listed),
        "xls": lambda: valid_files.xls(listed),
        "gpkg": lambda: valid_files.geopackage(points),
        "geojson": lambda: valid_files.geojson([valid_files.feature(row) for row in points]),
        "zip": lambda: valid_files.zipped(valid_files.shapefile_parts(points)),
        "kml": lambda: valid_files.kml(points),
    }
    return f"lijst.{name}", made[name]()


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "ods", "xls", "gpkg", "geojson", "zip", "kml"])
def test_a_corrected_receipt_is_read_as_any_upload(
    engine: sa.Engine, settings: Settings, file_format: str
) -> None:
    name, content = of_format(file_format, [good(1), good(2, **WRONG), good(3, Opmerking="lekt; géén druk")])
    send(settings, name, content)
    answered(engine, settings)
    assert dispositions(engine, name)["quarantined"] == 1

    back = sent_back(engine, settings, name, {"W-33021-00002": {"Resultaat": "goedgekeurd"}})
    answered(engine, settings)

    found = dispositions(engine, back)
    found.pop("heading")
    assert found == {"duplicate": 2, "accepted": 1}
    with store.read(engine) as connection:
        query = sa.select(tables.record.c.record_ref, tables.record.c.x_given, tables.record.c.crs_given)
        kept = connection.execute(
            query.join(tables.ledger, tables.ledger.c.row_id == tables.record.c.row_id)
            .where(tables.ledger.c.disposition == "accepted")
            .order_by(tables.record.c.record_ref)
        ).all()
    assert [row.record_ref for row in kept] == ["W-33021-00001", "W-33021-00002", "W-33021-00003"]
    assert len({(row.x_given, row.crs_given) for row in kept}) == 1
    second = lines_of(workbook_of(engine, settings, back), workbook_of(engine, settings, back).sheetnames[1])
    assert Counter(line.status for line in second) == {"dubbel": 2, "aanvaard": 1}
    assert not any(heading in ANSWER_COLUMNS for line in second for heading in line.own)

    # and once more, as it is: nothing new
    again = sent_back(engine, settings, back, {})
    answered(engine, settings)
    found = dispositions(engine, again)
    found.pop("heading")
    assert found == {"duplicate": 3}


def test_what_is_not_corrected_is_refused_again(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv(DIRTY))
    answered(engine, settings)
    back = sent_back(engine, settings, "a.csv", {"W-33021-00002": {"Resultaat": "goedgekeurd"}})
    answered(engine, settings)

    counts = document_of(engine, settings, back)["counts"]
    assert counts.pop("heading") > 0  # the first sheet, and the headings
    assert counts == {
        "received": 7,
        "accepted": 1,
        "remarked": 0,
        "duplicate": 4,
        "refused": 1,
        "held": 0,
        "sums": 1,
        "blank": counts["blank"],
    }
    notices = document_of(engine, settings, back)["notices"]
    assert notices == [f"Blad '{SUMMARY_SHEET}' is ons antwoord op een vorige zending; het is niet gelezen."]


def test_sheets_titles_and_units_keep_their_meaning(engine: sa.Engine, settings: Settings) -> None:
    headings = [*HEADINGS, "Druk"]

    def with_titles(book: openpyxl.Workbook) -> None:
        sheet = book.active
        sheet.insert_rows(1, 2)
        sheet["A1"] = "Controles van maart"
        sheet.insert_rows(4)
        sheet.cell(4, len(headings), "mbar")
        other = book.create_sheet("Zuid")
        other.append(HEADINGS)
        other.append([text or None for text in good(9, **WRONG).values()])

    listed = [{**good(1), "Druk": "4200"}, {**good(2, **WRONG), "Druk": "3100"}]
    send(settings, "a.xlsx", valid_files.workbook(listed, with_titles, titles=headings))
    answered(engine, settings)

    book = workbook_of(engine, settings, "a.xlsx")
    assert book.sheetnames == [SUMMARY_SHEET, "Controle", "Zuid"]
    assert book["Controle"].cell(2, len(headings)).value == "mbar"
    assert book["Controle"].freeze_panes == "B3"
    assert [line.own["Druk"] for line in lines_of(book, "Controle", head_rows=2)] == ["3100", "4200"]
    mended = {name: {"Resultaat": "goedgekeurd"} for name in ("W-33021-00002", "W-33021-00009")}
    back = sent_back(engine, settings, "a.xlsx", mended)
    answered(engine, settings)
    with store.read(engine) as connection:
        query = sa.select(tables.record.c.record_ref, tables.record.c.pressure_bar)
        kept = connection.execute(
            query.join(tables.ledger, tables.ledger.c.row_id == tables.record.c.row_id)
            .where(tables.ledger.c.disposition == "accepted")
            .order_by(tables.record.c.record_ref)
        ).all()
    assert [tuple(row) for row in kept] == [
        ("W-33021-00001", pytest.approx(4.2)),
        ("W-33021-00002", pytest.approx(3.1)),
        ("W-33021-00009", None),
    ]
    assert dispositions(engine, back)["quarantined"] == 0


def test_our_columns_are_known_by_standing_together() -> None:
    assert answers_start(["Fiche", "Status", "reden"]) is None
    assert answers_start(["Status", *ANSWER_COLUMNS]) == 1
    assert answers_start([*ANSWER_COLUMNS, "x", *ANSWER_COLUMNS, None]) == 4
    assert answers_start([]) is None


def with_gemeenten(*listed: dict[str, str]) -> bytes:
    return valid_files.workbook([{"Gemeente": "", **row} for row in listed], titles=[*HEADINGS, "Gemeente"])


SAME_MEANING = {
    "decimal signs of the first file": ("a.csv", as_csv([good(1, X="34.567", Y="172.345")]), (0, 1, 0)),
    "text beyond the headings": (
        "a.csv",
        as_csv([good(1), good(2)]).rstrip() + b";verschoven\r\n",
        (0, 1, 1),
    ),
    "gemeente of the folder, among others": (
        "a.xlsx",
        with_gemeenten(good(1), good(2), {**good(3, **WRONG), "Gemeente": "Ieper"}),
        (0, 2, 1),
    ),
    "gemeente left out below another": (
        "a.xlsx",
        with_gemeenten({**good(1), "Gemeente": "Ieper"}, good(2), {**good(3), "Gemeente": "Ieper"}),
        (0, 2, 1),
    ),
    "columns X and Y beside a geometry": (
        "a.geojson",
        valid_files.geojson(
            [valid_files.feature({**row, "X": "5", "Y": "6"}) for row in valid_files.point_rows([good(1)])]
        ),
        (0, 1, 0),
    ),
}
"""Of a file sent back as it is: how many rows are accepted, duplicate and refused."""


@pytest.mark.parametrize(("name", "content", "expected"), SAME_MEANING.values(), ids=SAME_MEANING)
def test_rows_mean_in_a_receipt_what_they_meant_in_the_file(
    engine: sa.Engine, settings: Settings, name: str, content: bytes, expected: tuple[int, int, int]
) -> None:
    send(settings, name, content)
    answered(engine, settings)
    accepted = dispositions(engine, name)["accepted"]
    back = sent_back(engine, settings, name, {})
    answered(engine, settings)
    found = dispositions(engine, back)
    assert (found["accepted"], found["duplicate"], found["quarantined"]) == expected
    assert accepted == expected[1]


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "gpkg"])
def test_a_receipt_tells_in_which_format_its_rows_were_written(
    engine: sa.Engine, settings: Settings, file_format: str
) -> None:
    name, content = of_format(file_format, [good(1)])
    send(settings, name, content)
    answered(engine, settings)
    back = sent_back(engine, settings, name, {})
    answered(engine, settings)
    with store.read(engine) as connection:
        query = (
            sa.select(tables.raw_row.c.cells)
            .join(tables.upload, tables.upload.c.upload_id == tables.raw_row.c.upload_id)
            .where(tables.upload.c.file_name == back, tables.raw_row.c.sheet_number == 1)
        )
        assert answered_format(connection.execute(query).scalars()) == file_format
    assert answered_format([["formaat"], ["x", "y", "z"]]) is None


# -- whatever the cells hold -------------------------------------------------------------------

HOSTILE = {
    "formula": '=HYPERLINK("http://example.org";"klik")',
    "command": "=cmd|' /C calc'!A0",
    "plus": "+32 57 33 33 33",
    "at": "@SUM(A1:A9)",
    "markup of the writer": "<r><t>&bad;</r>",
    "html": "<img src=x onerror=alert(1)> & 'aanhaling' \"",
    "url": "http://example.org/" + "x" * 3000,
    "emoji": "lek \N{FIRE ENGINE}\N{VARIATION SELECTOR-16} \N{FAMILY}",
    "right to left": "صنبور \N{RIGHT-TO-LEFT OVERRIDE}lek",
    "control characters": "a\x01b\x0bc\x1fd",
    "escape of Excel": "_x0041_ _x000A_ _x005F_",
    "no character": "a\ufffeb\uffff",
    "line ends": "een\r\ntwee\rdrie\nvier",
    "id": "007",
    "float": "1.2E+15",
    "percent": "50%",
    "spaces": "  voor en na  ",
    "longest": "x" * 32_767,
    "longest emoji": "\N{FIRE ENGINE}" * 16_383,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_comes_back_as_it_is(engine: sa.Engine, settings: Settings, text: str) -> None:
    send(settings, "a.csv", as_csv([good(1, Opmerking=text), good(2, Opmerking=text, **WRONG)]))
    answered(engine, settings)

    def texts(file_name: str) -> list[str | None]:
        with store.read(engine) as connection:
            query = sa.select(tables.raw_row.c.cells).join(
                tables.upload, tables.upload.c.upload_id == tables.raw_row.c.upload_id
            )
            found = connection.execute(query.where(tables.upload.c.file_name == file_name)).scalars()
            return [cells[12] for cells in found if len(cells) > 12 and str(cells[0]).startswith("W-")]

    sent = texts("a.csv")
    path = path_of(engine, settings, "a.csv")
    send(settings, "b.xlsx", path.read_bytes())
    answered(engine, settings)
    assert texts("b.xlsx") == sent[::-1]  # the refused one is first now
    assert len(sent) == 2
    assert dispositions(engine, "b.xlsx")["duplicate"] == 1
    sheet = openpyxl.load_workbook(path)["Controles"]
    assert all(cell.data_type in ("s", "n", "inlineStr") for row in sheet.iter_rows() for cell in row)
    assert not any(cell.hyperlink for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize("text", ["y" * 200_000, "\N{FIRE ENGINE}" * 20_000], ids=["ascii", "emoji"])
def test_a_cell_longer_than_excel_holds_is_cut_visibly(
    engine: sa.Engine, settings: Settings, text: str
) -> None:
    send(settings, "a.csv", as_csv([good(1, Opmerking=text)]))
    answered(engine, settings)

    cell = workbook_of(engine, settings, "a.csv")["Controles"].cell(2, HEADINGS.index("Opmerking") + 1).value
    assert cell.endswith(f"… [afgekapt: de cel telt {len(text)} tekens]")
    assert len(cell.encode("utf-16-le")) // 2 in (32_766, 32_767)


any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)


@given(texts=st.lists(any_text, min_size=1, max_size=20))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_written_texts_are_read_back(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    import xlsxwriter

    from hydrants import formats
    from hydrants.spreadsheet import STREAMED, write_text

    path = tmp_path_factory.mktemp("texts") / "a.xlsx"
    with xlsxwriter.Workbook(path, STREAMED) as book:
        sheet = book.add_worksheet("a")
        for row, text in enumerate(texts):
            write_text(sheet, row, 0, f"{row}", None)
            write_text(sheet, row, 1, text, None)
    (found,) = (
        [cells for _, cells in sheet.rows]
        for sheet in formats.read(path, formats.detect(path))
        if isinstance(sheet, formats.Sheet)
    )
    assert [cells[1] for cells in found] == texts


def test_names_of_sheets_are_ones_that_excel_takes() -> None:
    names = workbook.SheetNames()
    wanted = [
        *("Controle", "controle", "History", SUMMARY_SHEET, "a/b:c?[d]*\\", "'aan'", "", "\x01"),
        *("x" * 40, "x" * 41, "\N{FIRE ENGINE}" * 20, "naam (2)", "naam", "naam"),
    ]
    made = [names.new(name) for name in wanted]
    assert made[:4] == ["Controle", "controle (2)", "History (2)", f"{SUMMARY_SHEET} (2)"]
    assert made[4:8] == ["a_b_c__d___", "aan", "Controles", "_"]
    assert made[8:10] == ["x" * 31, "x" * 27 + " (2)"]
    assert made[11:] == ["naam (2)", "naam", "naam (3)"]
    assert len({name.casefold() for name in made}) == len(made)
    assert all(0 < len(name.encode("utf-16-le")) // 2 <= 31 for name in made)
    assert not any(re.search(r"[\[\]:*?/\\\x00-\x1f]|^'|'$", name) for name in made)


def test_a_list_longer_than_a_sheet_goes_on_on_the_next(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_SHEET_ROWS", 4)
    send(settings, "a.csv", as_csv([*(good(number) for number in range(1, 8)), good(8, **WRONG)]))
    answered(engine, settings)

    book = workbook_of(engine, settings, "a.csv")
    assert book.sheetnames == [SUMMARY_SHEET, "Controles", "Controles (2)", "Controles (3)"]
    lines = [lines_of(book, name) for name in book.sheetnames[1:]]
    assert [len(part) for part in lines] == [3, 3, 2]
    assert [line.own["Fiche"][-1] for part in lines for line in part if line.own["Fiche"]] == list("81234567")
    monkeypatch.undo()
    back = sent_back(engine, settings, "a.csv", {"W-33021-00008": {"Resultaat": "goedgekeurd"}})
    answered(engine, settings)
    found = dispositions(engine, back)
    found.pop("heading")
    assert found == {"duplicate": 7, "accepted": 1}


def test_text_beyond_the_headings_is_not_lost(engine: sa.Engine, settings: Settings) -> None:
    content = as_csv([good(1), good(2)]).rstrip() + b";verschoven\r\n"
    send(settings, "a.csv", content)
    answered(engine, settings)

    sheet = workbook_of(engine, settings, "a.csv")["Controles"]
    assert [cell.value for cell in sheet[1]] == [*HEADINGS, None, *ANSWER_COLUMNS]
    assert sheet.cell(2, len(HEADINGS) + 1).value == "verschoven"
    assert sheet.cell(2, len(HEADINGS) + 2).value == "geweigerd"


# -- where and when it is written --------------------------------------------------------------


def test_a_second_night_writes_nothing(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv(DIRTY))
    send(settings, "leeg.csv", b"")
    answered(engine, settings)
    before = {path: path.stat().st_mtime_ns for path in settings.site.rglob("*")}

    assert set(answered(engine, settings).values()) == {0}
    assert {path: path.stat().st_mtime_ns for path in settings.site.rglob("*")} == before


@pytest.mark.parametrize("damage", ["gone", "cut short", "site gone"])
def test_what_is_lost_is_written_again_byte_for_byte(
    engine: sa.Engine, settings: Settings, damage: str
) -> None:
    import shutil

    send(settings, "a.csv", as_csv(DIRTY))
    answered(engine, settings)
    before = receipt_files(settings)
    with store.read(engine) as connection:
        written_at = connection.execute(sa.select(tables.receipt.c.written_at)).scalar_one()
    path = path_of(engine, settings, "a.csv")
    if damage == "gone":
        path.unlink()
    elif damage == "cut short":
        os.truncate(path, 100)
    else:
        shutil.rmtree(settings.site)

    counts = answered(engine, settings)
    assert counts == {"receipts_written": 1, "receipts_changed": 0, "receipts_moved": 0}
    assert receipt_files(settings) == before
    with store.read(engine) as connection:  # its reader is told nothing new
        assert connection.execute(sa.select(tables.receipt.c.written_at)).scalar_one() == written_at


def test_a_receipt_is_written_anew_when_what_it_says_changes(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "b.csv", as_csv([good(1), good(2)]))
    send(settings, "c.csv", as_csv([good(3)]))
    answered(engine, settings)
    assert document_of(engine, settings, "b.csv")["counts"]["duplicate"] == 0

    # of rows that say the same the first by name is accepted, so that the order of arrival does not matter
    send(settings, "a.csv", as_csv([good(1)]))
    counts = answered(engine, settings)
    assert counts == {"receipts_written": 2, "receipts_changed": 2, "receipts_moved": 0}
    assert document_of(engine, settings, "b.csv")["duplicate_rows"][0]["repeats"]["file_name"] == "a.csv"


def test_a_receipt_follows_the_name_of_the_file_that_it_speaks_of(
    engine: sa.Engine, settings: Settings
) -> None:
    path = send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "z.csv", as_csv([good(1), good(2)]))
    answered(engine, settings)
    path.rename(path.with_name("maart.csv"))

    assert answered(engine, settings)["receipts_written"] == 2
    document = document_of(engine, settings, "z.csv")
    assert [row["repeats"]["file_name"] for row in document["duplicate_rows"]] == ["maart.csv"]


def test_the_order_of_arrival_changes_nothing(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    files = {
        "a.csv": as_csv(DIRTY),
        "b.xlsx": valid_files.workbook([good(1), good(3), good(20)]),
        "c.csv": as_csv([good(20), good(21)]),
    }
    for name in reversed(files):
        send(settings, name, files[name])
        answered(engine, settings)
    found = {name: document_of(engine, settings, name) for name in files}

    other = store.create_engine(f"sqlite:///{tmp_path}/other.sqlite")
    store.migrate(other)
    there = settings.model_copy(update={name: tmp_path / f"other_{name}" for name in ("landing", "site")})
    from hydrants import reference

    with store.write(other) as connection:
        reference.sync(connection)
    answered(other, there)
    straight = {name: document_of(other, there, name) for name in files}
    other.dispose()
    for document in (*found.values(), *straight.values()):
        del document["upload"]["received_at"]
    assert found == straight
    assert {name: document["counts"]["duplicate"] for name, document in found.items()} == {
        "a.csv": 1,
        "b.xlsx": 2,
        "c.csv": 1,
    }


def test_a_receipt_follows_its_upload_to_another_firm(engine: sa.Engine, settings: Settings) -> None:
    other = ("interwest", "38014")
    path = send(settings, "a.csv", as_csv([good(1)]), other)
    answered(engine, settings, other)
    assert sorted(receipt_files(settings))[0].startswith("interwest/38014/a.csv-")
    target = settings.uploads.joinpath(*BATCH, "a.csv")
    target.parent.mkdir(parents=True)
    path.rename(target)

    landing.run(engine, settings, *BATCH)
    answered(engine, settings, other)
    counts = answered(engine, settings)
    assert counts == {"receipts_written": 1, "receipts_changed": 1, "receipts_moved": 1}
    names = [name for name in receipt_files(settings) if name.endswith((".xlsx", ".json"))]
    assert len(names) == 2
    assert all(name.startswith("westlandia/33021/a.csv-") for name in names)
    pages = {firm: receipt_files(settings)[f"{firm}/index.html"].decode() for firm in ("interwest", BATCH[0])}
    assert "a.csv" not in pages["interwest"]
    assert "a.csv" in pages["westlandia"]


def test_a_receipt_goes_by_the_name_of_its_upload(engine: sa.Engine, settings: Settings) -> None:
    path = send(settings, "z.csv", as_csv([good(1)]))
    answered(engine, settings)
    path.rename(path.with_name("Wéék 12 (b).csv"))
    counts = answered(engine, settings)
    assert counts["receipts_moved"] == 1
    names = [path.name for path in path_of(engine, settings, "Wéék 12 (b).csv").parent.iterdir()]
    assert sorted(re.sub("[0-9a-f]{8}", "#", name) for name in names) == [
        "Week_12_b_.csv-#.json",
        "Week_12_b_.csv-#.xlsx",
    ]


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("lijst.csv", "lijst.csv"),
        ("../../etc/passwd", "etc_passwd"),
        ("\N{FIRE ENGINE}\N{FIRE ENGINE}", "bestand"),
        (".verborgen", "verborgen"),
        ("a\nb\x1b[31m.csv", "a_b_31m.csv"),
        ("<img src=x>.csv", "img_src_x_.csv"),
        ("x" * 300, "x" * 80),
    ],
)
def test_names_of_files_are_safe_anywhere(file_name: str, expected: str) -> None:
    path = places.receipt_path("westlandia", "33021", file_name, "0123456789abcdef" * 4)
    assert path == f"private/westlandia/33021/{expected}-01234567"


def test_two_files_whose_hashes_start_alike_both_have_a_receipt(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = places.receipt_path

    def alike(contractor: str, nis: str, file_name: str, sha256: str, digits: int = 0) -> str:
        return straight(contractor, nis, "lijst.csv", sha256, digits)

    monkeypatch.setattr(places, "receipt_path", alike)
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "b.csv", as_csv([good(2)]))
    answered(engine, settings)
    assert len([name for name in receipt_files(settings) if name.endswith(".xlsx")]) == 2
    assert {document_of(engine, settings, f"{name}.csv")["upload"]["file_name"] for name in "ab"} == {
        "a.csv",
        "b.csv",
    }


def test_nobody_but_the_web_server_may_read(engine: sa.Engine, settings: Settings) -> None:
    mask = os.umask(0)
    try:
        send(settings, "a.csv", as_csv([good(1)]))
        answered(engine, settings)
    finally:
        os.umask(mask)
    private = settings.site / "private"
    folders = [private, *(path for path in private.rglob("*") if path.is_dir())]
    files = [path for path in private.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o750}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    assert (len(folders), len(files)) == (3, 4)


@pytest.mark.parametrize("survives", range(3))
def test_a_run_that_is_cut_short_is_finished_by_the_next(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    send(settings, "a.csv", as_csv(DIRTY))
    send(settings, "b.csv", as_csv([good(9)]))
    straight, seen = places.put_in_place, []

    def killed(target: Path) -> None:
        seen.append(target)
        if len(seen) > survives:
            raise KeyboardInterrupt
        straight(target)

    monkeypatch.setattr(places, "put_in_place", killed)
    with pytest.raises(KeyboardInterrupt):
        answered(engine, settings)
    monkeypatch.undo()
    assert answered(engine, settings)["receipts_written"] == 2 - survives // 2
    assert set(answered(engine, settings).values()) == {0}
    names = sorted(Path(name).suffix for name in receipt_files(settings))
    assert names == [".css", ".html", ".json", ".json", ".xlsx", ".xlsx"]
    assert document_of(engine, settings, "a.csv")["counts"]["received"] == 7


def test_two_runs_at_once_write_each_receipt_once(engine: sa.Engine, settings: Settings) -> None:
    for number in range(6):
        send(settings, f"{number}.csv", as_csv([good(number), good(number + 10, **WRONG)]))
    for stage in (landing, reading, validation):
        stage.run(engine, settings, *BATCH)
    written: list[int] = []

    def work() -> None:
        written.append(receipts.run(engine, settings, *BATCH)["receipts_written"])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [0, 0, 6]
    assert len([name for name in receipt_files(settings) if name.endswith(".xlsx")]) == 6


def test_memory_does_not_grow_with_the_rows(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_ROWS_PER_CHUNK", 200)
    monkeypatch.setattr(workbook, "_MEASURED_ROWS", 100)  # of each of these the height is remembered
    rows._query.cache_clear()  # the number stands in the query

    def peak_bytes(name: str, count: int, first: int) -> int:
        listed = [
            good(number, **(WRONG if number % 3 == 0 else {})) for number in range(first, first + count)
        ]
        send(settings, name, as_csv(listed))
        for stage in (landing, reading, validation):
            stage.run(engine, settings, *BATCH)
        tracemalloc.start()
        receipts.run(engine, settings, *BATCH)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes("warm.csv", 10, 1)
    small = peak_bytes("small.csv", 500, 1_000)
    large = peak_bytes("large.csv", 4_500, 10_000)
    monkeypatch.undo()
    rows._query.cache_clear()
    assert (
        large - small < 1_500_000
    )  # a piece of a file that is hashed; the rows themselves are ten times that
    counts = document_of(engine, settings, "large.csv")["counts"]
    assert counts["accepted"] + counts["refused"] == counts["received"] == 4_500
    assert counts["refused"] == 1_500


def test_every_kind_is_streamed_across_chunks(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_ROWS_PER_CHUNK", 2)
    rows._query.cache_clear()
    listed = [good(number % 7, **(WRONG if number % 2 else {})) for number in range(15)]
    send(settings, "a.csv", as_csv(listed))
    answered(engine, settings)
    monkeypatch.undo()
    rows._query.cache_clear()
    lines = lines_of(workbook_of(engine, settings, "a.csv"), "Controles")
    assert Counter(line.status for line in lines) == {"geweigerd": 7, "dubbel": 1, "aanvaard": 7}
    with store.read(engine) as connection:
        upload_id = connection.execute(sa.select(tables.upload.c.upload_id)).scalar_one()
        found = [row.row_number for _, row in rows.of_kind(connection, upload_id, 1, Kind.REFUSED)]
    assert found == [4, 6, 8, 10, 12, 14, 16]


# -- the page ----------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Elements, links and text of a page; refuses what a strict policy would not run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.text = ""
        self.language: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        found = dict(attributes)
        assert not {name for name in found if name.startswith("on") or name == "style"}
        self.language = found.get("lang", self.language) if tag == "html" else self.language
        if tag == "a":
            self.links.append(str(found["href"]))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_office_finds_its_receipts_on_a_page(engine: sa.Engine, settings: Settings) -> None:
    hostile = "<script>alert(1)<!--.csv"
    send(settings, "oud.csv", as_csv([good(1), good(2, **WRONG)]))
    answered(engine, settings)
    send(settings, hostile, as_csv([good(3)]))
    send(settings, "leeg.csv", b"")
    answered(engine, settings)

    folder = settings.site / "private" / "westlandia"
    html = (folder / "index.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(html)
    assert page.language == "nl"
    assert page.tags["script"] == page.tags["img"] == page.tags["style"] == 0
    assert "default-src 'none'" in html
    assert page.text.index(hostile) < page.text.index("oud.csv")
    assert "bestand geweigerd" in page.text
    assert "te verbeteren" in page.text
    assert len(page.links) == 6
    assert all((folder / link).is_file() for link in page.links)
    assert (folder / "receipts.css").is_file()


def test_a_firm_without_uploads_has_a_page_too(engine: sa.Engine, settings: Settings) -> None:
    receipts.run(engine, settings, "interwest", "38014")
    assert "nog geen bestanden" in receipt_files(settings)["interwest/index.html"].decode()


def test_each_firm_sees_its_own_only(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "b.csv", as_csv([good(2)]), ("interwest", "38014"))
    answered(engine, settings)
    answered(engine, settings, ("interwest", "38014"))
    files = receipt_files(settings)
    assert b"b.csv" not in files["westlandia/index.html"]
    assert b"a.csv" not in files["interwest/index.html"]


def test_the_newest_file_costs_as_its_length(engine: sa.Engine, settings: Settings) -> None:
    """Of rows that came after PostgreSQL last looked at a table it expects one."""
    rows_sent = 3000
    if engine.dialect.name != "postgresql":
        return  # SQLite has no such expectations
    for number in range(4):
        first = 1000 * number
        send(settings, f"{number}.csv", as_csv(good(first + row) for row in range(1000)))
    answered(engine, settings)
    store.refresh_statistics(engine, tables.raw_row, tables.ledger, tables.record)
    before = _rows_looked_at(engine)
    repeated = [*range(10_000, 10_000 + rows_sent - 1), 10_000]
    send(settings, "newest.csv", as_csv(good(row, Resultaat="goedgekeurt") for row in repeated))
    answered(engine, settings)
    after = _rows_looked_at(engine)
    looked_at = {name: after[name] - before[name] for name in after}
    assert max(looked_at.values()) < 20 * rows_sent, looked_at  # else each is held against each
    assert min(looked_at.values()) >= rows_sent, looked_at


def _rows_looked_at(engine: sa.Engine) -> dict[str, int]:
    """How many rows of each table were ever fetched, by an index or without."""
    engine.dispose()  # what a connection did is told by its end at the latest
    others = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    told = (
        "SELECT relname, coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) FROM pg_stat_user_tables "
        "WHERE relname IN ('raw_row', 'ledger', 'record')"
    )
    with engine.connect() as connection:
        for _ in range(200):
            if not connection.exec_driver_sql(others).scalar_one():
                break
            time.sleep(0.05)
        return {name: int(rows) for name, rows in connection.exec_driver_sql(told)}
