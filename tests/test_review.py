"""Review: rows handed out as a workbook, decisions taken back, on both stores."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import night, proposals, reference, register, review, store
from hydrants.errors import UnusableSetting, UploadRejected
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import as_csv, send
from tests.command_line import called
from tests.test_by_hand import HYDRANTS as FOUR
from tests.test_by_hand import SQUARES, here, links, seen

HYDRANTS = ("DWG-1001", "DWG-1002", "DWG-1003")
SHA_A, SHA_B = "a" * 64, "b" * 64


def put_version(connection: sa.Connection, version: int) -> None:
    row = {"register_version_id": version, "operator": "dewatergroep", "sha256": f"{version:064d}"}
    row |= {"file_name": f"{version}.csv", "exported_on": date(2019, 1, version), "scope": []}
    store.insert_rows(
        connection, tables.register_version, [{**row, "loaded_at": store.utc_now(), "counts": {}}]
    )


def remove(engine: sa.Engine, hydrant_id: str) -> None:
    """A newer register has the hydrant no longer."""
    state = tables.hydrant_state
    with store.write(engine) as connection:
        put_version(connection, 2)
        gone = sa.update(state).where(state.c.hydrant_id == hydrant_id).values(to_version_id=2)
        connection.execute(gone)


def put_row(
    connection: sa.Connection, upload_id: int, row_number: int, match: dict[str, Any], **record: Any
) -> None:
    row_id = upload_id * tables.ROWS_PER_UPLOAD + row_number
    key = {"row_id": row_id, "upload_id": upload_id}
    store.insert_rows(
        connection, tables.raw_row, [{**key, "sheet_number": 1, "row_number": row_number, "cells": []}]
    )
    store.insert_rows(connection, tables.ledger, [{**key, "disposition": "accepted", "reasons": []}])
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
        put_version(connection, 1)
        store.insert_rows(
            connection,
            tables.hydrant,
            [{"hydrant_id": h, "operator": "dewatergroep", "supplier_id": h[4:]} for h in HYDRANTS],
        )
        states = [
            {
                "hydrant_id": h,
                "from_version_id": 1,
                "row_number": n,
                "nis": "33021",
                "x_l72": 0.0,
                "y_l72": 0.0,
            }
            for n, h in enumerate(HYDRANTS, start=2)
        ]
        store.insert_rows(connection, tables.hydrant_state, states)
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


def fill_in(path: Path, answers: Mapping[int, str | float | None], column: str = "Beslissing") -> None:
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
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(2, 0, 0, 0, ())
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
    assert review.import_(world, tmp_path / "landing", path).decided == 1
    assert held(world) == [(SHA_B, "", 2, "linked", "DWG-1003")]


def test_the_same_workbook_twice_changes_nothing_and_another_answer_replaces(
    world: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: "DWG-1001"})
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(1, 0, 0, 1, ())
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(0, 0, 1, 1, ())
    fill_in(path, {2: "DWG-1002"})
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(0, 1, 0, 1, ())
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1002")]
    fill_in(path, {2: None})  # an emptied cell decides nothing, and takes nothing back
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(0, 0, 0, 2, ())
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
    counts = review.import_(world, tmp_path / "landing", path)
    assert counts.decided == 1
    assert [(error.row, error.message_nl.split(":")[0]) for error in counts.errors] == [
        (2, "brandkraan 'DWG-9999' staat niet in het register"),
        (4, "deze rij is niet gekend"),
    ]
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1001")]


@pytest.mark.parametrize(
    ("first", "second", "decided", "errors"),
    [
        (
            *("DWG-1001", "DWG-1002", []),
            [
                (2, "deze rij staat er ook op rij 3, met een ander antwoord: geen ervan telt"),
                (3, "deze rij staat er ook op rij 2, met een ander antwoord: geen ervan telt"),
            ],
        ),
        (
            *("DWG-1001", "DWG-9999", []),
            [
                (2, "deze rij staat er ook op rij 3, met een ander antwoord: geen ervan telt"),
                (3, "brandkraan 'DWG-9999' staat niet in het register"),
            ],
        ),
        ("DWG-1001", "dwg-1001", [(SHA_A, "Controle", 5, "linked", "DWG-1001")], []),
        ("nieuw", "Nieuw", [(SHA_A, "Controle", 5, "new", None)], []),
        ("nieuw", None, [(SHA_A, "Controle", 5, "new", None)], []),
    ],
)
def test_a_row_that_stands_there_twice(
    world: sa.Engine,
    tmp_path: Path,
    first: str,
    second: str | None,
    decided: list[tuple[Any, ...]],
    errors: list[tuple[int, str]],
) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: first, 3: second})
    fill_in(path, {3: "5"}, column="Rij")  # typed over, as text
    counts = review.import_(world, tmp_path / "landing", path)
    assert counts.decided == len(decided)
    assert [tuple(error) for error in counts.errors] == errors
    assert held(world) == decided


@pytest.mark.parametrize("written", [5.0, "5.0", "5,00", " 5 "])
def test_the_number_of_a_row_may_have_become_a_decimal_number(
    world: sa.Engine, tmp_path: Path, written: float | str
) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: "DWG-1001"})
    fill_in(path, {2: written}, column="Rij")
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(1, 0, 0, 1, ())


@pytest.mark.parametrize("written", ["5.5", "-5", "vijf", "9" * 5_000, 6_000_000_000])
def test_what_is_no_number_of_a_row_is_told(world: sa.Engine, tmp_path: Path, written: int | str) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: "DWG-1001"})
    fill_in(path, {2: written}, column="Rij")
    (error,) = review.import_(world, tmp_path / "landing", path).errors
    assert error.message_nl.startswith("deze rij is niet gekend")


@pytest.mark.parametrize(
    ("answer", "hydrant_id", "told"),
    [
        ("DWG-1001", "DWG-1001", None),
        ("dwg-1001", "dwg-1001", None),
        ("Dwg-1001", None, "kan DWG-1001 of dwg-1001 zijn"),
        ("Dwg-1002", "DWG-1002", None),
    ],
)
def test_ids_that_differ_by_their_case_only(
    world: sa.Engine, tmp_path: Path, answer: str, hydrant_id: str | None, told: str | None
) -> None:
    twin = {"hydrant_id": "dwg-1001", "from_version_id": 1, "row_number": 99, "nis": "33021"}
    with store.write(world) as connection:
        hydrant = {"hydrant_id": "dwg-1001", "operator": "dewatergroep", "supplier_id": "x"}
        store.insert_rows(connection, tables.hydrant, [hydrant])
        store.insert_rows(connection, tables.hydrant_state, [{**twin, "x_l72": 0.0, "y_l72": 0.0}])
    path = tmp_path / "review.xlsx"
    review.export(world, path, nis="33021")
    fill_in(path, {2: answer})
    counts = review.import_(world, tmp_path / "landing", path)
    assert [row[-1] for row in held(world)] == ([hydrant_id] if hydrant_id else [])
    assert [told in error.message_nl for error in counts.errors] == ([True] if told else [])


def test_revoked_decisions_no_longer_hold(world: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path)
    fill_in(path, {2: "nieuw", 3: "DWG-1001"})
    review.import_(world, tmp_path / "landing", path)
    with store.read(world) as connection:
        ids = review.active(connection)["decision_id"].tolist()
    assert review.revoke(world, tmp_path / "landing", ids[:1]) == 1
    assert review.revoke(world, tmp_path / "landing", ids[:1]) == 0
    assert held(world) == [(SHA_B, "", 2, "new", None)]
    assert review.export(world, path) == 2


def decide(world: sa.Engine, path: Path) -> None:
    """Ieper 2 is DWG-1003, Poperinge 5 is DWG-1002, Poperinge 6 is new: decisions 1 to 3 in that order."""
    review.export(world, path)
    fill_in(path, {2: "DWG-1003", 3: "DWG-1002", 4: "nieuw"})
    fill_in(path, {3: "ter plaatse\ngezien"}, column="Toelichting")
    assert review.import_(world, path.parent / "landing", path).decided == 3


def standing(engine: sa.Engine, **only: str) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        return review.listed(connection, **only)


def test_decisions_that_hold_are_listed_with_every_name_of_their_file(
    world: sa.Engine, tmp_path: Path
) -> None:
    decide(world, tmp_path / "review.xlsx")
    with store.write(world) as connection:
        seen = {"upload_id": 1, "contractor": "westlandia", "nis": "33021", "seen_at": store.utc_now()}
        names = ("zelfde.xlsx", "maart.xlsx")
        store.insert_rows(connection, tables.delivery, [{**seen, "file_name": name} for name in names])
    lines = standing(world)
    moments = [line.pop("decided_at") for line in lines]
    assert [(datetime.now(UTC) - moment).total_seconds() < 600 for moment in moments] == [True] * 3
    assert {moment.utcoffset() for moment in moments} == {timedelta(0)}
    held_still = {"is_registered": True, "remark_nl": None}
    poperinge = {
        "files": ["westlandia/33021/maart.xlsx", "westlandia/33021/zelfde.xlsx"],
        "sha256": SHA_A,
        "sheet": "Controle",
    }
    assert lines == [
        {
            "decision_id": 1,
            "files": ["westlandia/33011/ieper.csv"],
            "sha256": SHA_B,
            "sheet": "",
            "row": 2,
            "verdict": "linked",
            "hydrant_id": "DWG-1003",
            "note": None,
            **held_still,
        },
        {
            "decision_id": 2,
            **poperinge,
            "row": 5,
            "verdict": "linked",
            "hydrant_id": "DWG-1002",
            "note": "ter plaatse\ngezien",
            **held_still,
        },
        {
            "decision_id": 3,
            **poperinge,
            "row": 6,
            "verdict": "new",
            "hydrant_id": None,
            "note": None,
            **held_still,
        },
    ]


@pytest.mark.parametrize(
    ("only", "decision_ids"),
    [
        ({}, [1, 2, 3]),
        ({"contractor": "westlandia"}, [1, 2, 3]),
        ({"contractor": "interwest"}, []),
        ({"nis": "33011"}, [1]),
        ({"contractor": "westlandia", "nis": "33021"}, [2, 3]),
    ],
)
def test_only_the_decisions_of_one_firm_or_gemeente(
    world: sa.Engine, tmp_path: Path, only: dict[str, str], decision_ids: list[int]
) -> None:
    decide(world, tmp_path / "review.xlsx")
    assert [line["decision_id"] for line in standing(world, **only)] == decision_ids


def test_a_decision_that_outlives_its_hydrant_is_told_and_decided_anew(
    world: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "review.xlsx"
    decide(world, path)
    assert review.export(world, tmp_path / "rest.xlsx") == 0
    remove(world, "DWG-1002")
    remarks = {line["row"]: (line["is_registered"], line["remark_nl"]) for line in standing(world)}
    assert remarks == {2: (True, None), 5: (False, "niet meer in het register"), 6: (True, None)}
    with store.read(world) as connection:
        assert {one.hydrant_ids: one.is_clear for one in review.said(connection).values()} == {
            ("DWG-1003",): True,
            ("DWG-1002",): False,
            ("",): True,
        }
        assert review.active(connection)["row_number"].tolist() == [5, 6, 2]
    assert review.export(world, tmp_path / "rest.xlsx") == 1
    again = lines(tmp_path / "rest.xlsx")[0]
    assert (again["Rij"], again["Waarom"]) == (
        5,
        "eerder beslist: DWG-1002, die niet meer in het register staat",
    )
    refused = review.import_(world, tmp_path / "landing", path)
    assert [tuple(error) for error in refused.errors] == [
        (3, "brandkraan 'DWG-1002' staat niet meer in het register: kies een andere, of 'nieuw'")
    ]
    fill_in(tmp_path / "rest.xlsx", {2: "dwg-1001"})
    assert review.import_(world, tmp_path / "landing", tmp_path / "rest.xlsx") == review.ReviewCounts(
        0, 1, 0, 0, ()
    )
    assert [(line["row"], line["hydrant_id"], line["remark_nl"]) for line in standing(world)] == [
        (2, "DWG-1003", None),
        (5, "DWG-1001", None),
        (6, None, None),
    ]


def test_a_decision_on_a_file_that_was_not_received_here_is_told(world: sa.Engine) -> None:
    decision = {"sha256": "c" * 64, "sheet": "", "row_number": 9, "verdict": "new"}
    with store.write(world) as connection:
        store.insert_rows(connection, tables.decision, [{**decision, "decided_at": store.utc_now()}])
    assert [(line["files"], line["row"], line["remark_nl"]) for line in standing(world)] == [
        ([], 9, "bestand niet ontvangen")
    ]
    assert standing(world, nis="33021") == []


def test_undone_decisions_are_kept_as_revoked_and_their_rows_wait_again(
    world: sa.Engine, tmp_path: Path
) -> None:
    decide(world, tmp_path / "review.xlsx")
    undone = review.undo(world, tmp_path / "landing", [3, 1, 3])
    assert [(line["decision_id"], line["row"], line["hydrant_id"]) for line in undone] == [
        (1, 2, "DWG-1003"),
        (3, 6, None),
    ]
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1002")]
    assert review.export(world, tmp_path / "rest.xlsx") == 2
    with store.read(world) as connection:
        rows = connection.execute(sa.select(tables.decision).order_by(tables.decision.c.decision_id)).all()
    assert [(row.decision_id, row.verdict, row.revoked_at is not None) for row in rows] == [
        (1, "linked", True),
        (2, "linked", False),
        (3, "new", True),
    ]


def test_one_id_that_cannot_be_undone_keeps_all_from_it(world: sa.Engine, tmp_path: Path) -> None:
    decide(world, tmp_path / "review.xlsx")
    review.undo(world, tmp_path / "landing", [1])
    before = held(world)
    with pytest.raises(UnusableSetting) as told:
        review.undo(world, tmp_path / "landing", [1, 2, 77])
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert str(told.value) == (
        f"nothing is revoked: decision 1 was revoked already, on {today}; there is no decision 77; "
        "see 'hydrants review list'"
    )
    assert held(world) == before


def put_decision(
    engine: sa.Engine, row_number: int, hydrant_id: str | None, sheet: str = "Controle", **values: Any
) -> None:
    decision = {"sha256": SHA_A, "sheet": sheet, "row_number": row_number, "hydrant_id": hydrant_id}
    decision |= {"verdict": "linked" if hydrant_id else "new", "decided_at": store.utc_now()}
    with store.write(engine) as connection:
        store.insert_rows(connection, tables.decision, [{**decision, **values}])


def repeat(engine: sa.Engine, row_number: int, of: int) -> None:
    """A row of the first upload turns out to repeat another, as settling says it."""
    first = tables.ROWS_PER_UPLOAD
    with store.write(engine) as connection:
        put_row(connection, 1, row_number, {"verdict": "review"})
        for table in (tables.match, tables.record):
            connection.execute(sa.delete(table).where(table.c.row_id == first + row_number))
        repeats = sa.update(tables.ledger).where(tables.ledger.c.row_id == first + row_number)
        connection.execute(repeats.values(disposition="duplicate", duplicate_of_row_id=first + of))


@pytest.mark.parametrize("hydrant_id", [None, "DWG-1002"])
def test_what_was_decided_on_a_row_is_not_asked_of_the_row_that_it_repeats(
    world: sa.Engine, tmp_path: Path, hydrant_id: str | None
) -> None:
    repeat(world, 40, of=6)
    put_decision(world, 40, hydrant_id)
    assert review.export(world, tmp_path / "review.xlsx", nis="33021") == 1
    assert [line["Rij"] for line in lines(tmp_path / "review.xlsx")] == [5]


def test_decisions_that_contradict_each_other_wait_for_a_person_who_settles_them(
    world: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "review.xlsx"
    repeat(world, 40, of=5)
    put_decision(world, 40, "DWG-1002")
    put_decision(world, 5, None)
    assert {line["row"]: line["remark_nl"] for line in standing(world)} == {
        5: "tegengesproken door beslissing 1",
        40: "tegengesproken door beslissing 2",
    }
    assert review.export(world, path, nis="33021") == 2
    assert (lines(path)[0]["Rij"], lines(path)[0]["Waarom"]) == (
        5,
        "tegenstrijdig beslist, ook op herhalingen van deze rij: nieuw en DWG-1002",
    )
    fill_in(path, {2: "DWG-1001"})
    assert review.import_(world, tmp_path / "landing", path) == review.ReviewCounts(0, 1, 0, 1, ())
    assert held(world) == [(SHA_A, "Controle", 5, "linked", "DWG-1001")]
    assert review.export(world, path, nis="33021") == 1
    assert [line["remark_nl"] for line in standing(world)] == [None]


@pytest.mark.parametrize(
    ("row_number", "ledger", "record", "told"),
    [
        (5, {}, {}, None),
        (9, {}, {}, "vervangen door een nieuwere versie van hetzelfde verslag"),
        (5, {}, {"is_withdrawn": True}, "ingetrokken door de afzender"),
        (5, {"disposition": "quarantined"}, {}, "rij geweigerd"),
        (5, {"disposition": "heading"}, {}, "rij is een titel of kolomkop"),
        (99, {}, {}, "rij niet gelezen"),
    ],
)
def test_what_keeps_a_decision_from_having_effect_is_told(
    world: sa.Engine, row_number: int, ledger: dict[str, Any], record: dict[str, Any], told: str | None
) -> None:
    put_decision(world, row_number, "DWG-1003")
    with store.write(world) as connection:
        for table, values in ((tables.ledger, ledger), (tables.record, record)):
            at = table.c.row_id == tables.ROWS_PER_UPLOAD + row_number
            if values:
                connection.execute(sa.update(table).where(at).values(values))
    assert [line["remark_nl"] for line in standing(world)] == [told]


def test_undoing_a_decision_wakes_no_older_one(world: sa.Engine, tmp_path: Path) -> None:
    put_decision(world, 5, "DWG-1001")
    put_decision(world, 5, "DWG-1002")  # as when the table is copied twice
    put_decision(world, 6, "DWG-1002")
    with pytest.raises(UnusableSetting, match="decision 1 gave way to a newer one"):
        review.undo(world, tmp_path / "landing", [1])
    assert [line["decision_id"] for line in review.undo(world, tmp_path / "landing", [2])] == [2]
    assert held(world) == [(SHA_A, "Controle", 6, "linked", "DWG-1002")]


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/worksheets/sheet1.xml", b"<x"),
        ("xl/worksheets/sheet1.xml", b""),
        ("xl/worksheets/sheet1.xml", b"<a/>"),
        ("xl/styles.xml", b"<x"),
        ("xl/workbook.xml", b"<x"),
        ("xl/workbook.xml", b"<a/>"),
        ("[Content_Types].xml", b"<a/>"),
    ],
)
def test_a_broken_workbook_is_refused(world: sa.Engine, tmp_path: Path, part: str, content: bytes) -> None:
    review.export(world, tmp_path / "review.xlsx")
    broken = tmp_path / "stuk.xlsx"
    with zipfile.ZipFile(tmp_path / "review.xlsx") as whole, zipfile.ZipFile(broken, "w") as written:
        for name in whole.namelist():
            written.writestr(name, content if name == part else whole.read(name))
    with pytest.raises(
        UploadRejected, match=r"^stuk\.xlsx (is geen Excel-bestand|mist de kolom|heeft geen blad)"
    ):
        review.import_(world, tmp_path / "landing", broken)


def test_a_workbook_is_read_before_the_store_is_held(
    world: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "review.xlsx"
    review.export(world, path)
    fill_in(path, {2: "DWG-1001"})
    steps = []
    load, write = openpyxl.load_workbook, store.write

    def told(name: str, function: Any) -> Any:
        def called(*arguments: Any, **options: Any) -> Any:
            steps.append(name)
            return function(*arguments, **options)

        return called

    monkeypatch.setattr(openpyxl, "load_workbook", told("read", load))
    monkeypatch.setattr(store, "write", told("hold", write))
    assert review.import_(world, tmp_path / "landing", path).decided == 1
    assert steps == ["read", "hold"]


def test_decisions_are_labels_that_evaluate_reads(world: sa.Engine, tmp_path: Path) -> None:
    decide(world, tmp_path / "review.xlsx")
    with store.read(world) as connection:
        frame, left_out = review.labels(connection)
    assert left_out == 0
    assert frame.to_dict("split", index=False) == {
        "columns": ["file", "sheet", "row", "hydrant_id", "why", "bron", "sha256"],
        "data": [
            ["westlandia/33011/ieper.csv", "", 2, "DWG-1003", "", "beslissing van een persoon", SHA_B],
            [
                *("westlandia/33021/maart.xlsx", "Controle", 5, "DWG-1002"),
                *("ter plaatse\ngezien", "beslissing van een persoon", SHA_A),
            ],
            ["westlandia/33021/maart.xlsx", "Controle", 6, "", "", "beslissing van een persoon", SHA_A],
        ],
    }
    remove(world, "DWG-1002")
    with store.read(world) as connection:
        frame, left_out = review.labels(connection)
    assert (frame["row"].tolist(), left_out) == ([2, 6], 1)


def test_no_decision_makes_no_label(engine: sa.Engine) -> None:
    with store.read(engine) as connection:
        frame, left_out = review.labels(connection)
    assert (list(frame.columns), len(frame), left_out) == (
        ["file", "sheet", "row", "hydrant_id", "why", "bron", "sha256"],
        0,
        0,
    )


def test_the_command_line_lists_undoes_and_labels(world: sa.Engine, tmp_path: Path) -> None:
    decide(world, tmp_path / "review.xlsx")
    remove(world, "DWG-1003")
    told = called(world, tmp_path, "review", "list")
    assert (told.returncode, told.stderr) == (0, "")
    fields = [line.split("\t") for line in told.stdout.splitlines()]
    assert [[*line[:7], *line[8:]] for line in fields] == [
        ["1", "westlandia/33011/ieper.csv", "", "2", "linked", "DWG-1003", "", "niet meer in het register"],
        ["2", "westlandia/33021/maart.xlsx", "Controle", "5", "linked", "DWG-1002", "ter plaatse gezien", ""],
        ["3", "westlandia/33021/maart.xlsx", "Controle", "6", "new", "", "", ""],
    ]
    assert called(world, tmp_path, "review", "list", "--nis", "99999").returncode == 1

    labelled = called(world, tmp_path, "review", "labels", "labels.csv", "--json")
    assert json.loads(labelled.stdout) == {"labels": 2, "left_out": 1}
    assert (tmp_path / "labels.csv").read_text(encoding="utf-8") == (
        "file,sheet,row,hydrant_id,why,bron,sha256\n"
        'westlandia/33021/maart.xlsx,Controle,5,DWG-1002,"ter plaatse\ngezien",beslissing van een persoon,'
        f"{SHA_A}\nwestlandia/33021/maart.xlsx,Controle,6,,,beslissing van een persoon,{SHA_A}\n"
    )

    refused = called(world, tmp_path, "review", "revoke", "3", "77")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "nothing is revoked: there is no decision 77" in refused.stderr
    undone = called(world, tmp_path, "review", "revoke", "3", "1", "--json")
    assert [line["decision_id"] for line in json.loads(undone.stdout)] == [1, 3]
    left = json.loads(called(world, tmp_path, "review", "list", "--json").stdout)
    assert [(line["decision_id"], line["hydrant_id"]) for line in left] == [(2, "DWG-1002")]
    assert "1 revoked" in called(world, tmp_path, "review", "revoke", "2").stderr
    assert called(world, tmp_path, "review", "list").stderr.strip() == "no decision holds"


def test_nothing_waits(engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "review.xlsx"
    assert review.export(engine, path) == 0
    assert review.import_(engine, tmp_path / "landing", path) == review.ReviewCounts(0, 0, 0, 0, ())
    assert held(engine) == []


def test_other_files_are_refused_in_dutch(engine: sa.Engine, tmp_path: Path) -> None:
    text = tmp_path / "a.xlsx"
    text.write_text("geen werkboek", encoding="utf-8")
    with pytest.raises(UploadRejected, match=r"a\.xlsx is geen Excel-bestand"):
        review.import_(engine, tmp_path / "landing", text)
    other = tmp_path / "b.xlsx"
    workbook = openpyxl.Workbook()
    workbook.save(other)
    with pytest.raises(UploadRejected, match="heeft geen blad 'Te beslissen'"):
        review.import_(engine, tmp_path / "landing", other)
    workbook.active.title = "Te beslissen"
    workbook.save(other)
    with pytest.raises(UploadRejected, match="mist de kolom 'sha256'"):
        review.import_(engine, tmp_path / "landing", other)
    with pytest.raises(UploadRejected, match="is geen Excel-bestand"):
        review.import_(engine, tmp_path / "landing", tmp_path / "absent.xlsx")


__all__ = ["here"]  # a fixture

E_AT = (31_005.0, 171_008.0)
"""A fifth hydrant, near the middle between the first two."""


def load(engine: sa.Engine, settings: Settings, day: date, e_at: tuple[float, float] | None) -> None:
    """A register of the four hydrants of that world, E where it is said to stand, and news from Wervik."""
    places = FOUR | {f"{day:%Y%m%d}": (53_000.0, 163_000.0)} | ({"4444444": e_at} if e_at else {})
    lines = ["G3E_FID;NOMINALE_D;SOORT;X;Y;STR_NAMEN;LEIDING_D;CREATE_DAT"]
    lines += [f"{number};80;Ondergronds;{x};{y};;100;01/01/2000" for number, (x, y) in places.items()]
    path = settings.registers.parent / f"brandkranen_{day}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    register.load(engine, settings, "dewatergroep", path, exported_on=day, scope=list(SQUARES))


@pytest.fixture
def decided(engine: sa.Engine, here: Settings, tmp_path: Path) -> Settings:
    """A night of one doubtful row among A, B and E; a person says that it is E."""
    load(engine, here, date(2019, 2, 1), E_AT)
    send(here, "a.csv", as_csv([seen(1, "", (31_005, 171_002)), seen(2, "3333333", (32_000, 172_000))]))
    night.whole_night(engine, here)
    assert links(engine) == {"a.csv 3": "review", "a.csv 4": "DWG-3333333"}
    review.export(engine, tmp_path / "uit.xlsx")
    fill_in(tmp_path / "uit.xlsx", {2: "DWG-4444444"})
    review.import_(engine, tmp_path / "landing", tmp_path / "uit.xlsx")
    return here


E_LINKED = {"a.csv 3": "DWG-4444444", "a.csv 4": "DWG-3333333"}
E_WAITS = {"a.csv 3": "review", "a.csv 4": "DWG-3333333"}


def remark(engine: sa.Engine) -> str | None:
    (line,) = standing(engine)
    told: str | None = line["remark_nl"]
    return told


@pytest.mark.parametrize(
    ("e_at", "expected", "told", "waiting"),
    [
        (E_AT, E_LINKED, None, 0),
        ((31_005.0, 171_030.0), E_LINKED, None, 0),
        (None, E_WAITS, "niet meer in het register", 1),
    ],
    ids=["kept", "moved", "removed"],
)
def test_a_decision_survives_a_register_refresh(
    engine: sa.Engine,
    decided: Settings,
    tmp_path: Path,
    e_at: tuple[float, float] | None,
    expected: dict[str, str],
    told: str | None,
    waiting: int,
) -> None:
    for _ in range(2):
        night.whole_night(engine, decided)
        assert links(engine) == E_LINKED
    load(engine, decided, date(2019, 6, 1), e_at)
    for _ in range(2):
        night.whole_night(engine, decided)
        assert links(engine) == expected
        assert remark(engine) == told
        assert review.export(engine, tmp_path / "rest.xlsx") == waiting
    load(engine, decided, date(2019, 7, 1), (31_005.0, 171_008.5))
    night.whole_night(engine, decided)
    assert links(engine) == E_LINKED
    assert remark(engine) is None


def test_an_undone_decision_leaves_the_row_as_if_nobody_had_decided(
    engine: sa.Engine, decided: Settings
) -> None:
    night.whole_night(engine, decided)
    assert links(engine) == E_LINKED
    review.undo(engine, decided.landing, [1])
    night.whole_night(engine, decided)
    assert links(engine) == E_WAITS


def forget_all_but_decisions(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name != "decision":
                connection.execute(sa.delete(table))
        reference.sync(connection)


@pytest.mark.parametrize(
    ("e_at", "expected", "told"),
    [(E_AT, E_LINKED, None), (None, E_WAITS, "niet meer in het register")],
    ids=["registered", "never heard of"],
)
def test_a_decision_holds_in_a_rebuilt_database(
    engine: sa.Engine,
    decided: Settings,
    e_at: tuple[float, float] | None,
    expected: dict[str, str],
    told: str | None,
) -> None:
    forget_all_but_decisions(engine)
    load(engine, decided, date(2019, 6, 1), e_at)
    assert remark(engine) in ("bestand niet ontvangen", told)
    night.whole_night(engine, decided)
    assert links(engine) == expected
    assert remark(engine) == told


def test_a_filled_in_workbook_decides_in_a_new_database_too(
    engine: sa.Engine, decided: Settings, tmp_path: Path
) -> None:
    forget_all_but_decisions(engine)
    with store.write(engine) as connection:
        connection.execute(sa.delete(tables.decision))
    decided = decided.model_copy(update={"landing": tmp_path / "landing of its own"})
    load(engine, decided, date(2019, 6, 1), E_AT)
    night.whole_night(engine, decided)
    assert links(engine) == E_WAITS
    assert review.import_(engine, decided.landing, tmp_path / "uit.xlsx").decided == 1
    night.whole_night(engine, decided)
    assert links(engine) == E_LINKED


def test_a_decision_and_its_proposal_outlive_a_list_that_grows(
    engine: sa.Engine, here: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "review.xlsx"
    lonely = seen(1, "", (31_900.0, 171_900.0))
    send(here, "maart.csv", as_csv([lonely]))
    night.whole_night(engine, here)
    assert review.export(engine, path) == 1
    fill_in(path, {2: "nieuw"})
    review.import_(engine, tmp_path / "landing", path)
    night.whole_night(engine, here)
    assert review.export(engine, path) == 0
    with store.read(engine) as connection:
        (key,) = proposals.places(connection)["proposal_key"]
    # the row moves to the file that sorts first
    send(here, "april.csv", as_csv([lonely, seen(2, "", (33_000.0, 173_000.0))]))
    night.whole_night(engine, here)
    assert review.export(engine, path) == 1
    assert [(line["Bestand"], line["Rij"]) for line in lines(path)] == [("april.csv", 4)]
    with store.read(engine) as connection:
        places = proposals.places(connection)
    assert places.loc[places["is_decided"].astype(bool), "proposal_key"].tolist() == [key]
