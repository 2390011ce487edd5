"""Is everything as it should be? What a monitor asks every quarter of an hour, and what it is told.

Nothing is changed and nothing is migrated: a store that is behind is a finding, not something to mend here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from hydrants.store.files import landed_path
from hydrants.store.tables import current_snapshot, run, snapshot, upload

_BELGIUM = ZoneInfo("Europe/Brussels")
_WORKING_DAYS_WITHOUT_FILES = 2
_FILES_TO_HOLD = 2


class Check(NamedTuple):
    """One thing that was looked at; `told` says what was found, also when it is well."""

    name: str
    is_ok: bool
    told: str


_Look = Callable[[sa.Connection, Settings, datetime], Check]


def checks(settings: Settings, now: datetime | None = None) -> list[Check]:
    """Look at the store, the figures that readers see, the nights, the files that come in, and the disks.

    Args:
        now: the moment to judge by, with its zone; default the present.
    """
    moment = now or store.utc_now()
    return [*_of_store(settings, moment), *_of_disks(settings)]


def _of_store(settings: Settings, now: datetime) -> Iterator[Check]:
    """What the store tells; without an answer, or with another schema, it is asked nothing more."""
    looks: tuple[_Look, ...] = (_snapshot, _night, _uploads, _landing)
    if settings.database_url.startswith("sqlite:") and not _has_file(settings.database_url):
        yield Check("store", False, "there is no database yet: run 'hydrants night' first")
        return
    engine = store.create_engine(settings.database_url)
    try:
        with store.read(engine) as connection:
            yield Check("store", True, f"{engine.dialect.name} answers")
            schema = _schema(connection)
            yield schema
            if schema.is_ok:
                for look in looks:
                    yield look(connection, settings, now)
    except sa.exc.OperationalError as error:
        yield Check("store", False, f"the database does not answer as it should: {error.orig}")
    finally:
        engine.dispose()


def _has_file(url: str) -> bool:
    name = sa.make_url(url).database
    return bool(name) and Path(str(name)).is_file()


def _schema(connection: sa.Connection) -> Check:
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(store.SQL_DIR / "migrations"))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    found = MigrationContext.configure(connection).get_current_revision()
    if found == wanted:
        return Check("schema", True, f"at {found}")
    return Check(
        "schema", False, f"at {found or 'nothing'} instead of {wanted}: the next night brings it there"
    )


def _snapshot(connection: sa.Connection, settings: Settings, now: datetime) -> Check:
    """How old the figures are is the day they speak of: an equal state is not published again."""
    query = sa.select(snapshot.c.as_of, current_snapshot.c.published_at).join(
        current_snapshot, current_snapshot.c.snapshot_id == snapshot.c.snapshot_id
    )
    row = connection.execute(query).first()
    if row is None:
        return Check("snapshot", False, "nothing is published yet")
    told = f"the figures speak of {row.as_of}, published {_hours(row.published_at, now)} ago"
    return Check("snapshot", row.as_of >= _oldest_allowed(settings, now), told)


def _oldest_allowed(settings: Settings, now: datetime) -> date:
    """The day that the figures must at least speak of; after the campaign its last, before it any."""
    return min(
        (now - timedelta(hours=settings.stale_hours)).astimezone(_BELGIUM).date(), settings.campaign_end
    )


def _night(connection: sa.Connection, settings: Settings, now: datetime) -> Check:
    finished = connection.execute(sa.select(sa.func.max(run.c.finished_at))).scalar()
    started = connection.execute(sa.select(sa.func.max(run.c.started_at))).scalar()
    if finished is None:
        return Check("night", False, "no night has ended well yet")
    is_ok = now - _zoned(finished) <= timedelta(hours=settings.stale_hours)
    told = f"the last night that ended well did so {_hours(finished, now)} ago"
    if started is not None and started > finished:
        told += f"; one that began {_hours(started, now)} ago has not ended"
    return Check("night", is_ok, told)


def _uploads(connection: sa.Connection, settings: Settings, now: datetime) -> Check:
    """Crews rest at weekends and after the campaign; two silent working days are worth a call."""
    import numpy as np

    landed = connection.execute(sa.select(sa.func.max(upload.c.landed_at))).scalar()
    if landed is None:
        return Check("uploads", False, "no file was ever received")
    last_on = _zoned(landed).astimezone(_BELGIUM).date()
    until = min(now.astimezone(_BELGIUM).date(), settings.campaign_end)
    silent_days = max(
        0, int(np.busday_count(last_on, until)) - 1
    )  # neither the last file's own day nor today
    told = f"the last new file came {_hours(landed, now)} ago, {silent_days} working days without one since"
    return Check("uploads", silent_days < _WORKING_DAYS_WITHOUT_FILES, told)


def _landing(connection: sa.Connection, settings: Settings, _now: datetime) -> Check:
    """Whether the last file received can be read: a disk that is not mounted looks empty."""
    sha256 = connection.execute(sa.select(upload.c.sha256).order_by(upload.c.upload_id.desc())).scalar()
    if sha256 is None:
        return Check("landing", True, "nothing is to lie there yet")
    path = landed_path(settings.landing, sha256)
    is_ok = path.is_file() and os.access(path, os.R_OK)
    return Check(
        "landing", is_ok, "the last file received " + ("is there" if is_ok else f"cannot be read: {path}")
    )


def _of_disks(settings: Settings) -> Iterator[Check]:
    needed_mb = _FILES_TO_HOLD * settings.read_file_mb
    for name, folder in _folders(settings).items():
        free_mb = _free_mb(folder)
        told = f"{free_mb:.0f} MB free for {folder}, {needed_mb} MB are wanted"
        yield Check(f"disk of {name}", free_mb >= needed_mb, told)


def room(settings: Settings) -> str:
    """How much is free where the night writes files, for who has to make room."""
    folders = _folders(settings).items()
    return ", ".join(f"{_free_mb(folder):.1f} MB for {name} ({folder})" for name, folder in folders)


def _folders(settings: Settings) -> dict[str, Path]:
    """Where the night writes files, by what for."""
    folders = {"landing": settings.landing, "photos": settings.photos, "site": settings.site}
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        folders["store"] = Path(url.database).parent
    return folders


def _free_mb(folder: Path) -> float:
    """Where a folder is not made yet, of the disk that it will be on."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    return shutil.disk_usage(there).free / 1e6


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps no zone


def _hours(since: datetime, now: datetime) -> str:
    return f"{(now - _zoned(since)) / timedelta(hours=1):.0f} h"
