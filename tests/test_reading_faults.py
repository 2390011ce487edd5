"""A file that harms its reader is refused, the others are read, and a crash leaves nothing half."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import reading, store
from hydrants.reading import isolation
from hydrants.settings import Settings
from hydrants.store.tables import (
    hydrant,
    raw_photo,
    raw_row,
    raw_sheet,
    register_version,
    snapshot,
    snapshot_hydrant,
    stage_state,
    upload,
)
from tests.reading_programs import children, open_files, reader
from tests.test_reading import BATCH, CSV, land, stored

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def as_program(monkeypatch: pytest.MonkeyPatch, *programs: Sequence[str]) -> list[Path]:
    """Let each upload be read by the next of these programs, the last one from then on; what was read."""
    read = isolation.read
    asked: list[Path] = []

    @functools.wraps(read)
    def by_program(path: Path, *args: Any) -> Any:
        asked.append(path)
        return read(path, *args, programs[min(len(asked), len(programs)) - 1])

    monkeypatch.setattr(isolation, "read", by_program)
    return asked


def refusals(engine: sa.Engine) -> list[str | None]:
    return [row["rejected_because"] for row in stored(engine, upload)]


def test_the_night_goes_on_after_each_refused_file(engine: sa.Engine, settings: Settings) -> None:
    narrow = settings.model_copy(update={"read_file_mb": 1, "read_rows": 1_000, "read_output_mb": 1})
    contents = {
        "a groot.csv": b"a;b\n" * 300_000,
        "b lang.csv": b"a;b\n" * 1_001,
        "c breed.csv": b"a;" + b"x" * 1_100 + b"\n" + (b"a;" + b"x" * 1_100 + b"\n") * 900,
        "d leeg.csv": b"",
        "e goed.csv": CSV,
    }
    for name, content in contents.items():
        land(engine, narrow, name, content)
    assert reading.run(engine, narrow, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 4}
    for says, reason in zip(
        ("1.2 MB groot", "1000 rijen", "1 MB tekst", "leeg", None), refusals(engine), strict=True
    ):
        assert reason is None if says is None else says in (reason or "")
    assert {row["row_id"] // 10_000_000 for row in stored(engine, raw_row)} == {5}


def test_a_refused_file_is_read_again_when_the_limits_change(engine: sa.Engine, settings: Settings) -> None:
    land(engine, settings, "a.csv", CSV)
    land(engine, settings, "b.csv", CSV + CSV)
    narrow = settings.model_copy(update={"read_rows": 5})
    assert reading.run(engine, narrow, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 1}
    assert reading.run(engine, narrow, *BATCH) == {"files_read": 0, "rows_read": 0, "files_rejected": 0}
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 8, "files_rejected": 0}
    assert refusals(engine) == [None, None]
    assert reading.run(engine, narrow, *BATCH) == {"files_read": 0, "rows_read": 0, "files_rejected": 0}


KILLED = reader("yield 1, ['half']\nsignal.raise_signal(signal.SIGKILL)")


def test_a_process_that_is_killed_is_tried_once_more(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    asked = as_program(monkeypatch, KILLED, isolation.READER)
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 0}
    assert len(asked) == 2
    assert "half" not in str(stored(engine, raw_row))


def test_a_file_that_is_killed_over_and_again_does_not_stop_the_night(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    land(engine, settings, "a.csv", CSV)
    land(engine, settings, "b.csv", CSV + CSV)
    as_program(monkeypatch, KILLED, KILLED, isolation.READER)
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 8, "files_rejected": 1}
    assert refusals(engine) == [isolation.STUCK, None]
    assert "upload 1 is refused" in caplog.text


def test_what_is_not_the_files_fault_leaves_it_for_the_next_night(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/no/such/python")
        with pytest.raises(isolation.ReadingFailed):
            reading.run(engine, settings, *BATCH)
    assert refusals(engine) == [None]
    assert stored(engine, raw_row) == []
    assert reading.run(engine, settings, *BATCH) == {"files_read": 1, "rows_read": 4, "files_rejected": 0}


@LINUX
def test_many_files_leave_no_process_and_no_open_file(engine: sa.Engine, settings: Settings) -> None:
    land(engine, settings, "a.csv", CSV)
    reading.run(engine, settings, *BATCH)
    before = children(), open_files()
    for number in range(20):
        land(
            engine, settings, f"{number}.csv", CSV + b";\n" * number + (b'"open' if number % 3 == 0 else b"1")
        )
    counts = reading.run(engine, settings, *BATCH)
    assert (counts["files_read"], counts["files_rejected"]) == (13, 7)
    assert (children(), open_files()) == before


# -- photos --------------------------------------------------------------------------------------

PICTURE = b"\xff\xd8\xff a picture"


def with_photos(*photos: str) -> tuple[str, str]:
    flag, code = reader("yield 1, ['Foto']\nyield 2, ['a.jpg']")
    found = "".join(f"\n    yield Photo({photo})" for photo in photos)
    return flag, code.replace("rows=rows())", f"rows=rows()){found}")


def test_photos_are_kept_under_their_hash(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    land(engine, settings, "b.csv", CSV + CSV)
    good, bad = f"'a.jpg', {PICTURE!r}", "'b.jpg', None, 'Dit is geen foto.'"
    as_program(monkeypatch, with_photos(good, bad), with_photos(good))
    reading.run(engine, settings, *BATCH)
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    first = [
        {"upload_id": 1, "file_name": "a.jpg", "sha256": sha256, "refused_because": None},
        {"upload_id": 1, "file_name": "b.jpg", "sha256": None, "refused_because": "Dit is geen foto."},
    ]
    assert stored(engine, raw_photo) == [*first, first[0] | {"upload_id": 2}]
    (path,) = [path for path in settings.photos.rglob("*") if path.is_file()]
    assert (path.name, path.parent.name, path.read_bytes()) == (sha256, sha256[:2], PICTURE)
    assert path.stat().st_mode & 0o222 == 0


def test_a_newer_reader_replaces_the_photos(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    as_program(
        monkeypatch,
        with_photos(f"'a.jpg', {PICTURE!r}"),
        with_photos("'c.jpg', None, 'Dit is geen foto.'"),
        reader("raise ValueError"),
    )
    reading.run(engine, settings, *BATCH)
    for names in (["c.jpg"], []):
        monkeypatch.setattr(reading, "VERSION", reading.VERSION + 1)
        reading.run(engine, settings, *BATCH)
        assert [row["file_name"] for row in stored(engine, raw_photo)] == names
    assert refusals(engine) == [isolation.STUCK]
    assert (stored(engine, raw_sheet), stored(engine, raw_row)) == ([], [])


def test_photos_of_a_file_that_is_refused_are_forgotten(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    as_program(monkeypatch, with_photos(f"'a.jpg', {PICTURE!r}", "no_such_name"))
    assert reading.run(engine, settings, *BATCH)["files_rejected"] == 1
    assert stored(engine, raw_photo) == []


# -- kill -9 of the task -------------------------------------------------------------------------

TASK = """
import sys
from hydrants import reading, store
from hydrants.reading import isolation
from hydrants.settings import Settings

