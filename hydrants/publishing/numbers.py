"""Which number a snapshot is published under: that of its folder, its links, and its line in the journal.

A store that was restored or rebuilt would count from where it was, and give a number that readers know
to other figures. So a number is taken once, in the journal, before anything bears it; and a snapshot
that says what the last published one said is that snapshot, and gets its number.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import journal, store
from hydrants.journal import Event
from hydrants.settings import Settings
from hydrants.store.tables import metadata, publication, snapshot

_CAMPAIGN = ("campaign_start", "campaign_end")
_DAYS = ("as_of", *_CAMPAIGN)


def settle(engine: sa.Engine, settings: Settings, snapshot_id: int, contents: dict[str, str]) -> int:
    """Give a snapshot that was just taken, and that no reader has seen, the number it is published under.

    Args:
        contents: for each gemeente a hash of all that is told of its hydrants.

    Returns:
        The number it has from now on; the same one when asked again.
    """
    files = {
        "boundaries": journal.keep_dataset(settings.landing, settings.boundaries),
        "deelgemeenten": (
            journal.keep_dataset(settings.landing, settings.deelgemeenten) if settings.deelgemeenten else {}
        ),
    }
    with store.write(engine, turn=PUBLISHED.turn) as connection:
        taken = connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == snapshot_id)).one()
        last = connection.execute(sa.select(publication).order_by(publication.c.snapshot_id.desc())).first()
        if last is not None and last.fingerprint == taken.fingerprint:
            if last.snapshot_id != snapshot_id:
                _renumber(connection, snapshot_id, last.snapshot_id)
            return int(last.snapshot_id)
        number = _free(connection, settings.site, snapshot_id)
        if number != snapshot_id:
            _renumber(connection, snapshot_id, number)
        days = {name: getattr(taken, name).isoformat() for name in _DAYS}
        told = _told(contents, taken.as_of, _told_before(last, taken))
        body = {"snapshot_id": number, "fingerprint": taken.fingerprint, **days, **files, "told": told}
        event = journal.record(connection, settings.landing, PUBLISHED, body)
        _apply_published(connection, settings.landing, event)
    return number


def _told_before(last: sa.Row[Any] | None, taken: sa.Row[Any]) -> dict[str, list[str]]:
    """What the last snapshot told of each gemeente; nothing, if it was of another campaign."""
    if last is None or any(getattr(last, name) != getattr(taken, name) for name in _CAMPAIGN):
        return {}
    return last.told or {}


def _told(contents: dict[str, str], as_of: date, before: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is told of each gemeente, and since when: as long as before, where that was the same."""
    today = as_of.isoformat()
    told = {}
    for nis, sha256 in contents.items():
        earlier, since = before.get(nis, ("", today))
        # a night may be worked as of an earlier day than the one before
        told[nis] = [sha256, min(since, today) if earlier == sha256 else today]
    return told


def _apply_published(connection: sa.Connection, _landing: Path, event: Event) -> None:
    """A number was given to a snapshot: once, so that a second event on it changes nothing."""
    number = event.body["snapshot_id"]
    is_it = publication.c.snapshot_id == number
    if connection.execute(sa.select(publication.c.snapshot_id).where(is_it)).first() is None:
        days = {name: date.fromisoformat(event.body[name]) for name in _DAYS}
        values = {
            "snapshot_id": number,
            "fingerprint": event.body["fingerprint"],
            "event": event.name,
            "told": event.body.get("told"),
            **days,
        }
        connection.execute(sa.insert(publication).values(values))


PUBLISHED = journal.Kind("published", "published", _apply_published)
KINDS = (PUBLISHED,)


def _free(connection: sa.Connection, site: Path, snapshot_id: int) -> int:
    """The snapshot's own number, if none as high was ever published here; else the next one."""
    in_use = [
        connection.execute(sa.select(sa.func.max(publication.c.snapshot_id))).scalar() or 0,
        connection.execute(
            sa.select(sa.func.max(snapshot.c.snapshot_id)).where(snapshot.c.snapshot_id != snapshot_id)
        ).scalar()
        or 0,
        *(
            int(folder.name)
            for top in ("snapshots", "planning")
            for folder in (site / top).glob("*")
            if folder.name.isdecimal()
        ),
    ]
    return max(snapshot_id, max(in_use) + 1)


def _renumber(connection: sa.Connection, old: int, new: int) -> None:
    """Let a snapshot and all its rows bear another number."""
    row: dict[str, Any] = dict(
        connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == old)).mappings().one()
    )
    connection.execute(sa.insert(snapshot).values({**row, "snapshot_id": new}))
    for table in metadata.sorted_tables:
        if "snapshot_id" in table.c and table not in (snapshot, publication):
            number = table.c.snapshot_id
            connection.execute(sa.update(table).where(number == old).values(snapshot_id=new))
    connection.execute(sa.delete(snapshot).where(snapshot.c.snapshot_id == old))
