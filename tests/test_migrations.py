"""The schema goes up and down under data that is in use, as a whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections import Counter
from datetime import date
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import landing, night, planning, publishing, rebuild, reference, store
from hydrants.errors import UnusableSetting
from hydrants.reference import addresses
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import BATCH, send
from tests.command_line import called
from tests.judged_world import World, square_gemeenten
from tests.living_store import event_files, live, moved_in, seen, send_mails, write_world

FIRST = "0001"
_FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def here(engine: sa.Engine, settings: Settings, world: Path, tmp_path: Path) -> Settings:
    """Settings of a store that lived through two nights."""
    settings = moved_in(settings, world)
    live(engine, settings, tmp_path)
    return settings


def contents(engine: sa.Engine) -> dict[str, Counter[tuple[str, ...]]]:
    """Every row of the tables that are there, whatever their schema; but for what knows of the journal."""
    found = everything(engine)
    for name in ("alembic_version", "event", "publication", "receipt_mail", "run"):
        found.pop(name, None)
    assert sum(map(len, found.values())) > 1000
    # of which event the addresses came stands in the log of stages
    found["stage_state"] = Counter(
        row for row in found["stage_state"] if not {"stage=journal", "stage=addresses"} & set(row)
    )
    found["delivery"] = Counter(
        tuple(value for value in row if not value.startswith("event=")) for row in found["delivery"]
    )
    return found


def everything(engine: sa.Engine) -> dict[str, Counter[tuple[str, ...]]]:
    """Every row of every table of ours that is there, whatever its columns."""
    with engine.connect() as connection:
        return {
            name: Counter(
                tuple(f"{key}={value}" for key, value in sorted(row.items()))
                for row in connection.execute(sa.text(f'SELECT * FROM "{name}"')).mappings()
            )
            for name in sa.inspect(connection).get_table_names()
            if name != "spatial_ref_sys"
        }


def test_down_and_up_again_under_live_data(engine: sa.Engine, here: Settings) -> None:
    before, rows = seen(engine, here), contents(engine)
    store.migrate(engine, FIRST)
    assert store.revision(engine) == FIRST
    assert contents(engine) == rows
    with engine.connect() as connection:
        assert not sa.inspect(connection).has_table("event")

    store.migrate(engine)
    assert contents(engine) == rows
    night.prepare(engine, here)
    assert seen(engine, here) == before
    assert contents(engine) == rows
    store.migrate(engine, FIRST)
    assert contents(engine) == rows


def test_a_store_from_before_the_journal_gets_one(
    engine: sa.Engine, here: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before, rows = seen(engine, here), contents(engine)
    store.migrate(engine, FIRST)
    shutil.rmtree(here.landing / "journal")

    store.migrate(engine)
    first = night.whole_night(engine, here)
    assert (first["publish"]["published"], first["land"]["files_seen"]) == (0, 0)
    after = seen(engine, here)
    assert after == before
    assert send_mails(engine, here) == 0
    changed = {name for name, found in contents(engine).items() if found != rows[name]}
    assert changed == set()
    written = event_files(here)
    night.whole_night(engine, here)
    assert event_files(here) == written
    assert caplog.messages == []

    store.migrate(engine, "base")
    store.migrate(engine)
    shutil.rmtree(here.uploads)
    assert rebuild.run(engine, here).differences == []
    assert seen(engine, here) == before


def test_addresses_that_a_person_loaded_hold_through_it(
    engine: sa.Engine, here: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own.csv"
    lines = here.addresses.read_text(encoding="utf-8").splitlines(keepends=True)
    own.write_text("".join(lines[: len(lines) // 2]), encoding="utf-8")
    assert addresses.load_by_hand(engine, here.landing, own, here.addresses)["addresses"] > 0
    own.unlink()
    rows = contents(engine)["address"]
    for _ in range(2):
        store.migrate(engine, FIRST)
        store.migrate(engine)
        night.prepare(engine, here)
        assert contents(engine)["address"] == rows
    assert caplog.messages == []


def test_a_register_that_lies_nowhere_any_more_is_named(
    engine: sa.Engine, here: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    store.migrate(engine, FIRST)
    shutil.rmtree(here.landing / "journal")
    shutil.rmtree(here.registers)
    store.migrate(engine)
    night.prepare(engine, here)
    assert sum("lies in REGISTERS no more" in message for message in caplog.messages) == 2


def _die_at(url: str, to: str, statement: str) -> None:
    engine = store.create_engine(url)

    @sa.event.listens_for(engine, "after_cursor_execute")
    def _kill(_connection: Any, _cursor: Any, said: str, *_rest: Any) -> None:
        if statement in said:
            os.kill(os.getpid(), signal.SIGKILL)

    store.migrate(engine, to)


@pytest.mark.parametrize(
    ("start", "to", "statement"),
    [
        (FIRST, "head", "CREATE TABLE event"),
        (FIRST, "head", "ALTER TABLE delivery"),
        ("head", FIRST, "DROP TABLE receipt_mail"),
        ("base", "head", "CREATE TABLE snapshot_hydrant"),
        ("head", "base", "DROP TABLE hydrant_state"),
    ],
)
def test_a_migration_that_dies_halfway_leaves_what_was_there(
    engine: sa.Engine, settings: Settings, start: str, to: str, statement: str
) -> None:
    publish_something(engine, settings)
    store.migrate(engine, start)
    before = everything(engine)
    assert start == "base" or sum(map(len, before.values())) > 50
    engine.dispose()
    process = _FORK.Process(target=_die_at, args=(settings.database_url, to, statement))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    assert everything(engine) == before
    store.migrate(engine, to)
    assert (store.revision(engine) or "base") == {"head": "0004"}.get(to, to)
    store.migrate(engine)
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) >= set(tables.metadata.tables)


def publish_something(engine: sa.Engine, settings: Settings) -> None:
    """A small store in use: a file that was landed, rows, a snapshot and its rounds."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()), "verzonnen")
    send(settings, "a.csv", b"a")
    landing.run(engine, settings, *BATCH)
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(2, "b")
        for number in range(1, 4):
            world.hydrant(f"DWG-{number}", x=41_500.0 + number, y=170_500.0)
        world.row("DWG-1", "failed", date(2019, 5, 1), upload_id=2)
    counts = publishing.run(engine, settings, date(2019, 12, 31))
    planning.run(engine, settings, counts["snapshot_id"])


