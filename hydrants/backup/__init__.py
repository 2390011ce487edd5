"""Backup and restore: the database and LANDING, in a folder that any tool can copy.

    FOLDER/database/<moment>.sqlite or .dump    the database as it was at that moment
    FOLDER/landing/...                          LANDING, file by file; grows, and never changes
    FOLDER/SHA256SUMS                           the hash of each of them, as `sha256sum --check` reads it

The database is taken first and LANDING after it. What the store knows of was in LANDING before, and nothing
there ever changes or goes, so LANDING is never behind the database; what it is ahead, the next night applies.
SITE and PHOTOS are not in it: they are made again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import night, replay, store
from hydrants.backup import databases, sums
from hydrants.backup.errors import BackupUnusable
from hydrants.settings import Settings
from hydrants.store.files import landed_path, put, sha256_of
from hydrants.store.tables import raw_photo, stage_state

__all__ = ["BackupUnusable", "restore", "write"]

_MOMENT = "%Y%m%dT%H%M%S.%fZ"
_HASH_DIGITS = 64


def write(settings: Settings, folder: Path) -> dict[str, Any]:
    """Write the database and LANDING into a folder; what is in it already is left as it is.

    A night may run meanwhile.

    Returns:
        dump: name of the database's file; files_added, files_kept: of LANDING.

    Raises:
        BackupUnusable: when a tool is missing, or a file of LANDING is not what its name says.
    """
    # older dumps may be removed by hand, files of LANDING never
    known = {
        name: sha256
        for name, sha256 in sums.read(folder).items()
        if name.startswith("landing/") or (folder / name).is_file()
    }
    engine = store.create_engine(settings.database_url)
    try:
        dump = databases.dump(engine, folder / "database", f"{store.utc_now():{_MOMENT}}")
    finally:
        engine.dispose()
    known[f"database/{dump.name}"] = sha256_of(dump)
    counts = {"files_added": 0, "files_kept": 0}
    for path in _files(settings.landing):
        name = f"landing/{path.relative_to(settings.landing).as_posix()}"
        target = folder / name
        if target.is_file() and name in known:
            counts["files_kept"] += 1
            continue
        known[name] = _whole(path)
        _bring(path, target, known[name])
        counts["files_added"] += 1
    sums.write(folder, known)
    return {"dump": dump.name, **counts}


def restore(settings: Settings, folder: Path, dump: str | None = None) -> dict[str, Any]:
    """Bring back a database that is not there any more, and whatever LANDING lacks.

    Nothing is overwritten: what LANDING has beyond the backup stays, and is applied to the database.

    Args:
        dump: name of a file in FOLDER/database; default the newest.

    Returns:
        dump; files_added and files_kept of LANDING; events: how many were applied by kind that the
        database did not know; uploads_to_read: those whose pictures are gone, and that the next night reads
        again.

    Raises:
        BackupUnusable: when the folder lacks or garbled something, there is a database already, or a tool is
            missing.
    """
    known = sums.read(folder)
    chosen = databases.choose(folder / "database", settings.database_url, dump)
    engine = store.create_engine(settings.database_url)
    try:
        databases.require_none(engine)
        sums.check(folder, known, f"database/{chosen.name}")
        counts = _restore_landing(settings.landing, folder, known)
        databases.load(engine, chosen)
    finally:
        engine.dispose()
    with night.opened(settings) as restored:
        store.refresh_statistics(restored)
        events = replay.catch_up(restored, settings)
        uploads = _read_again_for_pictures(restored, settings.photos)
    return {"dump": chosen.name, **counts, "events": events, "uploads_to_read": uploads}


def _restore_landing(landing: Path, folder: Path, known: dict[str, str]) -> dict[str, int]:
    counts = {"files_added": 0, "files_kept": 0}
    for name in sorted(known):
        if not name.startswith("landing/"):
            continue
        target = landing / name.removeprefix("landing/")
        if target.is_file():
            if sha256_of(target) != known[name]:
                raise BackupUnusable(f"{target} is not what the backup has by that name: see which is right")
            counts["files_kept"] += 1
            continue
        sums.check(folder, known, name)
        _bring(folder / name, target, known[name])
        counts["files_added"] += 1
    return counts


def _files(landing: Path) -> list[Path]:
    """Every file of LANDING that is whole: those that are being written are hidden."""
    if not landing.is_dir():
        return []
    return sorted(path for path in landing.rglob("*") if path.is_file() and not path.name.startswith("."))


def _whole(path: Path) -> str:
    """The hash of a file; of an upload it is its name."""
    sha256 = sha256_of(path)
    if len(path.name) == _HASH_DIGITS and path.name != sha256:
        raise BackupUnusable(f"{path} is damaged: its hash is {sha256}. Put it back from a backup first")
    return sha256


def _bring(source: Path, target: Path, sha256: str) -> None:
    """Copy a file that never changes: whole, on disk, or not at all; what a crash cut short is replaced."""
    with source.open("rb") as file:
        if not put(target, iter(lambda: file.read(1 << 20), b""), sha256):
            raise BackupUnusable(f"{source} is not what it was a moment ago: its disk may be failing")


def _read_again_for_pictures(engine: sa.Engine, photos: Path) -> int:
    """Let the next night read the uploads whose pictures are not in PHOTOS; how many there are."""
    query = sa.select(raw_photo.c.upload_id, raw_photo.c.sha256).where(raw_photo.c.sha256.is_not(None))
    with store.write(engine) as connection:
        lacking = {
            upload_id
            for upload_id, sha256 in connection.execute(query)
            if not landed_path(photos, sha256).is_file()
        }
        connection.execute(
            sa.delete(stage_state).where(
                stage_state.c.stage == "reading",
                stage_state.c.scope.in_([f"upload:{upload_id}" for upload_id in sorted(lacking)]),
            )
        )
    return len(lacking)
