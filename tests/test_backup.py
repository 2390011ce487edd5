"""What a backup brings back is what was there; a damaged one is refused, and nothing is overwritten."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
import uuid
from collections.abc import Callable
from datetime import date
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import backup, landing, night, review, store
from hydrants.backup import BackupUnusable, databases
from hydrants.portal import reading
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import landed_path, sha256_of
from tests.batches import send
from tests.command_line import called
from tests.living_store import event_files, live, moved_in, seen, send_mails, write_world
from tests.postgis_server import database
from tests.test_journal import BATCH, known, received

_FORK = multiprocessing.get_context("fork")


def elsewhere(settings: Settings, folder: Path) -> Settings:
    """Settings of another machine: a database without any table, and folders that are not there yet."""
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "postgresql":
        name = f"r_{uuid.uuid4().hex}"
        admin = store.create_engine(database(settings.database_url, "postgres"))
        with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        admin.dispose()
        new = database(settings.database_url, name)
    else:
        new = f"sqlite:///{folder}/restored.sqlite"
    folders = {name: folder / name for name in ("landing", "site", "photos")}
    return settings.model_copy(update={"database_url": new, **folders})


def restored(settings: Settings) -> sa.Engine:
    return store.create_engine(settings.database_url)


def table_names(settings: Settings) -> list[str]:
    """The tables of a database; none where there is no database."""
    engine = store.create_engine(settings.database_url)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return []
    with engine.connect() as connection:
        found = sa.inspect(connection).get_table_names()
    engine.dispose()
    return sorted(set(found) & set(tables.metadata.tables))


def landed_files(settings: Settings) -> dict[str, str]:
    found = {path for path in settings.landing.rglob("*") if path.is_file() and path.name[0] != "."}
    return {str(path.relative_to(settings.landing)): sha256_of(path) for path in found}


def damage(path: Path) -> None:
    """Change one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture
def small(engine: sa.Engine, settings: Settings) -> Settings:
    """Settings of a store that holds two files."""
    for name in ("a.csv", "b.csv"):
        send(settings, name, name.encode())
    landing.run(engine, settings, *BATCH)
    return settings


def test_a_restored_store_says_what_the_lost_one_said(
    engine: sa.Engine, settings: Settings, world: Path, tmp_path: Path
) -> None:
    settings = moved_in(settings, world)
    live(engine, settings, tmp_path)
    before, folder = seen(engine, settings), tmp_path / "backup"
    counts = backup.write(settings, folder)
    assert counts["files_added"] == len(landed_files(settings)) > 20

    there = elsewhere(settings, tmp_path / "there")
    back = backup.restore(there, folder)
    assert (back["files_added"], back["events"]) == (counts["files_added"], {})
    assert landed_files(there) == landed_files(settings)
    with_site = there.model_copy(update={"site": settings.site})
    assert seen(restored(there), with_site) == before, "before any night"

    again = night.whole_night(restored(there), there, as_of=date(2019, 12, 31))
    assert again["publish"]["published"] == 0
    assert again["land"] == {"files_seen": 0, "landed": 0, "duplicates": 0}
    assert seen(restored(there), there) == before, "the site is made again, to the byte"
    assert send_mails(restored(there), there) == 0


def test_what_came_after_the_backup_is_replayed(
    engine: sa.Engine, settings: Settings, world: Path, tmp_path: Path
) -> None:
    """The database of the first night is brought back beside the LANDING of the second."""
    settings = moved_in(settings, world)
    folder = tmp_path / "backup"
    taken: list[dict[str, Any]] = []

    def backed_up(*arguments: Any) -> int:
        if not taken:
            taken.append(backup.write(settings, folder))
        return export(*arguments)

    export: Callable[..., int] = review.export
    with pytest.MonkeyPatch.context() as patched:  # it is called between the two nights
        patched.setattr(review, "export", backed_up)
        live(engine, settings, tmp_path)
    assert len(taken) == 1
    before, files = seen(engine, settings), event_files(settings)

    there = elsewhere(settings, tmp_path / "there")
    there = there.model_copy(update={"landing": settings.landing, "site": settings.site})
    back = backup.restore(there, folder)
    assert back["files_added"] == 0
    kinds = ("decisions", "released", "gone", "received", "published", "mailed")
    assert all(back["events"].get(kind, 0) > 0 for kind in kinds), back["events"]
    assert event_files(there) == files
    shutil.rmtree(there.uploads)  # what their senders took away since is in LANDING
    there.uploads.mkdir()
    again = night.whole_night(restored(there), there, as_of=date(2019, 12, 31))
    assert again["snapshot_id"] == int(before["site"]["current"])
    assert seen(restored(there), there) == before
    assert send_mails(restored(there), there) == 0


