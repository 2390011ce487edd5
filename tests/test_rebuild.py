"""The store made again from LANDING alone says what the one that was lost said."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import journal, night, rebuild, store
from hydrants.errors import UnusableSetting
from hydrants.receipts import mail
from hydrants.reference import addresses
from hydrants.settings import Settings
from hydrants.store import tables
from tests.living_store import event_files, live, moved_in, seen, send_mails, write_world

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


def emptied(engine: sa.Engine) -> None:
    """Leave of a store what a migration makes of an empty one."""
    store.migrate(engine, "base")
    store.migrate(engine)


def test_a_rebuilt_store_says_what_the_lost_one_said(engine: sa.Engine, here: Settings) -> None:
    before, files = seen(engine, here), event_files(here)
    assert {journal.kind_of(name) for name in files} >= {
        *("received", "gone", "register", "addresses", "decisions", "released", "mailed", "published"),
    }
    assert before["decisions"]
    emptied(engine)
    for gone in (here.uploads, here.registers, here.photos):
        shutil.rmtree(gone, ignore_errors=True)
    for gone in (here.boundaries, here.addresses):
        gone.unlink()

    rebuilt = rebuild.run(engine, here)
    assert rebuilt.differences == []
    assert rebuilt.put_back == [str(here.boundaries)]
    assert seen(engine, here) == before
    assert event_files(here) == files, "nothing came from outside, so nothing is noted"
    assert send_mails(engine, here) == 0
    again = night.publish(engine, here, date(2019, 12, 31))
    assert again == {"snapshot_id": rebuilt.snapshot_id, "published": 0, "removed": 0}


def test_a_rebuilt_site_is_the_same_too(engine: sa.Engine, here: Settings) -> None:
    before = seen(engine, here)
    emptied(engine)
    shutil.rmtree(here.site)
    assert rebuild.run(engine, here).differences == []
    after = seen(engine, here)
    workbooks = {name for name in before["site"] if name.endswith(".xlsx")}
    assert workbooks
    assert after == before


def test_what_differs_is_told_and_gets_a_number_that_nothing_bore(engine: sa.Engine, here: Settings) -> None:
    before = seen(engine, here)
    with store.read(engine) as connection:
        last = connection.execute(sa.select(sa.func.max(tables.publication.c.snapshot_id))).scalar_one()
    folder = here.site / "snapshots" / str(last)
    page = (folder / "index.html").read_bytes()
    emptied(engine)
    other = here.model_copy(update={"campaign_start": date(2019, 3, 1)})
    rebuilt = rebuild.run(engine, other)
    assert rebuilt.snapshot_id is not None
    assert rebuilt.snapshot_id > last
    assert any("campaign_start was 2019-01-01, and is 2019-03-01" in line for line in rebuilt.differences)
    assert (folder / "index.html").read_bytes() == page
    assert seen(engine, other)["site"]["current"] == str(rebuilt.snapshot_id) != before["site"]["current"]


def _rebuild_and_die(settings: Settings, place: str) -> None:
    engine = store.create_engine(settings.database_url)

    def die(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    module, name = {
        "events applied": (addresses, "read_again"),
        "some batches done": (rebuild, "from_landing"),
        "nothing published": (mail, "settle"),
        "no plan": (night, "plan"),
    }[place]
    if place == "some batches done":
        work, done = rebuild.from_landing, []

        def die(*arguments: Any) -> Any:
            done.append(work(*arguments))
            if len(done) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return done[-1]

    setattr(module, name, die)
    rebuild.run(engine, settings)


@pytest.mark.parametrize("place", ["events applied", "some batches done", "nothing published", "no plan"])
def test_a_rebuild_that_is_killed_goes_on(engine: sa.Engine, here: Settings, place: str) -> None:
    before, files = seen(engine, here), event_files(here)
    emptied(engine)
    for gone in (here.uploads, here.registers, here.site):
        shutil.rmtree(gone)
    for gone in (here.boundaries, here.addresses):
        gone.unlink()
    engine.dispose()
    process = _FORK.Process(target=_rebuild_and_die, args=(here, place))
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    rebuilt = rebuild.run(engine, here)
    assert rebuilt.differences == []
    assert seen(engine, here) == before
    assert event_files(here) == files
    assert send_mails(engine, here) == 0
    with pytest.raises(UnusableSetting, match="not empty"):
        rebuild.run(engine, here)


def test_only_an_empty_store_is_rebuilt(engine: sa.Engine, here: Settings) -> None:
    before = seen(engine, here)
    with pytest.raises(UnusableSetting, match="not empty"):
        rebuild.run(engine, here)
    assert seen(engine, here) == before


def test_without_a_journal_there_is_nothing_to_rebuild_from(database_url: str, settings: Settings) -> None:
    engine = store.create_engine(database_url)
    store.migrate(engine)
    with pytest.raises(UnusableSetting, match="no journal"):
        rebuild.run(engine, settings)
    engine.dispose()


def test_bytes_that_are_gone_are_named(engine: sa.Engine, here: Settings) -> None:
    export = next(here.registers.glob("dewatergroep/*.csv"))
    kept = journal.kept_path(here.landing, journal.keep(here.landing, export))
    emptied(engine)
    kept.unlink()
    with pytest.raises(journal.JournalDamaged, match=f"LANDING lacks {export.name}"):
        rebuild.run(engine, here)


def test_the_command_line_rebuilds(engine: sa.Engine, here: Settings, tmp_path: Path) -> None:
    before = seen(engine, here)
    emptied(engine)
    called = subprocess.run(
        [sys.executable, "-m", "hydrants.cli", "rebuild", "--json"],
        env={
            "PATH": os.environ["PATH"],
            "HYDRANTS_DATABASE_URL": here.database_url,
            "HYDRANTS_RECEIPT_MAIL": json.dumps(here.receipt_mail),
            "HYDRANTS_UPLOADS": str(tmp_path / "gone"),
            **{
                f"HYDRANTS_{name.upper()}": str(getattr(here, name))
                for name in ("registers", "landing", "photos", "site", "boundaries", "addresses")
            },
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (called.returncode, json.loads(called.stdout)["differences"]) == (0, []), called.stderr
    assert seen(engine, here) == before
