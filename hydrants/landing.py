"""Landing: every distinct content that was ever uploaded is kept for good, under its hash.

The file is in its place before the store speaks of it, so no row of the ledger
is ever without its bytes. A content has one identity, the smallest (contractor,
nis, file name) it lies under: whichever copy came first changes nothing, and a file
that is moved out of a wrong folder is as if it had never been there. A content that
lies nowhere any more, since its sender tidied up, keeps the identity it had.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hydrants import reference, store
from hydrants.settings import Settings
from hydrants.store.files import landed_path, put, sha256_of
from hydrants.store.tables import delivery, stage_state, upload

_IN_TRANSIT_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart")
_IN_TRANSIT_PREFIXES = (".", "~$")
_IDENTITY = (upload.c.contractor, upload.c.nis, upload.c.file_name)


class _Seen(NamedTuple):
    """What a file looked like at a moment; an equal look later means that nobody is writing it."""

    size_bytes: int
    mtime_ns: int


class _Name(NamedTuple):
    """Where a content lies."""

    contractor: str
    nis: str
    file_name: str


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Land what lies in `UPLOADS/<contractor>/<nis>`, and note what lies there no more.

    Files in transit, by their name or because they still change, are left for the next night.

    Returns:
        files_seen: contents seen under a name for the first time; of these
        landed: contents never received before, and
        duplicates: contents received before, under whatever name.
    """
    counts = {"files_seen": 0, "landed": 0, "duplicates": 0}
    held: dict[Path, str] = {}
    for path in _stable_files(settings.uploads / contractor / nis, settings.upload_stable_s):
        sha256 = _keep(path, settings.landing)
        if sha256 is None:
            continue
        held[path] = sha256
        name = _Name(contractor, nis, _text_name(path))
        with store.read(engine) as connection:
            if _is_known(connection, sha256, name):
                continue
        size_bytes = landed_path(settings.landing, sha256).stat().st_size
        with store.write(engine) as connection:
            is_new, is_new_name = _record(connection, settings, sha256, name, size_bytes)
        counts["files_seen"] += is_new_name
        counts["landed"] += is_new
        counts["duplicates"] += is_new_name and not is_new
    _note_gone(engine, settings, contractor, nis, held)
    return counts


def batches(engine: sa.Engine, settings: Settings) -> list[tuple[str, str]]:
    """Every (contractor, nis) that has a folder, or has sent what is kept, in order.

    Only known contractors and gemeenten; see `unknown_folders` for the others.
    """
    pairs = sa.union(
        sa.select(upload.c.contractor, upload.c.nis),
        # a folder that went away as a whole: its landing has yet to note it
        sa.select(delivery.c.contractor, delivery.c.nis).where(delivery.c.gone_at.is_(None)),
    )
    with store.read(engine) as connection:
        found = {(contractor, nis) for contractor, nis in connection.execute(pairs).tuples()}
    found |= {(path.parent.name, path.name) for path in settings.uploads.glob("*/*") if path.is_dir()}
    known_contractors, known_nis = set(reference.contractors()), reference.gemeenten().keys()
    return sorted(pair for pair in found if pair[0] in known_contractors and pair[1] in known_nis)


def unread(settings: Settings) -> list[str]:
    """What lies in UPLOADS and is not landed, below it: for somebody to act on.

    Unknown firms or gemeenten, files outside a gemeente's folder, folders and links within one,
    and files that may not be read.
    """
    known_contractors, known_nis = set(reference.contractors()), reference.gemeenten().keys()
    found = []
    for top in _visible(settings.uploads):
        if top.name not in known_contractors or not top.is_dir():
            found.append(top)
            continue
        for folder in _visible(top):
            if folder.name not in known_nis or not folder.is_dir():
                found.append(folder)
            else:
                found += [path for path in _visible(folder) if not _is_readable(path)]
    return [path.relative_to(settings.uploads).as_posix() for path in found]


def _is_readable(path: Path) -> bool:
    return _look(path) is not None and os.access(path, os.R_OK)


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _files(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if _look(path) is not None]


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
    """Put a copy under its hash unless it is there; None when it changed, went, or may not be read."""
    try:
        sha256 = sha256_of(path)
        target = landed_path(landing_dir, sha256)
        if target.exists():
            return sha256
        return sha256 if _copy(path, target, sha256) else None
    except (FileNotFoundError, PermissionError):  # the latter is told of: see `unread`
        return None


def _copy(path: Path, target: Path, sha256: str) -> bool:
    """Copy so that `target` appears whole and on disk, or not at all."""
    with path.open("rb") as source:
        return put(target, iter(lambda: source.read(1 << 20), b""), sha256)