def _land_and_wait(settings: Settings, inside: Event, go_on: Event) -> None:
    """Land, and wait within the transaction that notes the third file, once its event is on disk."""
    from hydrants.landing import receiving

    settle, calls = receiving._settle_identity, []

    def waiting(connection: sa.Connection, upload_id: int) -> None:
        calls.append(upload_id)
        if len(calls) == 1:
            inside.set()
            assert go_on.wait(timeout=120)
        settle(connection, upload_id)

    receiving._settle_identity = waiting
    engine = store.create_engine(settings.database_url)
    landing.run(engine, settings, *BATCH)
    engine.dispose()


def test_a_backup_while_the_night_writes(engine: sa.Engine, small: Settings, tmp_path: Path) -> None:
    send(small, "c.csv", b"c.csv")
    send(small, "d.csv", b"d.csv")
    engine.dispose()
    inside, go_on = _FORK.Event(), _FORK.Event()
    process = _FORK.Process(target=_land_and_wait, args=(small, inside, go_on))
    process.start()
    try:
        assert inside.wait(timeout=60)
        backup.write(small, tmp_path / "backup")
    finally:
        go_on.set()
    process.join(timeout=60)
    assert process.exitcode == 0
    assert len(known(engine)) == 4

    there = elsewhere(small, tmp_path / "there")
    back = backup.restore(there, tmp_path / "backup")
    assert back["events"] == {"received": 1}, "LANDING was ahead of the database by the third file"
    assert known(restored(there)) == event_files(there) == event_files(small)[:3]
    with store.read(restored(there)) as connection:
        for sha256 in connection.execute(sa.select(tables.upload.c.sha256)).scalars():
            assert sha256_of(landed_path(there.landing, sha256)) == sha256
    landing.run(restored(there), there, *BATCH)

    def without_moments(one: sa.Engine) -> list[tuple[Any, ...]]:
        return [(row[0], *row[2:]) for row in received(one)]

    assert without_moments(restored(there)) == without_moments(engine)


def test_a_second_backup_adds_what_is_new(engine: sa.Engine, small: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    first = backup.write(small, folder)
    send(small, "c.csv", b"c.csv")
    landing.run(engine, small, *BATCH)
    second = backup.write(small, folder)
    assert (first["files_added"], first["files_kept"]) == (4, 0)  # two files, and the event of each
    assert (second["files_added"], second["files_kept"]) == (2, 4)
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True
    )

    for dump, applied in ((first["dump"], {"received": 1}), (None, {})):
        there = elsewhere(small, tmp_path / str(dump))
        assert backup.restore(there, folder, dump)["events"] == applied
        assert received(restored(there)) == received(engine)

    (folder / "database" / first["dump"]).unlink()
    backup.write(small, folder)
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True
    )


