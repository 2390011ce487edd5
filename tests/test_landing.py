"""Landing keeps every content once, for good, whatever arrives when and under which name."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import landing, store
from hydrants.settings import Settings
from hydrants.store.files import landed_path, sha256_of
from hydrants.store.tables import delivery, upload

BATCH = ("westlandia", "33021")
HELLO_SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # printf hello | sha256sum
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def drop(settings: Settings, name: str, content: bytes, batch: tuple[str, str] = BATCH) -> Path:
    path = settings.uploads.joinpath(*batch, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def rows(engine: sa.Engine, *columns: sa.ColumnElement[Any]) -> list[tuple[Any, ...]]:
    with store.read(engine) as connection:
        return sorted(row._tuple() for row in connection.execute(sa.select(*columns)))


def contents(settings: Settings) -> list[Path]:
    """The files in LANDING that are no events of the journal."""
    files = (path for path in settings.landing.rglob("*") if path.is_file())
    return [path for path in files if path.relative_to(settings.landing).parts[0] != "journal"]


def uploads(engine: sa.Engine) -> list[tuple[Any, ...]]:
    return rows(engine, upload.c.sha256, upload.c.contractor, upload.c.nis, upload.c.file_name)


def test_a_file_is_kept_under_its_hash_before_the_store_speaks_of_it(
    engine: sa.Engine, settings: Settings
) -> None:
    source = drop(settings, "week 12.csv", b"hello")
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 1, "landed": 1, "duplicates": 0}
    landed = settings.landing / "2c" / HELLO_SHA256
    assert landed == landed_path(settings.landing, HELLO_SHA256)
    assert landed.read_bytes() == b"hello"
    assert landed.stat().st_mode & 0o777 == 0o444
    assert source.exists(), "the sender's copy is the sender's"
    assert uploads(engine) == [(HELLO_SHA256, "westlandia", "33021", "week 12.csv")]
    assert rows(engine, upload.c.size_bytes, upload.c.rejected_because) == [(5, None)]
    assert contents(settings) == [landed]


def test_a_second_run_changes_nothing(engine: sa.Engine, settings: Settings) -> None:
    drop(settings, "a.csv", b"hello")
    drop(settings, "leeg.csv", b"")
    landing.run(engine, settings, *BATCH)
    before = rows(engine, *upload.c), rows(engine, *delivery.c)
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 0, "landed": 0, "duplicates": 0}
    assert (rows(engine, *upload.c), rows(engine, *delivery.c)) == before
    assert [row[1] for row in before[0]] == [HELLO_SHA256, EMPTY_SHA256]


def test_the_same_content_under_another_name_is_a_duplicate(engine: sa.Engine, settings: Settings) -> None:
    drop(settings, "b.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    drop(settings, "c.csv", b"hello")
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 1, "landed": 0, "duplicates": 1}
    assert uploads(engine) == [(HELLO_SHA256, *BATCH, "b.csv")]
    assert rows(engine, delivery.c.file_name) == [("b.csv",), ("c.csv",)]


def test_new_content_under_a_known_name_is_another_upload(engine: sa.Engine, settings: Settings) -> None:
    drop(settings, "b.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    drop(settings, "b.csv", b"hello, corrected")
    assert landing.run(engine, settings, *BATCH)["landed"] == 1
    assert rows(engine, upload.c.file_name) == [("b.csv",), ("b.csv",)]
    assert landed_path(settings.landing, HELLO_SHA256).read_bytes() == b"hello"


def test_the_order_of_arrival_does_not_decide_the_identity(engine: sa.Engine, settings: Settings) -> None:
    names = [(*BATCH, "z.csv"), (*BATCH, "a.csv"), ("interwest", "38025", "m.csv")]
    for content, order in enumerate(itertools.permutations(names)):
        for contractor, nis, name in order:
            drop(settings, f"{content}{name}", b"content %d" % content, (contractor, nis))
            landing.run(engine, settings, contractor, nis)
    found = rows(engine, upload.c.contractor, upload.c.nis, upload.c.file_name)
    assert found == [("interwest", "38025", f"{content}m.csv") for content in range(6)]
    assert len(rows(engine, *delivery.c)) == 18


WRONG, RIGHT = ("interwest", "32003"), BATCH


def places(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """Each delivery: gemeente, file name, whether it is gone."""
    return rows(engine, delivery.c.nis, delivery.c.file_name, delivery.c.gone_at.is_not(None))


@pytest.mark.parametrize("order", [(WRONG, RIGHT), (RIGHT, WRONG)])
@pytest.mark.parametrize(("came_in", "belongs_in"), [(WRONG, RIGHT), (RIGHT, WRONG)])
def test_a_moved_file_belongs_to_the_folder_it_lies_in(
    engine: sa.Engine,
    settings: Settings,
    came_in: tuple[str, str],
    belongs_in: tuple[str, str],
    order: list[tuple[str, str]],
) -> None:
    path = drop(settings, "a.csv", b"hello", came_in)
    for batch in order:
        landing.run(engine, settings, *batch)
    drop(settings, "b.csv", b"hello", belongs_in)
    path.unlink()
    for batch in order:
        landing.run(engine, settings, *batch)
    assert uploads(engine) == [(HELLO_SHA256, *belongs_in, "b.csv")]
    moved = sorted([(came_in[1], "a.csv", True), (belongs_in[1], "b.csv", False)])
    assert places(engine) == moved
    before = rows(engine, *upload.c), rows(engine, *delivery.c)
    for batch in order:
        assert landing.run(engine, settings, *batch) == {"files_seen": 0, "landed": 0, "duplicates": 0}
    assert (rows(engine, *upload.c), rows(engine, *delivery.c)) == before


def test_a_file_that_is_back_is_there_again(engine: sa.Engine, settings: Settings) -> None:
    path = drop(settings, "a.csv", b"hello")
    drop(settings, "b.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    path.unlink()
    landing.run(engine, settings, *BATCH)
    assert uploads(engine) == [(HELLO_SHA256, *BATCH, "b.csv")]
    path.write_bytes(b"hello")
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 0, "landed": 0, "duplicates": 0}
    assert uploads(engine) == [(HELLO_SHA256, *BATCH, "a.csv")]
    assert places(engine) == [("33021", "a.csv", False), ("33021", "b.csv", False)]


@pytest.mark.parametrize("order", [(WRONG, RIGHT), (RIGHT, WRONG)])
def test_emptied_folders_leave_the_identity_as_it_is(
    engine: sa.Engine, settings: Settings, order: list[tuple[str, str]]
) -> None:
    paths = [drop(settings, "a.csv", b"hello", batch) for batch in (WRONG, RIGHT)]
    drop(settings, "blijft.csv", b"other", ("interwest", "38025"))
    for emptied in (False, True):
        for path in paths if emptied else ():
            path.unlink()
        for batch in order:
            landing.run(engine, settings, *batch)
    assert uploads(engine) == [(HELLO_SHA256, *WRONG, "a.csv")]
    assert places(engine) == [("32003", "a.csv", True), ("33021", "a.csv", True)]


def test_a_file_that_was_away_for_a_moment_has_its_identity_again(
    engine: sa.Engine, settings: Settings
) -> None:
    path = drop(settings, "a.csv", b"hello", WRONG)
    landing.run(engine, settings, *WRONG)
    drop(settings, "a.csv", b"hello", RIGHT)
    away = path.rename(settings.uploads / "even_weg")
    landing.run(engine, settings, *RIGHT)
    assert uploads(engine) == [(HELLO_SHA256, *RIGHT, "a.csv")]
    away.rename(path)
    for batch in (WRONG, RIGHT):
        landing.run(engine, settings, *batch)
    assert uploads(engine) == [(HELLO_SHA256, *WRONG, "a.csv")]


def test_a_share_that_is_not_there_says_nothing_of_its_files(engine: sa.Engine, settings: Settings) -> None:
    drop(settings, "a.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    settings.uploads.rename(settings.uploads.with_name("elders"))
    landing.run(engine, settings, *BATCH)
    settings.uploads.mkdir()
    landing.run(engine, settings, *BATCH)
    assert places(engine) == [("33021", "a.csv", False)]


def test_content_that_was_overwritten_is_gone_and_keeps_its_identity(
    engine: sa.Engine, settings: Settings
) -> None:
    drop(settings, "a.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    drop(settings, "a.csv", b"hello, corrected")
    landing.run(engine, settings, *BATCH)
    assert rows(engine, upload.c.nis, upload.c.file_name) == [("33021", "a.csv")] * 2
    assert places(engine) == [("33021", "a.csv", False), ("33021", "a.csv", True)]


def test_a_file_that_changes_is_not_gone_yet(engine: sa.Engine, settings: Settings) -> None:
    path = drop(settings, "a.csv", b"hello")
    landing.run(engine, settings, *BATCH)
    path.write_bytes(b"hel")
    slow = settings.model_copy(update={"upload_stable_s": 0.4})
    writer = threading.Timer(0.2, path.write_bytes, [b"hello"])
    writer.start()
    landing.run(engine, slow, *BATCH)
    writer.join()
    assert places(engine) == [("33021", "a.csv", False)]


def test_a_folder_that_went_away_is_still_looked_after(engine: sa.Engine, settings: Settings) -> None:
    paths = [drop(settings, "a.csv", b"hello", batch) for batch in (WRONG, RIGHT)]
    for batch in (WRONG, RIGHT):
        landing.run(engine, settings, *batch)
    paths[1].unlink()
    paths[1].parent.rmdir()
    assert landing.batches(engine, settings) == [WRONG, RIGHT]
    for batch in (WRONG, RIGHT):
        landing.run(engine, settings, *batch)
    assert landing.batches(engine, settings) == [WRONG]


@pytest.mark.parametrize(
    "name", ["a.csv.part", "a.tmp", "A.CRDOWNLOAD", "a.xlsx.filepart", "~$a.xlsx", ".a.csv.swp"]
)
def test_a_file_in_transit_is_left(engine: sa.Engine, settings: Settings, name: str) -> None:
    path = drop(settings, name, b"hello")
    assert landing.run(engine, settings, *BATCH)["files_seen"] == 0
    path.rename(path.with_name("klaar.csv"))
    assert landing.run(engine, settings, *BATCH)["landed"] == 1


def test_a_file_that_still_grows_is_left_until_it_is_stable(engine: sa.Engine, settings: Settings) -> None:
    settings = settings.model_copy(update={"upload_stable_s": 0.6})
    path = drop(settings, "groeit.csv", b"hel")
    drop(settings, "klaar.csv", b"hello")
    # taken away between the listing and the second look: as if it had never been there
    gone = drop(settings, "weg.csv", b"x")

    def disturb() -> None:
        time.sleep(0.25)
        with path.open("ab") as file:
            file.write(b"lo!")
        gone.unlink()

    writer = threading.Thread(target=disturb)
    writer.start()
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 1, "landed": 1, "duplicates": 0}
    writer.join()
    assert uploads(engine) == [(HELLO_SHA256, *BATCH, "klaar.csv")]
    assert landing.run(engine, settings, *BATCH)["landed"] == 1
    assert rows(engine, upload.c.file_name) == [("groeit.csv",), ("klaar.csv",)]


def test_an_old_file_is_not_waited_for(engine: sa.Engine, settings: Settings) -> None:
    settings = settings.model_copy(update={"upload_stable_s": 3600})
    path = drop(settings, "oud.csv", b"hello")
    two_hours_ago = time.time() - 7200
    os.utime(path, (two_hours_ago, two_hours_ago))
    assert landing.run(engine, settings, *BATCH)["landed"] == 1


def test_links_and_folders_are_not_followed(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("not an upload")
    folder = settings.uploads.joinpath(*BATCH)
    (folder / "archief").mkdir(parents=True)
    (folder / "archief" / "oud.csv").write_text("old")
    (folder / "lijst.csv").symlink_to(secret)
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 0, "landed": 0, "duplicates": 0}
    place = "/".join(BATCH)
    assert landing.unread(settings) == [f"{place}/archief", f"{place}/lijst.csv"], "left out, not in silence"


def test_a_file_that_cannot_be_read_stops_no_other(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the sender's server gives files to another user; root can read them all, hence the patch."""
    forbidden = drop(settings, "a.csv", b"hello")
    drop(settings, "b.csv", b"b")
    gone = drop(settings, "c.csv", b"c")
    landing.run(engine, settings, *BATCH)
    gone.unlink()
    drop(settings, "d.csv", b"d")
    really_open = Path.open

    def refusing(path: Path, *arguments: Any, **options: Any) -> Any:
        if path == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refusing)
    monkeypatch.setattr("os.access", lambda path, _mode: path != forbidden)
    assert landing.run(engine, settings, *BATCH) == {"files_seen": 1, "landed": 1, "duplicates": 0}
    with store.read(engine) as connection:
        query = sa.select(delivery.c.file_name).where(delivery.c.gone_at.is_not(None))
        assert connection.execute(query).scalars().all() == ["c.csv"], "a.csv still lies there"
    assert landing.unread(settings) == ["/".join((*BATCH, "a.csv"))]


