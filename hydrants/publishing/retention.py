"""Which snapshots are kept, and the removal of the others, each as a whole.

Kept are those published in the last `HYDRANTS_KEEP_SNAPSHOTS_DAYS` days; the one that readers see; and for
good, of each campaign and each calendar year in it, the last one: by the day it speaks of, then by its
number. That is the annual report. With 0 days everything is kept.

The rows go first, in one transaction, then the folders: what the store speaks of is never without its page,
and after a run that was cut short in between the next one finds the folders by their numbers. The number
itself stays in `publication` and in the journal: nothing else is ever published under it.
"""

from __future__ import annotations

import logging
import re
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from hydrants import journal, store
from hydrants.publishing.reads import current_id
from hydrants.store.tables import (
    plan_stop,
    publication,
    snapshot,
    snapshot_hydrant,
    snapshot_progress,
)

_log = logging.getLogger(__name__)

_FOLDERS = ("snapshots", "planning")
"""Below SITE, each with a folder per snapshot."""

_REMOVED = ".removed"
_OF_A_SNAPSHOT = re.compile(rf"(\d+)({re.escape(_REMOVED)})?")


class _Published(NamedTuple):
    snapshot_id: int
    campaign: tuple[date, date]
    as_of: date
    published_at: datetime


def remove_old(engine: sa.Engine, site: Path, keep_days: int) -> int:
    """Remove the snapshots that are not kept; the caller lets nobody else publish to `site` meanwhile.

    Args:
        site: folder of the site, whose `current` is never removed either.
        keep_days: for how long after its publication a snapshot is kept in any case; 0 for ever.

    Returns:
        How many snapshots were removed.
    """
    if keep_days == 0:
        return 0
    with store.read(engine) as connection:
        current = current_id(connection)
        published = _published(connection)
    since = store.utc_now() - timedelta(days=keep_days)
    old = _unkept(published, since) - {current, *_linked(site)}
    return len(_remove_rows(engine, old) | _remove_folders(site, old))


def _published(connection: sa.Connection) -> list[_Published]:
    """Every snapshot that was ever published, also when only its folder is left or not even that."""
    query = sa.select(publication).order_by(publication.c.snapshot_id)
    return [
        _Published(
            row.snapshot_id,
            (row.campaign_start, row.campaign_end),
            row.as_of,
            journal.moment_of(row.event),
        )
        for row in connection.execute(query)
    ]


def _unkept(published: list[_Published], since: datetime) -> set[int]:
    """The numbers of those that are neither recent nor the last of a campaign's year."""
    last: dict[tuple[tuple[date, date], int], _Published] = {}
    for one in sorted(published, key=lambda one: (one.as_of, one.snapshot_id)):
        last[one.campaign, one.as_of.year] = one
    reports = {one.snapshot_id for one in last.values()}
    return {one.snapshot_id for one in published if one.published_at < since} - reports


def _linked(site: Path) -> set[int]:
    """The snapshot that readers of the site see."""
    current = site / "current"
    name = current.readlink().name if current.is_symlink() else ""
    return {int(name)} if name.isdecimal() else set()


def _remove_rows(engine: sa.Engine, numbers: set[int]) -> set[int]:
    """Remove the rows of snapshots, one snapshot at a time; which had any."""
    with store.read(engine) as connection:
        found = numbers.intersection(connection.execute(sa.select(snapshot.c.snapshot_id)).scalars())
    for number in sorted(found):
        with store.write(engine) as connection:
            # the stops first: a plan of it that is being made is waited for, and none is begun then
            for table in (plan_stop, snapshot_progress, snapshot_hydrant, snapshot):
                connection.execute(sa.delete(table).where(table.c.snapshot_id == number))
    return found


def _remove_folders(site: Path, numbers: set[int]) -> set[int]:
    """Remove the folders of snapshots, out of sight first: nobody finds half of one; which had any.

    One that cannot be removed holds back nothing, and is tried again the next time.
    """
    found = set()
    for top in _FOLDERS:
        # what was put out of sight before comes before its namesake
        for folder in sorted((site / top).glob("*"), reverse=True):
            name = _OF_A_SNAPSHOT.fullmatch(folder.name)
            if name is None or int(name[1]) not in numbers:
                continue
            found.add(int(name[1]))
            try:
                aside = folder if name[2] else folder.rename(folder.with_name(f"{folder.name}{_REMOVED}"))
                shutil.rmtree(aside)
            except OSError as error:
                _log.error("the old snapshot %s is not removed, to be tried again: %s", folder, error)
    return found
