# ruff: noqa: DTZ001 - what people write down has no time zone
"""Every row of every file ends in exactly one place, on both stores, and a re-run changes nothing."""

from __future__ import annotations

import io
import multiprocessing
from collections import Counter
from datetime import date, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from hydrants.store import tables
from tests import valid_files
from tests.batches import (
    ACCEPTED,
    HEADING,
    HEADINGS,
    Settled,
    as_csv,
    everything,
    good,
    night,
    rewrite_profile,
    send,
    settled,
)


def test_every_row_of_a_file_ends_in_one_place(engine: sa.Engine, settings: Settings) -> None:
    rows = [
        good(1),
        {},
        good(2, Resultaat="hm"),
        good(1),
        dict(zip(HEADINGS, HEADINGS, strict=True)),
        good(3, Opmerking="é"),
        {"Fiche": "Totaal", "Nr. brandkraan": "4"},
    ]
    send(settings, "a.csv", as_csv(rows, above=["VERZONNEN", "", ";;Periode: maart"]))
    counts = night(engine, settings)
    assert counts == {
        "accepted": 2,
        "quarantined": 2,
        "duplicates": 1,
        "files_rejected": 0,
        "files_held": 0,
        "resettled": 0,
    }
    assert settled(engine) == {
        ("a.csv", 1): HEADING,
        ("a.csv", 3): HEADING,
        ("a.csv", 4): HEADING,
        ("a.csv", 5): ACCEPTED,
        ("a.csv", 7): Settled("quarantined", ("OUTCOME_UNKNOWN",), None, None),
        ("a.csv", 8): Settled("duplicate", (), ("a.csv", 5), None),
        ("a.csv", 9): HEADING,
        ("a.csv", 10): ACCEPTED,
        ("a.csv", 11): Settled("quarantined", ("SUMMARY_ROW",), None, None),
    }
    with store.read(engine) as connection:
        recorded = connection.execute(sa.select(tables.record.c.row_id, tables.record.c.remark)).all()
    assert [(row_id % 10_000_000, remark) for row_id, remark in sorted(recorded, key=lambda row: row[0])] == [
        (4, None),
        (6, None),
        (8, "é"),
    ]


def test_a_rerun_changes_nothing(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1), good(2), good(1), good(3, Datum="")]))
    send(settings, "b.csv", as_csv([good(2, Resultaat="x", Gewijzigd_op="2019-06-01")]))
    send(settings, "c.csv", b"Datum;Adres;X\n14/03/2019;Dorpsstraat 14;1\n")
    assert sum(night(engine, settings).values()) == 6
    before = everything(engine)
    assert set(night(engine, settings).values()) == {0}
    assert everything(engine) == before


def _night(settings: Settings, barrier: Barrier, results: Any) -> None:
    engine = store.create_engine(settings.database_url)
    barrier.wait()
    results.put(night(engine, settings))
    engine.dispose()


def test_three_nights_at_once_are_one(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(number) for number in range(300)]))
    send(settings, "b.csv", as_csv([good(number) for number in range(200, 400)]))
    engine.dispose()
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_night, args=(settings, barrier, results)) for _ in range(3)]
    for process in processes:
        process.start()
    counts = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    dispositions = Counter(row.disposition for row in settled(engine).values())
    assert dispositions == {"accepted": 400, "duplicate": 100, "heading": 4}
    assert sum(count["accepted"] + count["duplicates"] for count in counts) == 500
    assert set(night(engine, settings).values()) == {0}


