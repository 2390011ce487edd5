"""Landing: every distinct content that was ever uploaded is kept for good, under its hash.

The file is in its place before the store speaks of it, so no row of the ledger
is ever without its bytes. A content has one identity, the smallest (contractor,
nis, file name) it was delivered under: whichever copy came first changes nothing.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hydrants import reference, store
from hydrants.settings import Settings
from hydrants.store.files import landed_path, sha256_of
from hydrants.store.tables import delivery, upload

_IN_TRANSIT_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart")
_IN_TRANSIT_PREFIXES = (".", "~$")


class _Seen(NamedTuple):
    """What a file looked like at a moment; an equal look later means that nobody is writing it."""

    size_bytes: int
    mtime_ns: int


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Land what lies in `UPLOADS/<contractor>/<nis>`.

    Files in transit, by their name or because they still change, are left for the next night.

    Returns:
        files_seen: contents seen under a name for the first time; of these
        landed: contents never received before, and
        duplicates: contents received before, under whatever name.
    """
    counts = {"files_seen": 0, "landed": 0, "duplicates": 0}
    for path in _stable_files(settings.uploads / contractor / nis, settings.upload_stable_s):
        sha256 = _keep(path, settings.landing)
        if sha256 is None:
            continue
        name = (contractor, nis, _text_name(path))
        with store.read(engine) as connection:
            if _is_delivered(connection, sha256, name):
                continue
        size_bytes = landed_path(settings.landing, sha256).stat().st_size
        with store.write(engine) as connection:
            is_new = _record(connection, sha256, name, size_bytes)
        counts["files_seen"] += 1
        counts["landed" if is_new else "duplicates"] += 1
    return counts


def batches(engine: sa.Engine, settings: Settings) -> list[tuple[str, str]]:
    """Every (contractor, nis) that has a folder or ever sent a file, in order.

    Only known contractors and gemeenten; see `unknown_folders` for the others.
    """
    with store.read(engine) as connection:
        pairs = connection.execute(sa.select(upload.c.contractor, upload.c.nis).distinct()).tuples().all()
    found = {(contractor, nis) for contractor, nis in pairs}
    found |= {(path.parent.name, path.name) for path in settings.uploads.glob("*/*") if path.is_dir()}
    known_contractors, known_nis = set(reference.contractors()), reference.gemeenten().keys()
    return sorted(pair for pair in found if pair[0] in known_contractors and pair[1] in known_nis)


def unknown_folders(settings: Settings) -> list[str]:
    """What lies in UPLOADS where no batch looks: unknown firms or gemeenten, and files outside a folder."""
    known_contractors, known_nis = set(reference.contractors()), reference.gemeenten().keys()
    unknown = []
    for top in _visible(settings.uploads):
        if top.name not in known_contractors or not top.is_dir():
            unknown.append(top.name)
            continue
        unknown += [
            f"{top.name}/{path.name}"
            for path in _visible(top)
            if path.name not in known_nis or not path.is_dir()
        ]
    return unknown


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _stable_files(folder: Path, stable_s: float) -> list[Path]:
    """The files that have lain unchanged for `stable_s` seconds, in order of name.

    Waits once, until the youngest is that old. Links are not followed: a sender's
    link could point at any file of this machine.
    """
    seen = {path: _look(path) for path in _visible(folder) if not _is_in_transit(path)}
    ages_s = [time.time() - look.mtime_ns / 1e9 for look in seen.values() if look is not None]
    if ages_s and min(ages_s) < stable_s:
        time.sleep(min(stable_s, stable_s - min(ages_s)))
        seen = {path: look for path, look in seen.items() if look == _look(path)}
    return [path for path, look in seen.items() if look is not None]


def _is_in_transit(path: Path) -> bool:
    return path.name.startswith(_IN_TRANSIT_PREFIXES) or path.name.lower().endswith(_IN_TRANSIT_SUFFIXES)


def _look(path: Path) -> _Seen | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        stat = path.stat()
    except FileNotFoundError:  # taken away since the folder was listed
        return None
    return _Seen(stat.st_size, stat.st_mtime_ns)


def _text_name(path: Path) -> str:
    """The file name as text that every store accepts, whatever bytes the sender's system gave it."""
    return os.fsencode(path.name).decode("utf-8", errors="replace")


def _keep(path: Path, landing_dir: Path) -> str | None:
    """Put a copy under its hash unless it is there; None when the file changed or went meanwhile."""
    try:
        sha256 = sha256_of(path)
        target = landed_path(landing_dir, sha256)
        if target.exists():
            return sha256
        return sha256 if _copy(path, target, sha256) else None
    except FileNotFoundError:
        return None


def _copy(path: Path, target: Path, sha256: str) -> bool:
    """Copy so that `target` appears whole and on disk, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("rb") as source,
        tempfile.NamedTemporaryFile(dir=target.parent, prefix=".landing-", delete=False) as copy,
    ):
        temporary = Path(copy.name)
        try:
            while chunk := source.read(1 << 20):
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
            if sha256_of(temporary) != sha256:
                return False
            temporary.chmod(0o444)
            temporary.rename(target)  # atomic; another process can only have put the same bytes there
        finally:
            temporary.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _is_delivered(connection: sa.Connection, sha256: str, name: tuple[str, str, str]) -> bool:
    query = (
        sa.select(sa.literal(1))
        .join_from(delivery, upload)
        .where(upload.c.sha256 == sha256, *_is_named(delivery, name))
    )
    return connection.execute(query).first() is not None


def _is_named(table: sa.Table, name: tuple[str, str, str]) -> list[sa.ColumnElement[bool]]:
    return [table.c[key] == value for key, value in _name_columns(name).items()]


def _name_columns(name: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("contractor", "nis", "file_name"), name, strict=True))


def _record(connection: sa.Connection, sha256: str, name: tuple[str, str, str], size_bytes: int) -> bool:
    """Note the content and the name it came under; whether the content is new."""
    now = store.utc_now()
    is_new = _insert_if_absent(
        connection,
        upload,
        {"sha256": sha256, "size_bytes": size_bytes, "landed_at": now, **_name_columns(name)},
    )
    stored = connection.execute(
        sa.select(upload.c.upload_id, upload.c.contractor, upload.c.nis, upload.c.file_name)
        .where(upload.c.sha256 == sha256)
        .with_for_update()
    ).one()
    if name < (stored.contractor, stored.nis, stored.file_name):
        connection.execute(
            sa.update(upload).where(upload.c.upload_id == stored.upload_id).values(**_name_columns(name))
        )
    _insert_if_absent(
        connection, delivery, {"upload_id": stored.upload_id, "seen_at": now, **_name_columns(name)}
    )
    return is_new


def _insert_if_absent(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert unless an equal key is there, also when several processes try at once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None
