"""The history of a hydrant: every inspection that counts, from which row, how it was found, which decided."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.publishing import history
from hydrants.settings import Settings
from hydrants.store import tables
from tests.judged_world import World, square_gemeenten

MAY, JUNE = date(2019, 5, 1), date(2019, 6, 1)
FILE = "westlandia/33021/controle mei.xlsx"
PHOTO, OTHER = "1" * 64, "2" * 64


@pytest.fixture
def snapshot_id(engine: sa.Engine, settings: Settings) -> int:
    """DWG-1: seen in May and June; others: what is not to be seen."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()))
    for sha256 in (PHOTO, OTHER):
        (settings.photos / sha256[:2]).mkdir(parents=True)
        (settings.photos / sha256[:2] / sha256).write_bytes(b"\xff\xd8 verzonnen")
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a", file_name="controle mei.xlsx")
        world.upload(2, "b", file_name="controle juni.csv", sheet="")
        world.photo(1, "kraan.jpg", PHOTO)
        world.photo(1, "straat.jpg", OTHER)
        world.photo(1, "virus.jpg", None)
        for number in range(1, 8):
            world.hydrant(f"DWG-{number}", x=41_000.0 + number)
        world.hydrant("DWG-8", "33011", x=40_500.0)
        said = {"remark": "lekt <b>", "pressure_bar": 5.5, "flow_l_per_min": 1200.0}
        found = {"match_method": "position", "distance_m": 3.14159}
        photos = ["kraan.jpg", "virus.jpg", "weg.jpg", "straat.jpg"]
        world.row("DWG-1", "failed", MAY, defects=["leak", "paint"], photos=photos, **said, **found)
        world.row("DWG-1", "ok", JUNE, upload_id=2, match_method="id", distance_m=0.0)
        world.row("DWG-1", "repaired", date(2019, 5, 20), upload_id=2)
        old = world.row("DWG-2", "failed", MAY)
        world.supersede(old, world.row("DWG-2", "ok", MAY))
        world.row("DWG-3", "ok", MAY, is_withdrawn=True)
        world.row("DWG-4", "ok", MAY, verdict="review")
        world.row("DWG-5", "ok", MAY, disposition="duplicate")
        world.row("DWG-6", "ok", date(2020, 1, 3))  # after the campaign
        world.row("DWG-7", "not_testable", MAY)
        world.row("DWG-7", "ok", date(2018, 12, 1))  # before it: told, but decides nothing
        world.row("DWG-8", "ok", MAY)
    return publishing.run(engine, settings, date(2019, 12, 31))["snapshot_id"]


def test_every_inspection_that_counts(engine: sa.Engine, snapshot_id: int) -> None:
    with store.read(engine) as connection:
        found = history.read(connection, snapshot_id, "33021")
    told = [(one.hydrant_id, one.inspected_on, one.outcome, one.is_deciding) for one in found]
    assert told == [
        ("DWG-1", JUNE, "ok", True),
        ("DWG-1", date(2019, 5, 20), "repaired", False),
        ("DWG-1", MAY, "failed", False),
        ("DWG-2", MAY, "ok", True),
        ("DWG-7", MAY, "not_testable", False),
        ("DWG-7", date(2018, 12, 1), "ok", False),
    ]
    assert found[2] == history.Inspection(
        hydrant_id="DWG-1",
        inspected_on=MAY,
        outcome="failed",
        defects=["leak", "paint"],
        remark="lekt <b>",
        pressure_bar=5.5,
        flow_l_per_min=1200.0,
        match_method="position",
        distance_m=3.14159,
        is_deciding=False,
        file=FILE,
        sha256="a" + "0" * 63,
        sheet="Controle",
        row_number=2,
        photos=(PHOTO, OTHER),
        photos_missing=2,
    )


def said_in(path: Path) -> dict[str, Any]:
    """What a history file says."""
    said = re.fullmatch(
        r"window\.BRANDKRANEN\.histories\[\d+\] = (\{.*\});\n", path.read_text(encoding="ascii")
    )
    assert said is not None, path
    return json.loads(said[1])


