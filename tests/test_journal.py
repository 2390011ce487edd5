"""What came from outside is on disk before the store speaks of it, and the store can always catch up."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import journal, landing, night, reference, replay, store
from hydrants.journal import applied, events
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.tables import delivery, upload
from tests.living_store import event_files, live, moved_in, write_world

BATCH = ("westlandia", "33021")
_FORK = multiprocessing.get_context("fork")


def drop(settings: Settings, name: str, content: bytes, batch: tuple[str, str] = BATCH) -> Path:
    path = settings.uploads.joinpath(*batch, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def known(engine: sa.Engine) -> list[str]:
    with store.read(engine) as connection:
        return sorted(connection.execute(sa.select(tables.event.c.name)).scalars())


def received(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """Every content with the name it goes by, and every delivery, without the store's own numbers."""
    names = ("contractor", "nis", "file_name")
    is_gone = delivery.c.gone_at.is_not(None)
    contents = sa.select(upload.c.sha256, upload.c.landed_at, *(upload.c[name] for name in names))
    deliveries = sa.select(
        upload.c.sha256, delivery.c.seen_at, *(delivery.c[name] for name in names), is_gone
    ).join_from(delivery, upload)
    with store.read(engine) as connection:
        rows = [*connection.execute(contents), *connection.execute(deliveries)]
    return sorted(tuple(map(_plain, row)) for row in rows)


def _plain(value: Any) -> str:
    return journal.as_text(value) if isinstance(value, datetime) else str(value)


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr("hydrants.store.utc_now", lambda: moment)