def _is_known(connection: sa.Connection, sha256: str, name: _Name) -> bool:
    """Whether it is noted that the content lies under the name, and its identity is no greater one."""
    query = (
        sa.select(*_IDENTITY)
        .join_from(delivery, upload)
        .where(upload.c.sha256 == sha256, delivery.c.gone_at.is_(None), *_is_named(delivery, name))
    )
    identity = connection.execute(query).first()
    return identity is not None and _Name(*identity) <= name


def _is_named(table: sa.Table, name: _Name) -> list[sa.ColumnElement[bool]]:
    return [table.c[key] == value for key, value in name._asdict().items()]


def _record(
    connection: sa.Connection, settings: Settings, sha256: str, name: _Name, size_bytes: int
) -> tuple[bool, bool]:
    """Note that a content lies under a name; whether the content is new, and whether the name is."""
    now = store.utc_now()
    columns = name._asdict()
    is_new = _insert_if_absent(
        connection, upload, {"sha256": sha256, "size_bytes": size_bytes, "landed_at": now, **columns}
    )
    query = sa.select(upload.c.upload_id).where(upload.c.sha256 == sha256)
    upload_id = connection.execute(query).scalar_one()
    _lock(connection, upload_id)
    is_new_name = _insert_if_absent(connection, delivery, {"upload_id": upload_id, "seen_at": now, **columns})
    if not is_new_name:
        connection.execute(
            sa.update(delivery)
            .where(delivery.c.upload_id == upload_id, *_is_named(delivery, name))
            .values(gone_at=None)
        )
    _settle_identity(connection, settings, upload_id)
    return is_new, is_new_name


def _note_gone(
    engine: sa.Engine, settings: Settings, contractor: str, nis: str, held: dict[Path, str]
) -> None:
    """Note the deliveries whose content lies no more under its name in the batch's folder.

    Args:
        held: hash of each file that was landed from the folder, now or before.
    """
    if not _visible(settings.uploads):
        return  # a share that is not mounted says nothing of its files
    contents = {(_text_name(path), sha256) for path, sha256 in held.items()}
    unsure = {_text_name(path) for path in _files(settings.uploads / contractor / nis) if path not in held}
    query = (
        sa.select(delivery.c.upload_id, delivery.c.file_name, upload.c.sha256)
        .join_from(delivery, upload)
        .where(delivery.c.contractor == contractor, delivery.c.nis == nis, delivery.c.gone_at.is_(None))
    )
    gone: dict[int, list[str]] = defaultdict(list)
    with store.read(engine) as connection:
        for upload_id, file_name, sha256 in connection.execute(query):
            if (file_name, sha256) not in contents and file_name not in unsure:
                gone[upload_id].append(file_name)
    for upload_id, file_names in sorted(gone.items()):
        with store.write(engine) as connection:
            _lock(connection, upload_id)
            for file_name in file_names:
                is_this = _is_named(delivery, _Name(contractor, nis, file_name))
                connection.execute(
                    sa.update(delivery)
                    .where(delivery.c.upload_id == upload_id, *is_this)
                    .values(gone_at=store.utc_now())
                )
            _settle_identity(connection, settings, upload_id)


def _lock(connection: sa.Connection, upload_id: int) -> None:
    """Let another process that notes something of the same content wait."""
    connection.execute(sa.select(upload.c.upload_id).where(upload.c.upload_id == upload_id).with_for_update())


def _settle_identity(connection: sa.Connection, settings: Settings, upload_id: int) -> None:
    """Give a content the smallest name it lies under; where it lies nowhere, it keeps the one it has.

    When it moves to another batch, both have to be worked out anew: what was computed of
    either may hold its rows as they were before.
    """
    stored = _Name(*connection.execute(sa.select(*_IDENTITY).where(upload.c.upload_id == upload_id)).one())
    query = sa.select(delivery.c.contractor, delivery.c.nis, delivery.c.file_name).where(
        delivery.c.upload_id == upload_id, delivery.c.gone_at.is_(None)
    )
    names = sorted(_Name(*row) for row in connection.execute(query))
    # another folder can have lost a file that its own landing has yet to note as gone
    smallest = next((name for name in names if _has_file(settings, name)), stored)
    if smallest == stored:
        return
    connection.execute(sa.update(upload).where(upload.c.upload_id == upload_id).values(**smallest._asdict()))
    if smallest[:2] != stored[:2]:
        scopes = [f"batch:{name.contractor}/{name.nis}" for name in (stored, smallest)]
        connection.execute(sa.delete(stage_state).where(stage_state.c.scope.in_(scopes)))


def _has_file(settings: Settings, name: _Name) -> bool:
    folder = settings.uploads / name.contractor / name.nis
    return any(_text_name(path) == name.file_name for path in _files(folder))


def _insert_if_absent(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert unless an equal key is there, also when several processes try at once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None