def test_what_stands_in_the_file(settings: Settings, snapshot_id: int) -> None:
    folder = settings.site / "snapshots" / str(snapshot_id) / "33021"
    assert [path.name for path in folder.glob("history-*.js")] == ["history-0.js"]
    said = said_in(folder / "history-0.js")
    assert said["outcomes"] == {
        "ok": "in orde",
        "failed": "niet in orde",
        "not_found": "niet gevonden",
        "not_testable": "niet te controleren",
        "repaired": "hersteld",
    }
    assert said["files"][:2] == [
        ["westlandia/33021/controle juni.csv", "b" + "0" * 11],
        [FILE, "a" + "0" * 11],
    ]
    assert said["defects"] == [["lek", "waterbedrijf"], ["verf", "gemeente"]]
    assert [len(rows) for rows in said["hydrants"]] == [3, 1, 0, 0, 0, 0, 2]
    june, repaired, may = (dict(zip(said["columns"], row, strict=True)) for row in said["hydrants"][0])
    assert june == {
        "inspected_on": "2019-06-01",
        "outcome": "ok",
        "defects": [],
        "remark": "",
        "pressure_bar": None,
        "flow_l_per_min": None,
        "matched": "op nummer",
        "distance_m": 0.0,
        "is_deciding": 1,
        "file": 0,
        "sheet": "",
        "row_number": 2,
        "photos": [],
        "photos_missing": 0,
    }
    assert may == {
        "inspected_on": "2019-05-01",
        "outcome": "failed",
        "defects": [0, 1],
        "remark": "lekt <b>",
        "pressure_bar": 5.5,
        "flow_l_per_min": 1200.0,
        "matched": "op plaats",
        "distance_m": 3.1,
        "is_deciding": 0,
        "file": 1,
        "sheet": "Controle",
        "row_number": 2,
        "photos": [PHOTO, OTHER],
        "photos_missing": 2,
    }
    assert (repaired["matched"], repaired["distance_m"]) == ("", None)


def test_a_hydrant_is_found_by_its_place_in_the_list(tmp_path: Path) -> None:
    """600 hydrants lie in three files, each hydrant where its number says, whoever has an inspection."""
    ids = [f"H-{number:04d}" for number in range(600)]
    seen = {249: 1, 250: 2, 599: 3}
    inspections = [
        history.Inspection(
            ids[number], MAY, "ok", [], None, None, None, None, None, True, FILE, "a" * 64, "", row, (), 0
        )
        for number, row in seen.items()
    ]
    history.write(tmp_path, ids, inspections)
    files = [said_in(tmp_path / f"history-{number}.js") for number in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "history-0.js",
        "history-1.js",
        "history-2.js",
    ]
    assert [len(said["hydrants"]) for said in files] == [250, 250, 100]
    place = files[0]["columns"].index("row_number")
    told = {
        250 * number + at: [row[place] for row in rows]
        for number, said in enumerate(files)
        for at, rows in enumerate(said["hydrants"])
        if rows
    }
    assert told == {number: [row] for number, row in seen.items()}


CHANGES: dict[str, sa.Update] = {
    "another remark": sa.update(tables.record)
    .where(tables.record.c.outcome == "repaired")
    .values(remark="toch niet"),
    "a picture less": sa.update(tables.raw_photo)
    .where(tables.raw_photo.c.sha256 == PHOTO)
    .values(sha256=None),
    "found in another way": sa.update(tables.match)
    .where(tables.match.c.match_method == "id")
    .values(match_method="decision"),
    "an older inspection taken back": sa.update(tables.record)
    .where(tables.record.c.inspected_on == date(2018, 12, 1))
    .values(is_withdrawn=True),
}


def test_a_snapshot_is_another_when_a_history_is(engine: sa.Engine, snapshot_id: int) -> None:
    """Also when no figure and no state changes by it; of the gemeenten only the one it happens in."""
    both = ["33021", "33011"]
    with store.write(engine) as connection:
        before = history.digests(connection, snapshot_id, both)
        for what, change in CHANGES.items():
            with connection.begin_nested() as point:
                assert connection.execute(change).rowcount == 1, what
                now = history.digests(connection, snapshot_id, both)
                assert (now["33021"] != before["33021"], now["33011"] == before["33011"]) == (True, True), (
                    what
                )
                point.rollback()
        assert history.digests(connection, snapshot_id, both) == before


def test_a_changed_history_is_published(engine: sa.Engine, settings: Settings, snapshot_id: int) -> None:
    with store.write(engine) as connection:
        connection.execute(CHANGES["another remark"])
        connection.execute(sa.delete(tables.stage_state))
    again = publishing.run(engine, settings, date(2019, 12, 31))
    assert again["snapshot_id"] == snapshot_id + 1
    texts = [
        (settings.site / "snapshots" / str(number) / "33021" / "history-0.js").read_text(encoding="ascii")
        for number in (snapshot_id, snapshot_id + 1)
    ]
    assert ["toch niet" in text for text in texts] == [False, True]