def test_a_backup_shares_no_bytes_with_what_it_saves(small: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backup.write(small, folder)
    there = elsewhere(small, tmp_path / "there")
    for path in small.landing.rglob("*"):
        if path.is_file():
            damage(path)
    backup.restore(there, folder)
    assert landed_files(there).keys() == landed_files(small).keys()
    assert not set(landed_files(there).values()) & set(landed_files(small).values())


def test_a_damaged_file_of_landing_is_not_backed_up(small: Settings, tmp_path: Path) -> None:
    path = next(path for path in small.landing.glob("??/*"))
    damage(path)
    with pytest.raises(BackupUnusable, match=f"{path} is damaged"):
        backup.write(small, tmp_path / "backup")


def test_a_backup_that_was_cut_short_is_finished_by_the_next(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backup"
    with monkeypatch.context() as patched:

        def failing(*_arguments: Any) -> None:
            raise OSError("no space left on device")

        patched.setattr(backup.sums, "write", failing)
        with pytest.raises(OSError, match="no space left"):
            backup.write(small, folder)
    there = elsewhere(small, tmp_path / "there")
    with pytest.raises(BackupUnusable, match=r"does not know .*: the backup was cut short"):
        backup.restore(there, folder)
    halved = next(path for path in (folder / "landing").glob("??/*"))
    halved.chmod(0o644)
    halved.write_bytes(b"")
    backup.write(small, folder)
    backup.restore(there, folder)
    assert landed_files(there) == landed_files(small)


@pytest.mark.parametrize("part", ["database/*", "landing/??/*", "landing/journal/*/*"])
@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_harmed_backup_is_refused(small: Settings, tmp_path: Path, part: str, harm: str) -> None:
    folder = tmp_path / "backup"
    backup.write(small, folder)
    path = sorted(folder.glob(part))[0]
    damage(path) if harm == "damaged" else path.unlink()
    there = elsewhere(small, tmp_path / "there")
    said = f"{path} is damaged" if harm == "damaged" else f"lacks {path}"
    if (harm, part) == ("gone", "database/*"):
        said = "has no dump"
    with pytest.raises(BackupUnusable, match=said):
        backup.restore(there, folder)
    assert table_names(there) == []


def test_a_list_of_hashes_that_is_garbled_is_refused(small: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backup.write(small, folder)
    with (folder / "SHA256SUMS").open("a", encoding="utf-8") as file:
        file.write("0123 x\n")
    with pytest.raises(BackupUnusable, match="is no line of sha256sum"):
        backup.restore(elsewhere(small, tmp_path / "there"), folder)


def test_nothing_is_overwritten(engine: sa.Engine, small: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backup.write(small, folder)
    send(small, "c.csv", b"c.csv")
    landing.run(engine, small, *BATCH)
    engine.dispose()
    before, files = received(engine), landed_files(small)
    with pytest.raises(BackupUnusable, match=r"would be overwritten|nothing is overwritten"):
        backup.restore(small, folder)
    assert (received(engine), landed_files(small)) == (before, files)

    there = elsewhere(small, tmp_path / "there")
    (some, *_) = sorted((folder / "landing").glob("??/*"))
    other = there.landing / some.relative_to(folder / "landing")
    other.parent.mkdir(parents=True)
    other.write_bytes(b"something else")
    with pytest.raises(BackupUnusable, match=f"{other} is not what the backup has by that name"):
        backup.restore(there, folder)
    assert other.read_bytes() == b"something else"
    assert table_names(there) == []


def test_a_restore_that_was_cut_short_is_done_once_more(
    engine: sa.Engine, small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backup"
    backup.write(small, folder)
    there = elsewhere(small, tmp_path / "there")
    with monkeypatch.context() as patched:

        def failing(*_arguments: Any) -> None:
            raise OSError("no space left on device")

        patched.setattr(databases, "load", failing)
        with pytest.raises(OSError, match="no space left"):
            backup.restore(there, folder)
    assert table_names(there) == []
    assert backup.restore(there, folder)["files_kept"] == 4
    assert received(restored(there)) == received(engine)


def test_a_dump_of_the_other_store_is_refused(small: Settings, tmp_path: Path) -> None:
    backup.write(small, tmp_path / "backup")
    is_sqlite = small.database_url.startswith("sqlite")
    other = "postgresql://nobody@127.0.0.1:1/none" if is_sqlite else f"sqlite:///{tmp_path}/other.sqlite"
    with pytest.raises(BackupUnusable, match="To go from SQLite to PostgreSQL or back"):
        backup.restore(small.model_copy(update={"database_url": other}), tmp_path / "backup")


@pytest.mark.postgis
def test_without_the_tools_of_postgresql_it_says_what_to_install(
    postgis_url: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(databases, "_BESIDE_A_SERVER", f"{tmp_path}/*/bin")
    url = database(postgis_url, "hydrants_template")
    with pytest.raises(BackupUnusable, match=r"found: none\. On Debian: apt-get install postgresql-client-"):
        backup.write(settings.model_copy(update={"database_url": url}), tmp_path / "backup")


@pytest.mark.postgis
def test_the_tool_of_the_servers_own_version_comes_first(
    postgis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = store.create_engine(postgis_url)
    with engine.connect() as connection:
        version = connection.execute(sa.text("SHOW server_version_num")).scalar_one()
    own = int(version) // 10_000
    for major in (own - 1, own, own + 1):
        tool = tmp_path / str(major) / "bin" / "pg_dump"
        tool.parent.mkdir(parents=True)
        tool.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {major}.4'\n", encoding="utf-8")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / str(own + 1) / "bin"))
    monkeypatch.setattr(databases, "_BESIDE_A_SERVER", f"{tmp_path}/*/bin")
    assert databases._tool(engine, "pg_dump") == str(tmp_path / str(own) / "bin" / "pg_dump")
    shutil.rmtree(tmp_path / str(own))
    assert databases._tool(engine, "pg_dump") == str(tmp_path / str(own + 1) / "bin" / "pg_dump")
    engine.dispose()


def test_uploads_whose_pictures_are_gone_are_read_again(
    engine: sa.Engine, small: Settings, tmp_path: Path
) -> None:
    there = elsewhere(small, tmp_path / "there")
    kept = landed_path(there.photos, "a" * 64)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"picture")
    with store.write(engine) as connection:
        ids = list(connection.execute(sa.select(tables.upload.c.upload_id)).scalars())
        for upload_id, sha256 in zip(ids, ("a" * 64, "b" * 64), strict=True):
            values = {"upload_id": upload_id, "file_name": "p.jpg", "sha256": sha256}
            connection.execute(sa.insert(tables.raw_photo).values(values))
            store.mark_done(connection, "reading", f"upload:{upload_id}", "inputs", {})
    backup.write(small, tmp_path / "backup")
    assert backup.restore(there, tmp_path / "backup")["uploads_to_read"] == 1
    with store.read(restored(there)) as connection:
        done = [store.is_done(connection, "reading", f"upload:{upload_id}", "inputs") for upload_id in ids]
    assert done == [True, False]


def test_the_command_line_backs_up_and_restores(engine: sa.Engine, small: Settings, tmp_path: Path) -> None:
    here = tmp_path / "run"
    (here / "var").mkdir(parents=True)
    small.landing.rename(here / "var" / "landing")
    engine.dispose()
    wrote = called(engine, here, "backup", "copy")
    assert (wrote.returncode, wrote.stdout.split(", ")[1:]) == (0, ["files added 4", "files kept 0\n"]), wrote
    shutil.rmtree(here / "var" / "landing")
    refused = called(engine, here, "restore", "copy")
    assert refused.returncode == 1
    assert "overwritten" in refused.stderr
    other = restored(elsewhere(small, tmp_path))
    brought = called(other, here, "restore", "copy")
    assert (brought.returncode, "files added 4" in brought.stdout) == (0, True), brought
    assert received(other) == received(engine)


@pytest.mark.postgis
@pytest.mark.parametrize("database_url", ["postgis"], indirect=True)
def test_readers_are_bound_in_the_restored_store_too(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    """On a server without their role it can be restored, and with it they may read nothing until told so."""
    reading.make_reader_role(engine)
    dump = databases.dump(engine, tmp_path, "database")
    assert b"hydrants_reader" not in dump.read_bytes()
    there = restored(elsewhere(settings, tmp_path))
    databases.load(there, dump)
    bound = sa.text("SELECT relname FROM pg_class WHERE relrowsecurity ORDER BY relname")
    may_read = sa.text("SELECT has_table_privilege('hydrants_reader', 'snapshot_hydrant', 'SELECT')")
    with store.read(there) as connection:
        assert connection.scalars(bound).all() == [
            "hydrant_state", "plan_stop", "snapshot_hydrant", "snapshot_progress"
        ]  # fmt: skip
        assert connection.scalar(may_read) is False
    reading.make_reader_role(there)
    with store.read(there) as connection:
        assert connection.scalar(may_read) is True
    there.dispose()