class Told:
    def __init__(self, parts):
        self.parts, self.close = parts, parts.close
    def __iter__(self):
        for number, part in enumerate(self.parts):
            if number == 30:
                print("half", flush=True)
            yield part

read = isolation.read
isolation.read = lambda *asked: Told(read(*asked, ("-c", sys.argv[2])))
settings = Settings.model_validate_json(sys.argv[1])
reading.run(store.create_engine(settings.database_url), settings, *sys.argv[3:])
"""


@LINUX
@pytest.mark.parametrize("is_read_before", [False, True])
def test_kill_9_of_the_task_leaves_nothing_half(
    engine: sa.Engine, settings: Settings, is_read_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", b"a;b\n" * 40_000)
    tables = (upload, raw_sheet, raw_row, raw_photo, stage_state)
    if is_read_before:
        reading.run(engine, settings, *BATCH)
        monkeypatch.setattr(reading, "VERSION", reading.VERSION + 1)
    before = [stored(engine, table) for table in tables]
    engine.dispose()
    _, code = reader("for number in range(1, 35_000): yield number, ['half', str(number)]\ntime.sleep(60)")
    task = TASK.replace("settings =", f"reading.VERSION = {reading.VERSION}\nsettings =", 1)
    command = [sys.executable, "-c", task, settings.model_dump_json(), code, *BATCH]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "half\n"
    killed.kill()
    killed.wait()
    killed.stdout.close()
    assert [stored(engine, table) for table in tables] == before
    assert reading.run(engine, settings, *BATCH) == {
        "files_read": 1,
        "rows_read": 40_000,
        "files_rejected": 0,
    }
    rows = stored(engine, raw_row)
    assert [row["row_number"] for row in rows] == list(range(1, 40_001))
    assert {tuple(row["cells"]) for row in rows} == {("a", "b")}


# -- what was published stays --------------------------------------------------------------------


def publish(engine: sa.Engine, row_id: int) -> None:
    """A snapshot in which a row decides about the only hydrant."""
    day = date(2019, 12, 31)
    with store.write(engine) as connection:

        def put(table: sa.Table, **values: Any) -> None:
            connection.execute(sa.insert(table).values(**values))

        put(
            register_version,
            register_version_id=1,
            operator="aquaduin",
            sha256="0" * 64,
            file_name="r.csv",
            exported_on=day,
            scope=[],
            loaded_at=store.utc_now(),
            counts={},
        )
        put(hydrant, hydrant_id="A-1", operator="aquaduin")
        put(
            snapshot,
            snapshot_id=1,
            as_of=day,
            campaign_start=day,
            campaign_end=day,
            register_version_id=1,
            fingerprint="0" * 64,
            created_at=store.utc_now(),
        )
        put(
            snapshot_hydrant,
            snapshot_id=1,
            hydrant_id="A-1",
            operator="aquaduin",
            nis=BATCH[1],
            status="ok",
            row_id=row_id,
            is_conflict=False,
            is_repaired=False,
            x_l72=0.0,
            y_l72=0.0,
        )


def test_a_row_behind_a_published_figure_outlives_its_file(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(engine, settings, "a.csv", CSV)
    reading.run(engine, settings, *BATCH)
    published, last = stored(engine, raw_row)[2:]
    publish(engine, published["row_id"])
    as_program(monkeypatch, reader("yield 1, ['anders']"), reader("raise ValueError"), isolation.READER)
    for expected in ([{"row_number": 1, "cells": ["anders"]}], [], [{}, {}, published, last]):
        monkeypatch.setattr(reading, "VERSION", reading.VERSION + 1)
        reading.run(engine, settings, *BATCH)
        rows = stored(engine, raw_row)
        of_no_sheet = [row for row in rows if row["sheet_number"] == 0]
        assert of_no_sheet == ([published | {"sheet_number": 0}] if len(expected) < 3 else [])
        rows = [row for row in rows if row["sheet_number"]]
        assert [row | want for row, want in zip(rows, expected, strict=True)] == rows
