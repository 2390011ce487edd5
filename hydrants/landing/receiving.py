"""Where each content lies or lay, and the one name it goes by: events, and what they do to the store."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hydrants import journal, store
from hydrants.journal import Event
from hydrants.landing.folders import Name, files, has_file, text_name, visible
from hydrants.settings import Settings
from hydrants.store.tables import delivery, stage_state, upload

_IDENTITY = (upload.c.contractor, upload.c.nis, upload.c.file_name)


def is_known(connection: sa.Connection, sha256: str, name: Name) -> bool:
    """Whether it is noted that the content lies under the name, and its identity is no greater one."""
    query = (
        sa.select(*_IDENTITY)
        .join_from(delivery, upload)
        .where(upload.c.sha256 == sha256, delivery.c.gone_at.is_(None), *_is_named(delivery, name))
    )
    identity = connection.execute(query).first()
    return identity is not None and Name(*identity) <= name


def _is_named(table: sa.Table, name: Name) -> list[sa.ColumnElement[bool]]:
    return [table.c[key] == value for key, value in name._asdict().items()]


def receive(
    engine: sa.Engine, settings: Settings, sha256: str, name: Name, size_bytes: int
) -> tuple[bool, bool]:
    """Note that a content lies under a name; whether the content is new, and whether the name is."""
    with store.write(engine, turn=_turn(sha256)) as connection:
        if is_known(connection, sha256, name):  # another process has just done it
            return False, False
        _note_lost(connection, settings, sha256, _lost(connection, settings, sha256))
        body = {"sha256": sha256, "size_bytes": size_bytes, **name._asdict()}
        event = journal.record(connection, settings.landing, RECEIVED, body)
        return _apply_received(connection, settings.landing, event)


def _apply_received(connection: sa.Connection, _landing: Path, event: Event) -> tuple[bool, bool]:
    """A content was delivered under a name; whether the content is new, and whether the name is."""
    body, at = event.body, event.at
    name = Name(body["contractor"], body["nis"], body["file_name"])
    content = {"sha256": body["sha256"], "size_bytes": body["size_bytes"], "landed_at": at}
    is_new = _insert_if_absent(connection, upload, {**content, **name._asdict()})
    upload_id = _locked(connection, body["sha256"])
    columns = {"upload_id": upload_id, "seen_at": at, "event": event.name, **name._asdict()}
    is_new_name = _insert_if_absent(connection, delivery, columns)
    if not is_new_name:
        _put_right(connection, upload_id, name, event, gone_at=None)
    # of what several processes noted at once, the first by the clock counts, whoever applied it
    connection.execute(
        sa.update(upload).where(upload.c.upload_id == upload_id, upload.c.landed_at > at).values(landed_at=at)
    )
    _settle_identity(connection, upload_id)
    return is_new, is_new_name


def _apply_gone(connection: sa.Connection, _landing: Path, event: Event) -> None:
    """A content lies no more under these names."""
    upload_id = _locked(connection, event.body["sha256"])
    for name in event.body["names"]:
        _put_right(connection, upload_id, Name(*name), event, gone_at=event.at)
    _settle_identity(connection, upload_id)


def _put_right(
    connection: sa.Connection, upload_id: int, name: Name, event: Event, gone_at: datetime | None
) -> None:
    """Let a delivery be as an event says, unless a later event spoke of it; seen first when it first was."""
    is_this = sa.and_(delivery.c.upload_id == upload_id, *_is_named(delivery, name))
    is_later = delivery.c.event.is_(None) | (delivery.c.event < event.name)
    connection.execute(sa.update(delivery).where(is_this, is_later).values(gone_at=gone_at, event=event.name))
    if gone_at is None:
        is_earlier = delivery.c.seen_at > event.at
        connection.execute(sa.update(delivery).where(is_this, is_earlier).values(seen_at=event.at))


RECEIVED = journal.Kind("received", None, _apply_received)
GONE = journal.Kind("gone", None, _apply_gone)
KINDS = (RECEIVED, GONE)


def note_gone(
    engine: sa.Engine, settings: Settings, contractor: str, nis: str, held: dict[Path, str]
) -> None:
    """Note the deliveries whose content lies no more under its name in the batch's folder.

    Args:
        held: hash of each file that was landed from the folder, now or before.
    """
    if not visible(settings.uploads):
        return  # a share that is not mounted says nothing of its files
    contents = {(text_name(path), sha256) for path, sha256 in held.items()}
    unsure = {text_name(path) for path in files(settings.uploads / contractor / nis) if path not in held}
    query = (
        sa.select(upload.c.sha256, delivery.c.file_name)
        .join_from(delivery, upload)
        .where(delivery.c.contractor == contractor, delivery.c.nis == nis, delivery.c.gone_at.is_(None))
        .order_by(upload.c.upload_id)
    )
    gone: dict[str, set[Name]] = defaultdict(set)
    with store.read(engine) as connection:
        for sha256, file_name in connection.execute(query):
            if (file_name, sha256) not in contents and file_name not in unsure:
                gone[sha256].add(Name(contractor, nis, file_name))
    for sha256, names in gone.items():
        with store.write(engine, turn=_turn(sha256)) as connection:
            here = names & set(_present(connection, sha256))  # less what another process has just noted
            if here:
                _note_lost(connection, settings, sha256, here | _lost(connection, settings, sha256))


def _note_lost(connection: sa.Connection, settings: Settings, sha256: str, names: set[Name]) -> None:
    if names:
        body = {"sha256": sha256, "names": [list(name) for name in sorted(names)]}
        event = journal.record(connection, settings.landing, GONE, body)
        _apply_gone(connection, settings.landing, event)


def _lost(connection: sa.Connection, settings: Settings, sha256: str) -> set[Name]:
    """The names under which a content is noted and no file lies: their own landing has yet to find it out.

    Noted together, they leave the content the identity that it had when it lies nowhere any more.
    """
    if not visible(settings.uploads):
        return set()
    return {name for name in _present(connection, sha256) if not has_file(settings, name)}


def _present(connection: sa.Connection, sha256: str) -> list[Name]:
    """The names that a content lies under, as far as it is noted, in order."""
    query = (
        sa.select(delivery.c.contractor, delivery.c.nis, delivery.c.file_name)
        .join_from(delivery, upload)
        .where(upload.c.sha256 == sha256, delivery.c.gone_at.is_(None))
    )
    return sorted(Name(*row) for row in connection.execute(query))


def _turn(sha256: str) -> str:
    """Whoever notes something of a content waits for who is at it."""
    return f"content {sha256}"


def _locked(connection: sa.Connection, sha256: str) -> int:
    """The upload_id of a content, locked so that another process that notes something of it waits."""
    query = sa.select(upload.c.upload_id).where(upload.c.sha256 == sha256).with_for_update()
    return int(connection.execute(query).scalar_one())


def _settle_identity(connection: sa.Connection, upload_id: int) -> None:
    """Give a content the smallest name it lies under; where it lies nowhere, it keeps the one it has.

    When it moves to another batch, both have to be worked out anew: what was computed of
    either may hold its rows as they were before.
    """
    sha256, *identity = connection.execute(
        sa.select(upload.c.sha256, *_IDENTITY).where(upload.c.upload_id == upload_id)
    ).one()
    stored = Name(*identity)
    smallest = next(iter(_present(connection, sha256)), stored)
    if smallest == stored:
        return
    connection.execute(sa.update(upload).where(upload.c.upload_id == upload_id).values(**smallest._asdict()))
    if smallest[:2] != stored[:2]:
        scopes = [f"batch:{name.contractor}/{name.nis}" for name in (stored, smallest)]
        connection.execute(sa.delete(stage_state).where(stage_state.c.scope.in_(scopes)))


def _insert_if_absent(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> bool:
    """Insert unless an equal key is there, also when several processes try at once."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(statement).first() is not None
