"""Old snapshots go as a whole, after a while; what somebody may still look for never does."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import planning, publishing, rebuild, reference, store
from hydrants.publishing import retention
from hydrants.settings import Settings
from hydrants.store import tables
from tests.judged_world import World, square_gemeenten
from tests.living_store import event_files, exported, live, moved_in, seen, write_world
from tests.test_journal import set_clock

_FORK = multiprocessing.get_context("fork")
_NUMBERED = (tables.snapshot, tables.snapshot_hydrant, tables.snapshot_progress, tables.plan_stop)


@pytest.fixture
def here(engine: sa.Engine, settings: Settings) -> Settings:
    """Settings of a store with three hydrants, one of them checked, that keeps snapshots for 30 days."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()), "verzonnen")
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        for number in (1, 2, 3):
            world.hydrant(f"DWG-{number}", "33021", x=41_500.0 + number, y=170_500.0)
        world.row("DWG-1", "ok", date(2019, 1, 5))
    return settings.model_copy(update={"keep_snapshots_days": 30})


def publish(
    engine: sa.Engine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    on: date,
    as_of: date | None = None,
) -> dict[str, int]:
    """Publish and plan, early on a day."""
    set_clock(monkeypatch, datetime(on.year, on.month, on.day, 3, tzinfo=UTC))
    counts = publishing.run(engine, settings, as_of or on)
    planning.run(engine, settings, counts["snapshot_id"])
    return counts


def numbers(engine: sa.Engine, settings: Settings) -> list[int]:
    """The snapshots that are there; each with all its rows and folders."""
    with store.read(engine) as connection:
        found = {
            table.name: set(connection.execute(sa.select(table.c.snapshot_id)).scalars())
            for table in _NUMBERED
        }
    for top in ("snapshots", "planning"):
        found[top] = {int(path.name) for path in (settings.site / top).glob("[!.]*")}
    there = found["snapshot"]
    assert found == dict.fromkeys(found, there)
    return sorted(there)


def contents(engine: sa.Engine, settings: Settings, number: int) -> tuple[Any, ...]:
    """Everything that a snapshot says, to the byte."""
    files = {
        str(path): path.read_bytes()
        for top in ("snapshots", "planning")
        for path in (settings.site / top / str(number)).rglob("*")
        if path.is_file()
    }
    assert len(files) > 2
    return exported(engine, settings.site.parent / "exports", number), files


def current(engine: sa.Engine, settings: Settings) -> int:
    """The snapshot that readers see, of the store and of the site alike."""
    page = json.loads((settings.site / "current" / "progress.json").read_text(encoding="utf-8"))
    with store.read(engine) as connection:
        (number,) = {line["snapshot_id"] for line in publishing.progress(connection)}
    assert {line["snapshot_id"] for line in page} == {number}
    return int(number)