def test_a_crash_between_file_and_row_is_made_good(engine: sa.Engine, settings: Settings) -> None:
    drop(settings, "a.csv", b"hello")
    orphan = landed_path(settings.landing, HELLO_SHA256)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"hello")
    assert landing.run(engine, settings, *BATCH)["landed"] == 1
    orphan.unlink()  # as after a restore of the database alone
    assert landing.run(engine, settings, *BATCH)["landed"] == 0
    assert sha256_of(orphan) == HELLO_SHA256


def test_a_name_that_is_no_text_is_landed(engine: sa.Engine, settings: Settings) -> None:
    folder = settings.uploads.joinpath(*BATCH)
    folder.mkdir(parents=True)
    with open(os.fsencode(folder) + b"/caf\xe9.csv", "wb") as file:  # noqa: PTH123 - bytes are no Path
        file.write(b"hello")
    assert landing.run(engine, settings, *BATCH)["landed"] == 1
    assert rows(engine, upload.c.file_name) == [("caf\N{REPLACEMENT CHARACTER}.csv",)]


def _land(settings: Settings, barrier: Barrier, results: Any) -> None:
    engine = store.create_engine(settings.database_url)
    barrier.wait()
    results.put(landing.run(engine, settings, *BATCH))
    engine.dispose()


