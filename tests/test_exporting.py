"""The published tables as CSV: what is in them, and that both stores give the same bytes."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import planning, publishing, rebuild, reference, store
from hydrants.errors import NothingPublished
from hydrants.publishing import exporting
from hydrants.settings import Settings
from hydrants.store.tables import snapshot
from tests.command_line import called
from tests.judged_world import World, square_gemeenten
from tests.living_store import exported, live, moved_in, seen, write_world
from tests.postgis_server import database
from tests.test_journal import set_clock

STREET = 'Grote "Markt", achter\nde kerk'
FORMULA = "=1+1"


@pytest.fixture
def here(engine: sa.Engine, settings: Settings) -> Settings:
    """Settings of a store in which one of three hydrants failed, and one is nobody's to check."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()), "verzonnen")
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a", file_name="lijst, één.csv")
        world.hydrant("DWG-1", "33021", x=41_500.1, y=170_500.0, street_names=STREET, diameter_mm=80)
        world.hydrant("DWG-b", "33021", x=41_503.0, y=170_504.0, street_names=FORMULA)
        world.hydrant("DWG-B", "33021", x=41_500.0, y=170_500.0)
        world.row("DWG-1", "failed", date(2019, 5, 1), defects=["leak", "paint"])
    counts = publishing.run(engine, settings, date(2019, 12, 31))
    planning.run(engine, settings, counts["snapshot_id"])
    return settings


def test_what_is_in_the_files(engine: sa.Engine, here: Settings, tmp_path: Path) -> None:
    files = {name: content.decode() for name, content in exported(engine, tmp_path / "out").items()}
    with store.read(engine) as connection:
        fingerprint = connection.execute(sa.select(snapshot.c.fingerprint)).scalar_one()
    assert files["snapshot"] == (
        "snapshot_id,as_of,campaign_start,campaign_end,fingerprint\r\n"
        f"1,2019-12-31,2019-01-01,2019-12-31,{fingerprint}\r\n"
    )
    assert files["registers"] == (
        f"operator,exported_on,file_name,sha256\r\ndewatergroep,2019-01-01,brandkranen_1.csv,{1:064d}\r\n"
    )
    assert files["rounds"] == (
        "contractor,nis,sequence,hydrant_id,leg_m\r\n"
        "westlandia,33021,1,DWG-B,0.0\r\n"
        "westlandia,33021,2,DWG-b,5.0\r\n"
    )
    lines = files["progress"].split("\r\n")
    assert lines[0] == "operator,nis,gemeente,contractor,registered,checked,ok,failed,remaining"
    assert "dewatergroep,33021,Poperinge,westlandia,3,1,0,1,2" in lines
    assert "aquaduin,,,interwest,0,0,0,0,0" in lines
    assert len(lines) == 24
    source = f"brandkranen_1.csv,{1:064d},1"
    assert files["hydrants"] == (
        "hydrant_id,operator,nis,contractor,status,outcome,inspected_on,is_conflict,is_repaired,tried_on,"
        "x_l72,y_l72,defects,file,sha256,sheet,row_number,street_names,hydrant_type,diameter_mm,"
        "register_file,register_sha256,register_row_number\r\n"
        "DWG-1,dewatergroep,33021,westlandia,failed,failed,2019-05-01,false,false,,41500.1,170500.0,"
        f'"[""leak"",""paint""]","westlandia/33021/lijst, één.csv",a{"0" * 63},Controle,2,'
        f'"Grote ""Markt"", achter\nde kerk",,80,{source}\r\n'
        "DWG-B,dewatergroep,33021,westlandia,remaining,,,false,false,,41500.0,170500.0,"
        f",,,,,,,,{source}\r\n"
        "DWG-b,dewatergroep,33021,westlandia,remaining,,,false,false,,41503.0,170504.0,"
        f",,,,,'=1+1,,,{source}\r\n"
    )
    rows = list(csv.DictReader(io.StringIO(files["hydrants"], newline=""), strict=True))
    assert [row["street_names"] for row in rows] == [STREET, "", f"'{FORMULA}"]