def test_what_is_older_goes_as_a_whole(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = (date(2019, 3, 1), date(2019, 3, 20), date(2019, 4, 10))
    assert [publish(engine, here, monkeypatch, day)["removed"] for day in days] == [0, 0, 1]
    assert numbers(engine, here) == [2, 3]
    before = contents(engine, here, 2), contents(engine, here, 3)
    again = publish(engine, here, monkeypatch, date(2019, 4, 19), as_of=days[-1])
    assert again == {"snapshot_id": 3, "published": 0, "removed": 0}
    assert (contents(engine, here, 2), contents(engine, here, 3)) == before

    # nights without anything new remove too, and once only
    for removed in (1, 0):
        idle = publish(engine, here, monkeypatch, date(2019, 4, 20), as_of=days[-1])
        assert idle == {"snapshot_id": 3, "published": 0, "removed": removed}
        assert numbers(engine, here) == [3] == [current(engine, here)]
    assert contents(engine, here, 3) == before[1]
    later = publish(engine, here, monkeypatch, date(2019, 4, 21))
    assert later["snapshot_id"] > 3, "a number is given once"


def test_without_the_setting_everything_is_kept(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = here.model_copy(update={"keep_snapshots_days": 0})
    for day in (date(2019, 3, 1), date(2019, 12, 1)):
        assert publish(engine, here, monkeypatch, day)["removed"] == 0
    assert publish(engine, here, monkeypatch, date(2029, 1, 1), as_of=day)["removed"] == 0
    assert numbers(engine, here) == [1, 2]


def test_the_last_of_each_campaign_and_year_stays(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A campaign of two years, then one of a year."""
    two_years = here.model_copy(update={"campaign_end": date(2020, 12, 31)})
    publish(engine, two_years, monkeypatch, date(2019, 6, 1))
    publish(engine, two_years, monkeypatch, date(2020, 1, 3), as_of=date(2019, 12, 31))
    publish(engine, two_years, monkeypatch, date(2020, 2, 1))
    with store.write(engine) as connection:  # a late list of the year before
        world = World(connection)
        world.upload(2, "b")
        world.row("DWG-2", "failed", date(2019, 11, 5), upload_id=2)
    report = publish(engine, two_years, monkeypatch, date(2020, 3, 1), as_of=date(2019, 12, 31))[
        "snapshot_id"
    ]
    publish(engine, two_years, monkeypatch, date(2020, 11, 1))
    last = publish(engine, two_years, monkeypatch, date(2020, 12, 31))["snapshot_id"]
    next_campaign = {"campaign_start": date(2021, 1, 1), "campaign_end": date(2021, 12, 31)}
    next_one = here.model_copy(update=next_campaign)
    publish(engine, next_one, monkeypatch, date(2021, 1, 2))
    now = publish(engine, next_one, monkeypatch, date(2021, 7, 1))["snapshot_id"]
    assert (report, last, now) == (4, 6, 8)
    assert numbers(engine, here) == [4, 6, 8]
    assert current(engine, here) == 8


def test_the_snapshot_that_readers_of_the_site_see_stays(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (date(2019, 3, 1), date(2019, 4, 10)):
        publish(engine, here.model_copy(update={"keep_snapshots_days": 0}), monkeypatch, day)
    link = here.site / "current"
    link.unlink()
    link.symlink_to("snapshots/1")
    set_clock(monkeypatch, datetime(2019, 12, 1, tzinfo=UTC))
    assert retention.remove_old(engine, here.site, 30) == 0
    assert numbers(engine, here) == [1, 2]


def test_a_folder_whose_rows_are_gone_goes_too(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebuilt store has the rows of the last snapshot only; SITE may have more."""
    for day in (date(2019, 3, 1), date(2019, 3, 2)):
        publish(engine, here, monkeypatch, day)
    with store.write(engine) as connection:
        for table in reversed(_NUMBERED):
            connection.execute(sa.delete(table).where(table.c.snapshot_id == 1))
    (here.site / "snapshots" / "notes").mkdir()
    assert publish(engine, here, monkeypatch, date(2019, 6, 1))["removed"] == 2
    assert sorted(path.name for path in (here.site / "snapshots").iterdir()) == ["3", "notes"]


def test_a_folder_that_cannot_be_removed_holds_nothing_back(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(engine, here, monkeypatch, date(2019, 3, 1))
    with monkeypatch.context() as patched:

        def failing(path: Path) -> None:
            raise PermissionError(f"not allowed: {path}")

        patched.setattr(shutil, "rmtree", failing)
        counts = publishing.run(engine, here, date(2019, 6, 1))
        assert counts["published"] == 1
        set_clock(monkeypatch, datetime(2019, 6, 2, tzinfo=UTC))
        publishing.run(engine, here, date(2019, 6, 1))
    assert any("to be tried again: not allowed" in message for message in caplog.messages)
    publish(engine, here, monkeypatch, date(2019, 6, 2), as_of=date(2019, 6, 1))
    assert numbers(engine, here) == [2]


def _publish_and_die(settings: Settings, step: str) -> None:
    """Publish, and die at a step of removing."""
    engine = store.create_engine(settings.database_url)
    rmtree = shutil.rmtree

    def die(*_arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def halfway(folder: Path) -> None:
        for path in sorted(path for path in folder.rglob("*") if path.is_file())[::2]:
            path.unlink()
        die()

    def after_one(folder: Path) -> None:
        rmtree(folder)
        die()

    if step in ("in the transaction", "before the commit"):
        statement = {"in the transaction": "snapshot_progress", "before the commit": "snapshot "}[step]

        @sa.event.listens_for(engine, "after_cursor_execute")
        def _kill(_connection: Any, _cursor: Any, said: str, *_rest: Any) -> None:
            if said.startswith(f"DELETE FROM {statement}"):
                die()

    elif step == "rows gone":
        retention._remove_folders = die
    else:
        shutil.rmtree = {"out of sight": die, "half removed": halfway, "one of two folders": after_one}[step]
    publishing.run(engine, settings, date(2019, 6, 1))


@pytest.mark.parametrize(
    "step",
    [
        "in the transaction",
        "before the commit",
        "rows gone",
        "out of sight",
        "half removed",
        "one of two folders",
    ],
)
def test_killed_while_removing(
    engine: sa.Engine, here: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for day in (date(2019, 3, 1), date(2019, 3, 2)):
        publish(engine, here, monkeypatch, day)
    set_clock(monkeypatch, datetime(2019, 6, 1, 3, tzinfo=UTC))
    engine.dispose()
    process = _FORK.Process(target=_publish_and_die, args=(here, step))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    assert current(engine, here) == 3
    with store.read(engine) as connection:
        there = set(connection.execute(sa.select(tables.snapshot.c.snapshot_id)).scalars())
    for number in there - {3}:  # whatever the store speaks of is whole
        contents(engine, here, number)
    publish(engine, here, monkeypatch, date(2019, 6, 1))
    assert numbers(engine, here) == [3]
    assert current(engine, here) == 3


def test_a_store_is_rebuilt_after_a_removal(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = moved_in(settings, write_world(tmp_path)).model_copy(update={"keep_snapshots_days": 30})
    live(engine, settings, tmp_path)
    assert numbers(engine, settings) == [1, 2]
    set_clock(monkeypatch, datetime.now(UTC) + timedelta(days=31))
    idle = publishing.run(engine, settings, date(2019, 12, 31))
    assert idle == {"snapshot_id": 2, "published": 0, "removed": 1}
    assert numbers(engine, settings) == [2]
    before, files = seen(engine, settings), event_files(settings)

    store.migrate(engine, "base")
    store.migrate(engine)
    rebuilt = rebuild.run(engine, settings)
    assert (rebuilt.differences, rebuilt.snapshot_id) == ([], 2)
    assert rebuilt.events["published"] == 2
    assert seen(engine, settings) == before
    assert event_files(settings) == files