def test_five_processes_that_land_the_same_file_make_one_upload(
    engine: sa.Engine, settings: Settings
) -> None:
    drop(settings, "a.csv", b"hello")
    engine.dispose()
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(5), context.Queue()
    processes = [context.Process(target=_land, args=(settings, barrier, results)) for _ in range(5)]
    for process in processes:
        process.start()
    counts = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 5
    assert sum(count["landed"] for count in counts) == 1
    assert uploads(engine) == [(HELLO_SHA256, *BATCH, "a.csv")]
    assert len(rows(engine, *delivery.c)) == 1
    assert [path.name for path in contents(settings)] == [HELLO_SHA256]


def test_batches_and_what_lies_outside_them(engine: sa.Engine, settings: Settings) -> None:
    assert landing.batches(engine, settings) == []
    assert landing.unread(settings) == []
    sent = drop(settings, "a.csv", b"hello", ("westlandia", "33011"))
    landing.run(engine, settings, "westlandia", "33011")
    sent.unlink()
    sent.parent.rmdir()
    drop(settings, "a.csv", b"1", ("interwest", "38025"))
    drop(settings, "a.csv", b"2", ("interwest", "99999"))
    drop(settings, "a.csv", b"3", ("onbekend", "33021"))
    (settings.uploads / "interwest" / "los.csv").write_bytes(b"4")
    assert landing.batches(engine, settings) == [("interwest", "38025"), ("westlandia", "33011")]
    assert landing.unread(settings) == ["interwest/99999", "interwest/los.csv", "onbekend"]
