"""Publishing: status per hydrant -> progress tables, page, map and workbooks, as one snapshot.

In this order, each step whole or not at all, so that a run that was cut short
anywhere is finished by the next one, and no reader ever sees half of it:

1. the snapshot's rows, in one transaction;
2. its directory, written aside and renamed;
3. the pointer row that readers of the store follow;
4. the link that readers of the site follow.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hydrants import store
from hydrants.errors import ReferenceMissing
from hydrants.publishing import content, page, site, snapshot, workbook
from hydrants.publishing.errors import InvariantBroken
from hydrants.publishing.reads import progress, trace
from hydrants.settings import Settings

__all__ = ["InvariantBroken", "progress", "run", "trace"]

_BELGIUM = ZoneInfo("Europe/Brussels")


def run(engine: sa.Engine, settings: Settings, as_of: date | None = None) -> dict[str, int]:
    """Publish the state of the figures; a no-op when the current snapshot says the same.

    Args:
        engine: the store.
        settings: campaign, boundaries, and the directory of the site.
        as_of: the day the figures speak of; default today in Belgium, at most the campaign's last.

    Returns:
        snapshot_id that is current now, and published: 1 when it was not before, else 0.

    Raises:
        ReferenceMissing: when no register is loaded, or there are no boundaries.
        InvariantBroken: when the figures contradict the register or each other.
    """
    day = settings.as_of(as_of, datetime.now(_BELGIUM).date())
    if not settings.boundaries.is_file():
        raise ReferenceMissing(f"no boundaries at {settings.boundaries}: set HYDRANTS_BOUNDARIES")
    boundaries_sha256 = hashlib.sha256(settings.boundaries.read_bytes()).hexdigest()
    with site.alone(settings.site):
        store.refresh_statistics(engine)
        taken = snapshot.take(engine, settings, day, boundaries_sha256)
        if not taken.is_current:
            store.refresh_statistics(engine)
        folder = site.directory(settings.site, taken.snapshot_id)
        if not site.is_complete(folder):
            with store.read(engine) as connection:
                site.write(folder, lambda aside: _fill(aside, connection, taken.snapshot_id, settings))
        if not taken.is_current:
            snapshot.point(engine, taken.snapshot_id)
        site.switch(settings.site, taken.snapshot_id)
    return {"snapshot_id": taken.snapshot_id, "published": int(not taken.is_current)}


def _fill(folder: Path, connection: sa.Connection, snapshot_id: int, settings: Settings) -> None:
    """Write every file of a snapshot's directory."""
    whole = content.read(connection, snapshot_id, settings.boundaries)
    page.write(folder, whole, settings.boundaries)
    for nis in whole.gemeenten():
        hydrants = content.hydrants(connection, snapshot_id, nis)
        page.write_hydrants(folder, whole, nis, hydrants)
        workbook.write(folder / f"{nis}.xlsx", whole, nis, hydrants)
