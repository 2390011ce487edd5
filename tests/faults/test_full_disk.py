"""A disk is full: the night says so in one line, readers keep what they had; with room all is made good."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import landed_path
from tests import postgis_server
from tests.conftest import unavailable
from tests.faults import children, story
from tests.faults.children import in_child
from tests.faults.ordeals import Ordeal
from tests.faults.worlds import World, administer, after_first_night, readers, tell

pytestmark = pytest.mark.timeout(1800)

_KIB = 1024
_TO_CONNECT = 1024 * _KIB
"""What a database itself writes when somebody only reads: a cache of the catalogue, an index of the log."""
ONE_STORE = pytest.mark.parametrize("server_url", ["sqlite"], indirect=True)
ON_SERVER = pytest.mark.parametrize("server_url", ["postgis"], indirect=True)


class Disk:
    """A disk of its own, in memory, with as much room as is left on it."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / ".ballast"

    def leave(self, free_bytes: int) -> None:
        """Fill it up but for so much, in pages."""
        with self._ballast.open("ab") as file:
            file.write(b"\0" * max(0, shutil.disk_usage(self._ballast.parent).free - free_bytes))

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Disk]:
    """Mount a disk over a folder; what lies in the folder lies on the disk too."""
    aside = folder.with_name(f"{folder.name} {uuid.uuid4().hex}")
    folder.rename(aside) if folder.exists() else aside.mkdir()
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        unavailable("no disk can be mounted here: the tests with a full disk are left out")
    try:
        shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(aside)


def _night_fails_clearly(settings: Settings, ordeal: Ordeal, folder: Path | None) -> None:
    """It ends with code 1 and one line that says what is full."""
    ended = in_child(children.command, settings, ordeal.world.now, "night", "--as-of", "2019-12-31")
    assert ended.code == 0, ended.answer
    assert ended.answer.code == 1, ended.answer
    assert "Traceback" not in ended.answer.err, ended.answer.err
    last_line = ended.answer.err.strip().splitlines()[-1]
    assert last_line.startswith("hydrants: ")
    assert "; room there is: " in last_line
    if folder is not None:
        assert "No space left on device" in last_line
        assert f" MB for {folder.name} ({folder})" in last_line


def _nothing_is_half(settings: Settings, ordeal: Ordeal) -> None:
    """Readers see the old snapshot or the new one; the store speaks of no file that is not there."""
    assert ordeal.wrong_between(readers(settings)) == []
    assert files_without_bytes(settings) == []


def files_without_bytes(settings: Settings) -> list[str]:
    """Hashes that the store speaks of and that lie nowhere."""
    engine = store.create_engine(settings.database_url)
    try:
        with store.read(engine) as connection:
            landed = connection.execute(sa.select(tables.upload.c.sha256)).scalars().all()
            photos = connection.execute(sa.select(tables.raw_photo.c.sha256)).scalars().all()
    finally:
        engine.dispose()
    assert landed
    return [
        sha256
        for top, hashes in ((settings.landing, landed), (settings.photos, filter(None, photos)))
        for sha256 in hashes
        if not landed_path(top, sha256).is_file()
    ]


def _next_night_makes_it_good(settings: Settings, ordeal: Ordeal) -> None:
    ended = in_child(children.one_night, settings, ordeal.world.now)
    assert ended.code == 0, ended.answer
    assert tell(settings).differences(ordeal.told) == []


@pytest.mark.parametrize(
    ("folder", "free_bytes"),
    [
        ("landing", 0),
        ("landing", 60 * _KIB),
        ("photos", 0),
        ("site", 0),
        ("site", 40 * _KIB),
        ("site", 250 * _KIB),
        ("site", 1024 * _KIB),
        ("site", 1408 * _KIB),
    ],
)
@ONE_STORE
def test_no_room_for_files(second_night: Ordeal, folder: str, free_bytes: int, tmp_path: Path) -> None:
    with second_night.world.copied(tmp_path) as settings:
        own = settings.site.parent / folder
        with small_disk(own, 16 << 20) as disk:
            disk.leave(free_bytes)
            _night_fails_clearly(settings, second_night, own)
            _nothing_is_half(settings, second_night)
            disk.empty()
            _next_night_makes_it_good(settings, second_night)


@pytest.mark.parametrize("free_bytes", [0, 64 * _KIB, 200 * _KIB])
@ONE_STORE
def test_no_room_for_sqlite(second_night: Ordeal, free_bytes: int, tmp_path: Path) -> None:
    with second_night.world.copied(tmp_path) as settings:
        file = settings.site.parent / "hydrants.sqlite"
        folder = settings.site.parent / "database"
        folder.mkdir()
        file.rename(folder / file.name)
        settings = settings.model_copy(update={"database_url": f"sqlite:///{folder / file.name}"})
        with small_disk(folder, 8 << 20) as disk:
            disk.leave(free_bytes)
            _night_fails_clearly(settings, second_night, None)
            disk.empty()
            disk.leave(_TO_CONNECT)
            _nothing_is_half(settings, second_night)
            disk.empty()
            _next_night_makes_it_good(settings, second_night)


@pytest.fixture(scope="module")
def small_world(
    written: story.Story, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Disk]]:
    """The world after a first night, on a server of its own that keeps its tables on a small disk."""
    binaries = postgis_server.find_binaries()
    if binaries is None:
        unavailable("no PostgreSQL server with PostGIS here: the tests on PostGIS are left out")
        return
    with postgis_server.Server(binaries) as server, small_disk(server.home / "space", 160 << 20) as disk:
        shutil.chown(server.home / "space", *server.owner)
        administer(server.url, f"CREATE TABLESPACE small LOCATION '{server.home / 'space'}'")
        administer(server.url, "CREATE DATABASE empty_store TABLESPACE small")
        engine = store.create_engine(postgis_server.database(server.url, "empty_store"))
        store.migrate(engine)
        engine.dispose()
        folder = tmp_path_factory.mktemp("small")
        yield after_first_night(written, folder, server.url, "empty_store"), disk


@pytest.mark.parametrize("free_bytes", [64 * _KIB, 500 * _KIB])
@ON_SERVER
@pytest.mark.postgis
def test_no_room_for_postgresql(
    second_night: Ordeal, small_world: tuple[World, Disk], free_bytes: int, tmp_path: Path
) -> None:
    world, disk = small_world
    with world.copied(tmp_path) as settings:
        disk.leave(free_bytes)
        _night_fails_clearly(settings, second_night, None)
        disk.empty()
        disk.leave(_TO_CONNECT)
        _nothing_is_half(settings, second_night)
        disk.empty()
        _next_night_makes_it_good(settings, second_night)
