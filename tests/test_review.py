"""Review: rows handed out as a workbook, decisions taken back, on both stores."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import review, store
from hydrants.errors import UploadRejected
from hydrants.store import tables

HYDRANTS = ("DWG-1001", "DWG-1002", "DWG-1003")
SHA_A, SHA_B = "a" * 64, "b" * 64


def put_row(
    connection: sa.Connection, upload_id: int, row_number: int, match: dict[str, Any], **record: Any
) -> None:
    row_id = upload_id * tables.ROWS_PER_UPLOAD + row_number
    key = {"row_id": row_id, "upload_id": upload_id}
    store.insert_rows(
        connection, tables.raw_row, [{**key, "sheet_number": 1, "row_number": row_number, "cells": []}]
    )
    values = {
        "contractor": "westlandia",
        "nis": "33021",
        "inspected_on": date(2019, 3, 14),
        "outcome": "failed",
        "is_reinspection": False,
        "is_withdrawn": False,
        "photos": [],
        "defects": [],
    }
    store.insert_rows(connection, tables.record, [{**key, **values, **record}])
    store.insert_rows(connection, tables.match, [{**key, "is_other_contractor": False, **match}])


@pytest.fixture
def world(engine: sa.Engine) -> sa.Engine:
    """Two uploads; of the first, rows 5 and 6 wait; of the second, row 2."""
    with store.write(engine) as connection:
        store.insert_rows(
            connection,
            tables.hydrant,
            [{"hydrant_id": h, "operator": "dewatergroep", "supplier_id": h[4:]} for h in HYDRANTS],
        )
        for upload_id, sha256, nis, name, sheet in (
            (1, SHA_A, "33021", "maart.xlsx", "Controle"),
            (2, SHA_B, "33011", "ieper.csv", ""),
        ):
            upload = {"upload_id": upload_id, "sha256": sha256, "contractor": "westlandia", "nis": nis}
            upload |= {"file_name": name, "size_bytes": 1, "landed_at": store.utc_now()}
            store.insert_rows(connection, tables.upload, [upload])
            sheet_row = {
                "upload_id": upload_id,
                "sheet_number": 1,
                "format": "xlsx",
                "sheet": sheet,
                "blank_rows": 0,
            }
            store.insert_rows(connection, tables.raw_sheet, [sheet_row])
        put_row(
            connection,
            1,
            5,
            {
                "verdict": "review",
                "score": 0.62,
                "distance_m": 7.25,
                "best_hydrant_id": "DWG-1001",
                "runner_up_hydrant_id": "DWG-1002",
                "runner_up_score": 0.36,
            },
            hydrant_ref="1O01",
            address_text="Dorpsstraat t.o. 14",
            remark='=HYPERLINK("http://example.invalid")',
        )
        put_row(connection, 1, 6, {"verdict": "new"}, outcome="not_found")
        put_row(connection, 1, 7, {"verdict": "linked", "hydrant_id": "DWG-1003", "score": 0.99})
        put_row(connection, 1, 8, {"verdict": "linked", "hydrant_id": "DWG-1002", "score": 0.97})
        put_row(
            connection,
            1,
            9,
            {"verdict": "review", "score": 0.8, "best_hydrant_id": "DWG-1003"},
            superseded_by_row_id=10_000_005,
        )
        put_row(
            connection, 2, 2, {"verdict": "review", "score": 0.8, "best_hydrant_id": "DWG-1003"}, nis="33011"
        )
    return engine


def lines(path: Path) -> list[dict[str, Any]]:
    rows = openpyxl.load_workbook(path)["Te beslissen"].iter_rows(values_only=True)
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def fill_in(path: Path, answers: dict[int, str | None], column: str = "Beslissing") -> None:
    """Write answers as a person would; keys are rows of the workbook, from 2."""
    workbook = openpyxl.load_workbook(path)
    sheet = workbook["Te beslissen"]
    position = [cell.value for cell in sheet[1]].index(column) + 1
    for row, answer in answers.items():
        sheet.cell(row, position).value = answer
    workbook.save(path)


def held(engine: sa.Engine) -> list[tuple[Any, ...]]:
    with store.read(engine) as connection:
        frame = review.active(connection)
    columns = ["sha256", "sheet", "row_number", "verdict", "hydrant_id"]
    return list(frame[columns].itertuples(index=False, name=None))


def test_a_remark_that_looks_like_markup_is_text(world: sa.Engine, tmp_path: Path) -> None:
    remark = "<r><t>boem</t></r>"
    with store.write(world) as connection:
        connection.execute(sa.update(tables.record).values(remark=remark))
    review.export(world, tmp_path / "review.xlsx")
    assert {line["Opmerking"] for line in lines(tmp_path / "review.xlsx")} == {remark}


def test_the_workbook_says_what_the_row_says_and_what_was_found(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "out" / "review.xlsx"
    assert review.export(world, path) == 3
    ieper, first, second = lines(path)
    assert first == {
        "sha256": SHA_A,
        "Bestand": "maart.xlsx",
        "Blad": "Controle",
        "Rij": 5,
        "Firma": "westlandia",
        "Gemeente": "Poperinge",
        "Nr. volgens rij": "1O01",
        "Datum": datetime(2019, 3, 14),  # noqa: DTZ001 - Excel knows no time zones
        "Adres": "Dorpsstraat t.o. 14",
        "Resultaat": "afgekeurd",
        "Opmerking": '=HYPERLINK("http://example.invalid")',
        "Waarom": "dubbelzinnig: twee brandkranen komen in aanmerking",
        "Beste kandidaat": "DWG-1001",
        "Kans": 0.62,
        "Afstand (m)": 7.25,
        "Tweede kandidaat": "DWG-1002",
        "Kans tweede": 0.36,
        "Beslissing": None,
        "Toelichting": None,
    }
    assert (second["Rij"], second["Resultaat"]) == (6, "niet gevonden")
    assert second["Waarom"] == "geen brandkraan van het register in de buurt"
    assert (ieper["Rij"], ieper["Waarom"]) == (2, "niet zeker genoeg om vanzelf te koppelen")
    assert list(path.parent.iterdir()) == [path]  # nothing half-written is left


def test_a_row_with_neither_place_nor_known_number_is_handed_out_too(
    world: sa.Engine, tmp_path: Path
) -> None:
    with store.write(world) as connection:
        put_row(connection, 1, 10, {"verdict": "unlocated"}, hydrant_ref="99")
    path = tmp_path / "review.xlsx"
    assert review.export(world, path) == 4
    assert (lines(path)[3]["Rij"], lines(path)[3]["Waarom"]) == (10, "geen plaats en geen gekend nummer")


def test_the_workbook_helps_and_does_no_harm(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    sheet = openpyxl.load_workbook(path)["Te beslissen"]
    assert sheet.column_dimensions["A"].hidden
    assert sheet.freeze_panes == "A2"
    choices = {str(v.sqref): v.formula1 for v in sheet.data_validations.dataValidation}
    assert choices == {"R2": '"DWG-1001,DWG-1002,nieuw"', "R3": '"nieuw"'}
    remark = next(cell for cell in sheet[2] if cell.value and str(cell.value).startswith("="))
    assert remark.data_type == "s"  # text, not a formula


@pytest.mark.parametrize(
    ("contractor", "nis", "rows"),
    [
        (None, None, 3),
        ("westlandia", None, 3),
        ("interwest", None, 0),
        (None, "33021", 2),
        ("westlandia", "33011", 1),
    ],
)
def test_only_the_rows_of_one_firm_or_gemeente(
    world: sa.Engine, tmp_path: Path, contractor: str | None, nis: str | None, rows: int
) -> None:
    path = tmp_path / "review.xlsx"
    assert review.export(world, path, contractor, nis) == rows
    assert len(lines(path)) == rows


def test_decisions_come_back_and_their_rows_are_not_handed_out_again(
    world: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: " dwg-1002 ", 3: "Nieuw"})
    fill_in(path, {2: "ter plaatse gezien"}, column="Toelichting")
    assert review.import_(world, path) == review.ReviewCounts(2, 0, 0, 0, ())
    assert held(world) == [
        (SHA_A, "Controle", 5, "linked", "DWG-1002"),
        (SHA_A, "Controle", 6, "new", None),
    ]
    with store.read(world) as connection:
        assert review.active(connection)["note"].tolist()[0] == "ter plaatse gezien"
    assert review.export(world, path) == 1


def test_a_file_without_sheets_is_decided_too(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33011")
    fill_in(path, {2: "DWG-1003"})
    assert review.import_(world, path).decided == 1
    assert held(world) == [(SHA_B, "", 2, "linked", "DWG-1003")]


def test_the_same_workbook_twice_changes_nothing_and_another_answer_replaces(
    world: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: "DWG-1001"})
    assert review.import_(world, path) == review.ReviewCounts(1, 0, 0, 1, ())
    assert review.import_(world, path) == review.ReviewCounts(0, 0, 1, 1, ())
    fill_in(path, {2: "DWG-1002"})
    assert review.import_(world, path) == review.ReviewCounts(0, 1, 0, 1, ())
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1002")]
    fill_in(path, {2: None})  # an emptied cell decides nothing, and takes nothing back
    assert review.import_(world, path) == review.ReviewCounts(0, 0, 0, 2, ())
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1002")]
    with store.read(world) as connection:
        stored = connection.execute(
            sa.select(tables.decision.c.hydrant_id, tables.decision.c.revoked_at).order_by(
                tables.decision.c.decision_id
            )
        ).all()
    assert [(row.hydrant_id, row.revoked_at is None) for row in stored] == [
        ("DWG-1001", False),
        ("DWG-1002", True),
    ]


def test_what_cannot_be_taken_over_is_named_and_the_rest_is(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path)
    fill_in(path, {2: "DWG-9999", 3: "DWG-1001", 4: "DWG-1002"})
    fill_in(path, {4: "c" * 64}, column="sha256")
    counts = review.import_(world, path)
    assert counts.decided == 1
    assert [(error.row, error.message_nl.split(":")[0]) for error in counts.errors] == [
        (2, "brandkraan 'DWG-9999' staat niet in het register"),
        (4, "deze rij is niet gekend"),
    ]
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1001")]


def test_a_row_that_stands_there_twice_is_decided_once(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: "DWG-1001", 3: "DWG-1002"})
    fill_in(path, {3: "5"}, column="Rij")  # typed over, as text
    counts = review.import_(world, path)
    assert counts.decided == 1
    assert [(error.row, error.message_nl) for error in counts.errors] == [
        (3, "deze rij staat er tweemaal in, ook op rij 2")
    ]


def test_revoked_decisions_no_longer_hold(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path)
    fill_in(path, {2: "nieuw", 3: "DWG-1001"})
    review.import_(world, path)
    with store.read(world) as connection:
        ids = review.active(connection)["decision_id"].tolist()
    assert review.revoke(world, ids[:1]) == 1
    assert review.revoke(world, ids[:1]) == 0
    assert held(world) == [(SHA_B, "", 2, "new", None)]
    assert review.export(world, path) == 2


def test_nothing_waits(engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    assert review.export(engine, path) == 0
    assert review.import_(engine, path) == review.ReviewCounts(0, 0, 0, 0, ())
    assert held(engine) == []


def test_other_files_are_refused_in_dutch(engine: sa.Engine, tmp_path: Path) -> None:
    text = tmp_path / "a.xlsx"
    text.write_text("geen werkboek", encoding="utf-8")
    with pytest.raises(UploadRejected, match=r"a\.xlsx is geen Excel-bestand"):
        review.import_(engine, text)
    other = tmp_path / "b.xlsx"
    workbook = openpyxl.Workbook()
    workbook.save(other)
    with pytest.raises(UploadRejected, match="heeft geen blad 'Te beslissen'"):
        review.import_(engine, other)
    workbook.active.title = "Te beslissen"
    workbook.save(other)
    with pytest.raises(UploadRejected, match="mist de kolom 'sha256'"):
        review.import_(engine, other)
    with pytest.raises(UploadRejected, match="is geen Excel-bestand"):
        review.import_(engine, tmp_path / "absent.xlsx")
