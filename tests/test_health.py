"""What a monitor is told: by the clock, by the store, by the disks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import health, store
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import landed_path
from tests.command_line import called

FRIDAY_NIGHT = datetime(2019, 5, 3, 1, tzinfo=UTC)
SHA256 = "a" * 64


@pytest.fixture
def after_a_night(engine: sa.Engine, settings: Settings) -> Iterator[Settings]:
    """A night ended well, one file was received, figures are published."""
    with store.write(engine) as connection:

        def insert(table: sa.Table, **values: Any) -> None:
            connection.execute(sa.insert(table).values(**values))

        insert(tables.run, kind="night", started_at=FRIDAY_NIGHT, finished_at=FRIDAY_NIGHT, counts={})
        insert(
            tables.upload,
            sha256=SHA256,
            contractor="westlandia",
            nis="33021",
            file_name="a.csv",
            size_bytes=5,
            landed_at=FRIDAY_NIGHT,
        )
        insert(
            tables.register_version,
            operator="dewatergroep",
            sha256=SHA256,
            file_name="r.csv",
            exported_on=date(2019, 1, 1),
            scope=[],
            loaded_at=FRIDAY_NIGHT,
            counts={},
        )
        insert(
            tables.snapshot,
            as_of=date(2019, 5, 3),
            campaign_start=date(2019, 1, 1),
            campaign_end=date(2019, 12, 31),
            register_version_id=1,
            fingerprint="f",
            created_at=FRIDAY_NIGHT,
        )
        insert(tables.current_snapshot, pointer="current", snapshot_id=1, published_at=FRIDAY_NIGHT)
    landed = landed_path(settings.landing, SHA256)
    landed.parent.mkdir(parents=True)
    landed.write_bytes(b"hello")
    yield settings.model_copy(update={"read_file_mb": 1})


def problems(settings: Settings, now: datetime) -> dict[str, str]:
    return {check.name: check.told for check in health.checks(settings, now) if not check.is_ok}


def test_all_is_well(after_a_night: Settings) -> None:
    found = health.checks(after_a_night, FRIDAY_NIGHT + timedelta(hours=6))
    assert [check.name for check in found if check.is_ok] == [
        *("store", "schema", "snapshot", "night", "uploads", "landing"),
        *("disk of landing", "disk of photos", "disk of site"),
        *(["disk of store"] if after_a_night.database_url.startswith("sqlite") else []),
    ]
    assert all(check.is_ok for check in found)


@pytest.mark.parametrize(("hours", "is_told"), [(35, False), (37, True)])
def test_nights_that_do_not_come(after_a_night: Settings, hours: int, is_told: bool) -> None:
    found = problems(after_a_night, FRIDAY_NIGHT + timedelta(hours=hours))
    assert ("night" in found) is is_told
    if is_told:
        assert found["night"] == "the last night that ended well did so 37 h ago"


def test_a_night_that_hangs(after_a_night: Settings, engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        started_at = FRIDAY_NIGHT + timedelta(hours=24)
        connection.execute(sa.insert(tables.run).values(kind="night", started_at=started_at))
    told = problems(after_a_night, FRIDAY_NIGHT + timedelta(hours=40))["night"]
    assert told.endswith("did so 40 h ago; one that began 16 h ago has not ended")


@pytest.mark.parametrize(
    ("now", "is_told"),
    [
        (datetime(2019, 5, 4, 12, tzinfo=UTC), False),
        (datetime(2019, 5, 5, 12, tzinfo=UTC), True),
        (datetime(2019, 5, 3, 23, 30, tzinfo=UTC), False),
    ],
)
def test_figures_that_grow_old(after_a_night: Settings, now: datetime, is_told: bool) -> None:
    found = problems(after_a_night, now)
    assert ("snapshot" in found) is is_told
    assert all(
        "the figures speak of 2019-05-03" in told for name, told in found.items() if name == "snapshot"
    )


def test_after_the_campaign_figures_grow_no_older(after_a_night: Settings) -> None:
    ended = after_a_night.model_copy(update={"campaign_end": date(2019, 5, 3)})
    assert set(problems(ended, FRIDAY_NIGHT + timedelta(days=300))) == {"night"}


@pytest.mark.parametrize(
    ("day", "is_told"),
    [(5, False), (6, False), (7, False), (8, True)],  # Sunday; Monday and Tuesday pass; Wednesday
)
def test_crews_that_send_nothing(after_a_night: Settings, day: int, is_told: bool) -> None:
    found = problems(after_a_night, datetime(2019, 5, day, 12, tzinfo=UTC))
    assert ("uploads" in found) is is_told
    if is_told:
        assert found["uploads"].endswith(", 2 working days without one since")


def test_a_disk_that_is_not_mounted(after_a_night: Settings) -> None:
    landed_path(after_a_night.landing, SHA256).unlink()
    assert list(problems(after_a_night, FRIDAY_NIGHT)) == ["landing"]


def test_a_disk_with_little_room(after_a_night: Settings) -> None:
    hungry = after_a_night.model_copy(update={"read_file_mb": 10**9})
    assert {"disk of landing", "disk of photos", "disk of site"} <= set(problems(hungry, FRIDAY_NIGHT))


def test_a_schema_that_is_behind(after_a_night: Settings, engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'old'"))
    assert problems(after_a_night, FRIDAY_NIGHT)["schema"].startswith("at old instead of ")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://nobody@127.0.0.1:1/nothing", "the database does not answer as it should"),
        ("sqlite:////nowhere/at/all.sqlite", "there is no database yet"),
    ],
)
def test_a_store_that_is_not_there(settings: Settings, url: str, said: str) -> None:
    elsewhere = settings.model_copy(update={"database_url": url})
    assert said in problems(elsewhere, FRIDAY_NIGHT)["store"]
    assert not Path("/nowhere").exists()


def test_nothing_happened_yet(engine: sa.Engine, settings: Settings) -> None:
    found = problems(settings, FRIDAY_NIGHT)
    assert {"snapshot", "night", "uploads"} <= set(found)


def test_the_command(after_a_night: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    """All that was set up is of 2019: long ago for the clock of this machine."""
    said = called(engine, tmp_path, "health", "--json")
    answer = json.loads(said.stdout)
    assert said.returncode == 1
    assert answer["is_healthy"] is False
    told = {check["name"]: check["is_ok"] for check in answer["checks"]}
    assert (told["store"], told["schema"], told["night"]) == (True, True, False)

    said = called(engine, tmp_path, "health")
    assert said.returncode == 1
    assert "ok       schema: at " in said.stdout
    assert "PROBLEM  night: the last night that ended well did so " in said.stderr


def test_the_command_when_all_is_well(after_a_night: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    with store.write(engine) as connection:
        connection.execute(sa.update(tables.run).values(finished_at=store.utc_now()))
        connection.execute(sa.update(tables.snapshot).values(as_of=date(2019, 12, 31)))
        connection.execute(sa.update(tables.upload).values(landed_at=store.utc_now()))
    (tmp_path / ".env").write_text(
        f"HYDRANTS_LANDING={after_a_night.landing}\nHYDRANTS_READ_FILE_MB=1\n", encoding="utf-8"
    )
    said = called(engine, tmp_path, "health", "--json")
    assert said.returncode == 0, said
    assert json.loads(said.stdout)["is_healthy"] is True