def test_an_event_is_a_file_that_a_person_can_read(engine: sa.Engine, settings: Settings) -> None:
    drop(settings, "week 12.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    (path,) = (settings.landing / "journal").glob("*/*.json")
    assert path.parent.name == f"{datetime.now(UTC):%Y-%m}"
    assert path.stat().st_mode & 0o777 == 0o444
    said = json.loads(path.read_text(encoding="utf-8"))
    assert datetime.fromisoformat(said.pop("at")).tzinfo is not None
    assert said == {
        "kind": "received",
        "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "size_bytes": 5,
        "contractor": "westlandia",
        "nis": "33021",
        "file_name": "week 12.csv",
    }
    assert known(engine) == [path.stem]


def _land_and_die(settings: Settings, place: str) -> None:
    """Land, and die just after the event's file is there, or just before."""
    engine = store.create_engine(settings.database_url)
    write = events.write

    def dying(*arguments: Any) -> None:
        if place == "after":
            write(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    events.write = dying
    landing.run(engine, settings, *BATCH)


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_crash_between_event_and_commit_is_made_good(
    engine: sa.Engine, settings: Settings, place: str
) -> None:
    source = drop(settings, "a.csv", b"hello")
    engine.dispose()
    process = _FORK.Process(target=_land_and_die, args=(settings, place))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -signal.SIGKILL
    assert (known(engine), received(engine)) == ([], [])
    assert len(event_files(settings)) == (place == "after")
    if place == "after":
        source.unlink()  # even where its sender takes the file away before the next night
        assert replay.catch_up(engine, settings) == {"received": 1}
    else:
        landing.run(engine, settings, *BATCH)
    assert known(engine) == event_files(settings)
    assert len(received(engine)) == 2
    assert replay.catch_up(engine, settings) == {}


def test_a_transaction_that_fails_leaves_an_event_that_is_applied_later(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(settings, "a.csv", b"hello")
    with monkeypatch.context() as patched:

        def failing(*_arguments: Any) -> None:
            raise OSError("the database's disk is full")

        patched.setattr("hydrants.landing.receiving._settle_identity", failing)
        with pytest.raises(OSError, match="disk is full"):
            landing.run(engine, settings, *BATCH)
    assert received(engine) == []
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 0, "landed": 0, "duplicates": 0}
    assert known(engine) == event_files(settings)
    assert len(received(engine)) == 2


def test_an_event_that_cannot_be_written_leaves_no_row(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(settings, "a.csv", b"hello")

    def failing(*_arguments: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(events, "put", failing)
    with pytest.raises(OSError, match="no space left"):
        landing.run(engine, settings, *BATCH)
    assert (known(engine), received(engine), event_files(settings)) == ([], [], [])


def test_the_order_of_events_survives_a_clock_that_runs_backwards(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop(settings, "a.csv", b"hello")
    drop(settings, "b.csv", b"other")
    before_the_change = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    set_clock(monkeypatch, before_the_change)
    landing.run(engine, settings, *BATCH)
    path.unlink()
    landing.run(engine, settings, *BATCH)
    set_clock(monkeypatch, before_the_change - timedelta(hours=1))
    drop(settings, "a.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    live_ = received(engine)
    assert [row[-1] for row in live_ if len(row) == 6] == ["False", "False"]
    assert sorted(event_files(settings)) == known(engine)

    store.migrate(engine, "base")
    store.migrate(engine)
    night_of(engine)
    assert replay.catch_up(engine, settings) == {"received": 3, "gone": 1}
    assert received(engine) == live_


def night_of(engine: sa.Engine) -> None:
    """Reference rows, which a night puts there before it catches up."""
    with store.write(engine) as connection:
        reference.sync(connection)


def test_the_order_of_applying_changes_nothing(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    drop(settings, "a.csv", b"hello")
    drop(settings, "b.csv", b"hello", ("interwest", "38014"))
    for step in (lambda: None, lambda: drop(settings, "0.csv", b"hello")):
        step()
        for batch in (BATCH, ("interwest", "38014")):
            landing.run(engine, settings, *batch)
    (settings.uploads / "interwest" / "38014" / "b.csv").unlink()
    landing.run(engine, settings, "interwest", "38014")
    expected, names = received(engine), event_files(settings)
    assert len(names) == 4

    seed = random.randrange(2**32)
    print(f"order of applying from seed {seed}")  # noqa: T201
    kinds = {kind.name: kind for kind in landing.KINDS}
    for number in range(6):
        other = store.create_engine(f"sqlite:///{tmp_path}/{number}.sqlite")
        store.migrate(other)
        night_of(other)
        # an event on a delivery comes after the one that made it, as its own transaction does
        order = [names[0], *random.Random(seed + number).sample(names[1:3], 2), names[3]]
        with store.write(other) as connection:
            for name in order * 2:
                event = journal.read(settings.landing, name)
                kinds[event.kind].apply(connection, settings.landing, event)
        assert received(other) == expected
        other.dispose()


def test_a_night_with_nothing_new_writes_no_event(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    settings = moved_in(settings, write_world(tmp_path))
    live(engine, settings, tmp_path)
    before = event_files(settings)
    assert before == known(engine)
    night.whole_night(engine, settings)
    assert event_files(settings) == before


def test_a_month_that_is_over_is_listed_no_more(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(settings, "a.csv", b"hello")
    set_clock(monkeypatch, datetime(2026, 1, 31, 23, 59, tzinfo=UTC))
    landing.run(engine, settings, *BATCH)
    listed: list[str] = []
    names: Callable[[Path, str], list[str]] = events.names
    monkeypatch.setattr(events, "names", lambda folder, month: listed.append(month) or names(folder, month))
    for day, expected in ((1, {"2026-01"}), (3, {"2026-01"}), (4, set())):
        listed.clear()
        set_clock(monkeypatch, datetime(2026, 2, day, 12, tzinfo=UTC))
        assert replay.catch_up(engine, settings) == {}
        assert set(listed) == expected, day
    drop(settings, "b.csv", b"other")
    landing.run(engine, settings, *BATCH)
    assert set(listed) == set()
    assert replay.catch_up(engine, settings) == {}
    assert set(listed) == {"2026-02"}


def test_a_month_with_an_event_that_waits_stays_open(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.write_as_of(
        settings.landing, "released", {"sha256": "ab", "note": None}, datetime(2026, 1, 5, 3, tzinfo=UTC)
    )
    set_clock(monkeypatch, datetime(2026, 6, 1, tzinfo=UTC))
    applied.close_months(engine, settings.landing)
    assert len(journal.unknown(engine, settings.landing)) == 1
    assert replay.catch_up(engine, settings) == {"released": 1}
    assert journal.unknown(engine, settings.landing) == []


def test_a_damaged_event_is_named(engine: sa.Engine, settings: Settings) -> None:
    moment = datetime(2026, 1, 5, 3, tzinfo=UTC)
    journal.write_as_of(settings.landing, "released", {"sha256": "ab", "note": None}, moment)
    (path,) = (settings.landing / "journal").glob("*/*.json")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"ab"', b'"cd"'))
    with pytest.raises(journal.JournalDamaged, match=f"{path.name} was changed or damaged"):
        replay.catch_up(engine, settings)


def test_an_event_of_a_newer_version_is_not_passed_over(engine: sa.Engine, settings: Settings) -> None:
    journal.write_as_of(settings.landing, "weather", {}, datetime(2026, 1, 5, 3, tzinfo=UTC))
    with pytest.raises(journal.JournalDamaged, match="'weather', which this version of hydrants does not"):
        replay.catch_up(engine, settings)


def test_every_kind_says_who_applies_it() -> None:
    from hydrants.replay.kinds import MODULES, kind

    assert [kind(name).name for name in MODULES] == list(MODULES)


def _catch_up(settings: Settings) -> None:
    engine = store.create_engine(settings.database_url)
    replay.catch_up(engine, settings)
    engine.dispose()


def test_processes_that_catch_up_at_once_apply_everything_once(engine: sa.Engine, settings: Settings) -> None:
    for number in range(300):
        body = {"sha256": f"{number:064}", "note": str(number)}
        journal.write_as_of(settings.landing, "released", body, datetime(2026, 1, 5, 3, tzinfo=UTC))
    engine.dispose()
    processes = [_FORK.Process(target=_catch_up, args=(settings,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(known(engine)) == 300
    with store.read(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.release)).scalar() == 300


def test_the_kept_copy_of_a_shapefile_has_all_its_parts(tmp_path: Path) -> None:
    folder, kept = tmp_path / "in", tmp_path / "landing"
    folder.mkdir()
    for suffix in ("shp", "dbf", "shx", "prj", "qgz"):
        (folder / f"grenzen.{suffix}").write_text(suffix, encoding="utf-8")
    files = journal.keep_dataset(kept, folder / "grenzen.shp")
    assert list(files) == ["grenzen.shp", "grenzen.dbf", "grenzen.prj", "grenzen.shx"]
    with journal.laid_out(kept, files) as out:
        assert {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()} == {
            name: name.partition(".")[2] for name in files
        }