def test_a_file_without_required_columns_is_refused_as_a_whole(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", b"Datum;Adres;X\n14/03/2019;Dorpsstraat 14;1\n")
    send(settings, "b.csv", b"Datum;Resultaat;Datum\n14/03/2019;ok;14/03/2019\n")
    send(settings, "c.csv", as_csv([]))
    assert night(engine, settings)["files_rejected"] == 2
    assert settled(engine) == {("c.csv", 1): HEADING, ("c.csv", 2): HEADING}
    with store.read(engine) as connection:
        query = sa.select(tables.upload.c.rejected_because).order_by(tables.upload.c.file_name)
        reasons = connection.execute(query).scalars().all()
        counts = connection.execute(
            sa.select(tables.stage_state.c.counts).where(
                tables.stage_state.c.stage == "validation", tables.stage_state.c.scope.startswith("parse:")
            )
        ).scalars()
        notices = [notice for count in counts for notice in count["notices"]]
    assert reasons[0].startswith("Kolom 'Resultaat' ontbreekt (gevonden kolommen: Datum, Adres, X)")
    assert reasons[1].startswith("De kolommen 'Datum' (kolom 1) en 'Datum' (kolom 3) betekenen hetzelfde")
    assert reasons[2] is None
    assert notices == ["Het bestand bevat geen controles."]


def test_inspections_above_the_headings_are_no_titles(engine: sa.Engine, settings: Settings) -> None:
    above = as_csv([good(1), good(2, Diameter="dik")], above=[]).decode("utf-8-sig").splitlines()[1:]
    send(settings, "a.csv", as_csv([good(3)], above=["Afgedrukt;op;14/03/2019", *above]))
    assert night(engine, settings)["accepted"] == 2
    assert [(line, row.disposition) for (_, line), row in sorted(settled(engine).items())] == [
        (1, "heading"),
        (2, "accepted"),
        (3, "quarantined"),
        (4, "heading"),
        (5, "accepted"),
    ]


def test_columns_nobody_knows_are_reported(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", b"Datum;Resultaat;Adres;Ploeg;Bron\n14/03/2019;ok;Dorpsstraat 14;3;x\n")
    assert night(engine, settings)["accepted"] == 1
    state = tables.stage_state.c
    with store.read(engine) as connection:
        query = sa.select(state.counts).where(state.stage == "validation", state.scope.startswith("parse:"))
        assert connection.execute(query).scalar_one()["unknown_columns"] == ["Ploeg"]


def test_sheets_units_and_ignored_sheets(engine: sa.Engine, settings: Settings) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Controle"
    book.active.append(["Datum", "Resultaat", "Adres", "X", "Y", "Diameter"])
    book.active.append(["dd/mm/jjjj", None, None, "m", "m", "mm"])
    book.active.append([datetime(2019, 3, 14), "ok", "Dorpsstraat 14", 34567.25, 172345, 80])
    book.create_sheet("Legende").append(["x = niet in orde"])
    book.create_sheet("Notities").append(["bellen naar de gemeente"])
    stream = io.BytesIO()
    book.save(stream)
    send(settings, "a.xlsx", stream.getvalue())
    counts = night(engine, settings)
    assert (counts["accepted"], counts["quarantined"], counts["files_rejected"]) == (1, 1, 0)
    with store.read(engine) as connection:
        rows = connection.execute(
            sa.select(tables.ledger.c.disposition, tables.ledger.c.reasons).order_by(tables.ledger.c.row_id)
        ).all()
        record = connection.execute(sa.select(tables.record)).one()
    assert [row.disposition for row in rows] == ["heading", "heading", "accepted", "heading", "quarantined"]
    assert rows[-1].reasons[0]["code"] == "NO_TABLE"
    assert (record.inspected_on, record.x_given, record.diameter_mm) == (date(2019, 3, 14), 34567.25, 80)


def test_a_format_that_was_not_agreed_is_refused(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite_profile(tmp_path, monkeypatch, lambda document: document["formats"].pop("csv"))
    send(settings, "a.csv", as_csv([good(1)]))
    assert night(engine, settings)["files_rejected"] == 1


def test_the_day_after_landing_is_the_future(engine: sa.Engine, settings: Settings) -> None:
    still_running = settings.model_copy(update={"campaign_end": date(2999, 12, 31)})
    send(settings, "a.csv", as_csv([good(1, Datum="14/03/2019"), good(2, Datum="01/06/2998")]))
    night(engine, still_running)
    assert settled(engine)["a.csv", 4].codes == ("DATE_IN_FUTURE",)
    long_after = settings.model_copy(
        update={"campaign_end": date(2018, 1, 31), "campaign_start": date(2018, 1, 1)}
    )
    assert night(engine, long_after)["quarantined"] == 2


def test_a_word_added_to_the_profile_releases_its_rows(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, "a.csv", as_csv([good(1), good(2, Resultaat="prima"), good(1)]))
    send(settings, "b.csv", as_csv([good(2, Resultaat="prima"), good(4)]))
    night(engine, settings)
    assert settled(engine)["a.csv", 4].codes == ("OUTCOME_UNKNOWN",)
    rewrite_profile(
        tmp_path, monkeypatch, lambda document: document["lookups"]["outcome"]["ok"].append("prima")
    )
    counts = night(engine, settings)
    assert counts == {
        "accepted": 3,
        "quarantined": 0,
        "duplicates": 2,
        "files_rejected": 0,
        "files_held": 0,
        "resettled": 0,
    }
    assert settled(engine)["b.csv", 3] == Settled("duplicate", (), ("a.csv", 4), None)
    assert set(night(engine, settings).values()) == {0}


def test_a_row_at_the_end_of_the_calendar_is_refused_and_stops_nothing(
    engine: sa.Engine, settings: Settings
) -> None:
    hostile = [
        {"Datum": "9999-12-31T23:59:59.999"},
        {"Datum": "0001-01-01T00:00:00+14:00"},
        {"Gewijzigd_op": "9999-12-31T23:59:59-10:00"},
        {"X": "9" * 400},
    ]
    content = as_csv([good(number, **changes) for number, changes in enumerate([*hostile, {}])])
    send(settings, "a.csv", content)
    night(engine, settings)
    found = settled(engine)
    assert [found["a.csv", line].codes for line in range(3, 8)] == [
        *[("DATE_UNREADABLE",)] * 3,
        ("NUMBER_UNREADABLE",),
        (),
    ]


def test_rows_are_back_when_a_file_can_be_read_again(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in the profile refuses the firm's files for a night, and takes nothing away for good."""
    more = (
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
        "VALUES ('notities', 'features', 'notities', 4326);"
        "INSERT INTO gpkg_geometry_columns VALUES ('notities', 'geom', 'POINT', 4326, 0, 0);"
        "CREATE TABLE notities (fid INTEGER PRIMARY KEY, geom BLOB)"
    )
    rows = valid_files.point_rows([good(1), good(2)])
    send(settings, "a.gpkg", valid_files.geopackage(rows, more_sql=more))
    rewrite_profile(tmp_path / "right", monkeypatch, lambda document: document.update(layer="controles"))
    night(engine, settings)
    before = settled(engine)
    assert [row.disposition for row in before.values()] == ["accepted", "accepted"]
    with monkeypatch.context() as slip:
        rewrite_profile(tmp_path / "wrong", slip, lambda document: document.update(layer="contrloes"))
        night(engine, settings)
        assert settled(engine) == {}
    night(engine, settings)
    assert settled(engine) == before