def test_another_snapshot_and_none(engine: sa.Engine, here: Settings, tmp_path: Path) -> None:
    before = exported(engine, tmp_path / "out")
    with store.write(engine) as connection:
        world = World(connection)
        world.upload(2, "b")
        world.row("DWG-B", "ok", date(2019, 6, 1), upload_id=2)
    counts = publishing.run(engine, here, date(2019, 12, 31))
    planning.run(engine, here, counts["snapshot_id"])
    assert exported(engine, tmp_path / "out")["hydrants"] != before["hydrants"]
    assert exported(engine, tmp_path / "out", 1) == before
    with pytest.raises(NothingPublished, match="no snapshot 7"):
        exporting.write(engine, tmp_path / "none", 7)
    assert not (tmp_path / "none").exists()


def test_the_command_line_exports(engine: sa.Engine, here: Settings, tmp_path: Path) -> None:
    done = called(engine, tmp_path, "export", "out", "--snapshot", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "snapshot 1, registers 1, progress 22, hydrants 3, rounds 2\n"
    found = {path.stem: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == exported(engine, tmp_path / "again")
    assert called(engine, tmp_path, "export", "out", "--snapshot", "2").returncode == 1


def in_another_language(postgis_url: str) -> str:
    """A PostgreSQL database that would sort texts as Dutch does; its URL."""
    name = f"nl_{uuid.uuid4().hex}"
    admin = store.create_engine(postgis_url)
    with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'nl-BE'"
        )
    admin.dispose()
    url = database(postgis_url, name)
    engine = store.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 'b' < 'B' AND NOT 'b' < 'B' COLLATE \"C\"").scalar()
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    engine.dispose()
    return url


@pytest.mark.postgis
def test_the_same_nights_give_the_same_bytes_on_both_stores(
    postgis_url: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights of the same files at the same moments; tables, page, workbooks, rounds and receipts."""
    world = write_world(tmp_path)
    set_clock(monkeypatch, datetime(2020, 1, 2, 3, tzinfo=UTC))
    stores = {"sqlite": f"sqlite:///{tmp_path}/one.sqlite", "postgis": in_another_language(postgis_url)}
    compared = ("progress", "rows", "traces", "stops", "site", "exports")
    told: dict[str, dict[str, Any]] = {}
    first: dict[str, dict[str, bytes]] = {}
    lived: dict[str, Settings] = {}
    for name, url in stores.items():
        folder = tmp_path / name
        folder.mkdir()
        folders = {key: folder / key for key in ("uploads", "registers", "landing", "photos", "site")}
        files = {"boundaries": folder / "boundaries.geojson", "addresses": folder / "addresses.csv"}
        own = settings.model_copy(update={"database_url": url, **folders, **files})
        engine = store.create_engine(url)
        store.migrate(engine)
        lived[name] = moved_in(own, world)
        live(engine, lived[name], folder)
        told[name] = {key: one for key, one in seen(engine, lived[name]).items() if key in compared}
        first[name] = exported(engine, folder / "first", 1)
        engine.dispose()
    assert first["sqlite"] == first["postgis"]
    assert told["sqlite"]["exports"] == told["postgis"]["exports"]
    assert told["sqlite"] == told["postgis"]
    assert min(len(content) for content in told["sqlite"]["exports"].values()) > 100

    # and the one store rebuilt from the files of the other
    moved = lived["sqlite"].model_copy(update={"database_url": in_another_language(postgis_url)})
    engine = store.create_engine(moved.database_url)
    store.migrate(engine, "base")
    store.migrate(engine)
    assert rebuild.run(engine, moved).differences == []
    assert {key: one for key, one in seen(engine, moved).items() if key in compared} == told["sqlite"]
    engine.dispose()
