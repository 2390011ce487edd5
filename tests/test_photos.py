"""Pictures of what is published: one file on the disk for all snapshots, and none that is not shown."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.publishing import retention
from hydrants.settings import Settings
from tests.conftest import unavailable
from tests.judged_world import World, square_gemeenten
from tests.test_journal import set_clock

MAY, JUNE = date(2019, 5, 1), date(2019, 6, 1)
SHOWN, OF_ANOTHER, NOT_SHOWN = (b"\xff\xd8 een", b"\xff\xd8 twee", b"\xff\xd8 drie")


def sha256(content: bytes) -> str:
    """Its name."""
    return hashlib.sha256(content).hexdigest()


def kept(settings: Settings, content: bytes) -> Path:
    """Where a picture lies in PHOTOS."""
    return settings.photos / sha256(content)[:2] / sha256(content)


def keep(settings: Settings) -> None:
    """Put all pictures into PHOTOS."""
    for content in (SHOWN, OF_ANOTHER, NOT_SHOWN):
        path = kept(settings, content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o444)


@pytest.fixture
def settings(engine: sa.Engine, settings: Settings) -> Settings:
    """A picture in Poperinge, one in Ieper, and one of a row that waits for a person."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()))
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        world.hydrant("DWG-1", "33021", x=41_500.0)
        world.hydrant("DWG-2", "33011", x=40_500.0)
        for name, content in {"1.jpg": SHOWN, "2.jpg": OF_ANOTHER, "3.jpg": NOT_SHOWN}.items():
            world.photo(1, name, sha256(content))
        world.row("DWG-1", "failed", MAY, photos=["1.jpg"])
        world.row("DWG-2", "ok", MAY, photos=["2.jpg"])
        world.row("DWG-2", "ok", MAY, photos=["3.jpg"], verdict="review")
    keep(settings)
    return settings


def pictures(settings: Settings, snapshot_id: int) -> dict[str, Path]:
    """The pictures of a snapshot, by gemeente and name."""
    folder = settings.site / "snapshots" / str(snapshot_id)
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.jpg"))}


def second_snapshot(engine: sa.Engine, settings: Settings) -> int:
    """One more inspection, published."""
    with store.write(engine) as connection:
        world = World(connection)
        world.upload(2, "b")
        world.row("DWG-1", "ok", JUNE, upload_id=2)
    return publishing.run(engine, settings, date(2019, 12, 31))["snapshot_id"]


def test_what_is_shown_is_there_and_nothing_else(engine: sa.Engine, settings: Settings) -> None:
    publishing.run(engine, settings, date(2019, 12, 31))
    found = pictures(settings, 1)
    assert {name: path.read_bytes() for name, path in found.items()} == {
        f"33011/photos/{sha256(OF_ANOTHER)}.jpg": OF_ANOTHER,
        f"33021/photos/{sha256(SHOWN)}.jpg": SHOWN,
    }
    assert found[f"33021/photos/{sha256(SHOWN)}.jpg"].samefile(kept(settings, SHOWN))
    assert not list((settings.site / "snapshots" / "1" / "33016").glob("photos*"))


def test_snapshots_share_a_picture_and_one_that_goes_takes_its_own_along(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, datetime(2020, 1, 1, 3, tzinfo=UTC))
    publishing.run(engine, settings, date(2019, 12, 31))
    set_clock(monkeypatch, datetime(2020, 1, 9, 3, tzinfo=UTC))
    assert second_snapshot(engine, settings) == 2
    assert kept(settings, SHOWN).stat().st_nlink == 3
    assert retention.remove_old(engine, settings.site, 1) == 1
    assert pictures(settings, 1) == {}
    assert kept(settings, SHOWN).stat().st_nlink == 2
    assert pictures(settings, 2)[f"33021/photos/{sha256(SHOWN)}.jpg"].read_bytes() == SHOWN


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Settings]:
    """PHOTOS on another file system than SITE."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == settings.boundaries.stat().st_dev:
        unavailable("no second file system here: sharing pictures across two is not tested")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        moved = settings.model_copy(update={"photos": Path(folder)})
        keep(moved)
        yield moved


def test_on_another_file_system_there_is_one_copy(engine: sa.Engine, elsewhere: Settings) -> None:
    publishing.run(engine, elsewhere, date(2019, 12, 31))
    assert second_snapshot(engine, elsewhere) == 2
    name = f"33021/photos/{sha256(SHOWN)}.jpg"
    first, second = (pictures(elsewhere, number)[name] for number in (1, 2))
    assert first.samefile(second)
    assert (first.read_bytes(), first.stat().st_nlink) == (SHOWN, 2)
    assert kept(elsewhere, SHOWN).stat().st_nlink == 1


def test_a_damaged_copy_is_not_shared(engine: sa.Engine, elsewhere: Settings) -> None:
    publishing.run(engine, elsewhere, date(2019, 12, 31))
    name = f"33021/photos/{sha256(SHOWN)}.jpg"
    pictures(elsewhere, 1)[name].write_bytes(b"half")
    assert second_snapshot(engine, elsewhere) == 2
    assert pictures(elsewhere, 2)[name].read_bytes() == SHOWN


def test_a_picture_that_is_lost_holds_back_nothing(
    engine: sa.Engine, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    kept(settings, SHOWN).unlink()
    with caplog.at_level(logging.ERROR):
        assert publishing.run(engine, settings, date(2019, 12, 31))["published"] == 1
    assert [name.split("/")[0] for name in pictures(settings, 1)] == ["33011"]
    assert sha256(SHOWN) in caplog.text