def _migrate(url: str, barrier: Barrier) -> None:
    engine = store.create_engine(url)
    barrier.wait()
    store.migrate(engine)
    engine.dispose()


def test_processes_that_migrate_at_once_take_turns(database_url: str) -> None:
    engine = store.create_engine(database_url)
    store.migrate(engine)
    store.migrate(engine, "base")
    engine.dispose()
    barrier = _FORK.Barrier(4)
    processes = [_FORK.Process(target=_migrate, args=(database_url, barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * 4
    assert store.revision(engine) == "0004"
    engine.dispose()


def test_the_command_line_migrates(engine: sa.Engine, tmp_path: Path) -> None:
    down = called(engine, tmp_path, "migrate", "--to", FIRST)
    assert (down.returncode, down.stdout) == (0, "revision 0004 -> 0001\n")
    assert called(engine, tmp_path, "migrate").stdout == "revision 0001 -> 0004\n"
    assert called(engine, tmp_path, "migrate").stdout == "revision 0004\n"
    unknown = called(engine, tmp_path, "migrate", "--to", "0099")
    assert unknown.returncode == 1
    assert "there is no revision '0099'; there are base, 0001, 0002, 0003, 0004" in unknown.stderr


def test_a_store_of_a_newer_version_is_left_alone(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0077'"))
    with pytest.raises(UnusableSetting, match="revision 0077, which this version of hydrants does not know"):
        store.migrate(engine)
