"""Publishing: status per hydrant -> progress tables, page, map and workbooks, as one snapshot.

In this order, each step whole or not at all, so that a run that was cut short
anywhere is finished by the next one, and no reader ever sees half of it:

1. the snapshot's rows, in one transaction, and the number that it goes by;
2. its directory, written aside and renamed;
3. the pointer row that readers of the store follow;
4. the link that readers of the site follow, and when it was last known to be right;
5. snapshots that are kept no longer are removed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hydrants import reference, store, workers
from hydrants.errors import ReferenceMissing
from hydrants.publishing import (
    areas,
    content,
    folders,
    inputs,
    numbers,
    pages,
    retention,
    site,
    snapshot,
)
from hydrants.publishing.content import Content
from hydrants.publishing.errors import InvariantBroken
from hydrants.publishing.frame import Tiles
from hydrants.publishing.reads import progress, trace
from hydrants.reference import Zone
from hydrants.settings import Settings

__all__ = ["InvariantBroken", "progress", "run", "trace"]

_HYDRANTS_PER_WORKER = 50_000
"""Fewer are written sooner than another process has started."""

_BELGIUM = ZoneInfo("Europe/Brussels")


def run(engine: sa.Engine, settings: Settings, as_of: date | None = None) -> dict[str, int]:
    """Publish the state of the figures; a no-op when the current snapshot says the same.

    Args:
        engine: the store.
        settings: campaign, boundaries, and the directory of the site.
        as_of: the day the figures speak of; default today in Belgium, at most the campaign's last.

    Returns:
        snapshot_id that is current now; published: 1 when it was not before, else 0; removed: how many
        older ones are kept no longer.

    Raises:
        ReferenceMissing: when no register is loaded, or there are no boundaries.
        InvariantBroken: when the figures contradict the register or each other.
    """
    day = settings.as_of(as_of, datetime.now(_BELGIUM).date())
    if not settings.boundaries.is_file():
        raise ReferenceMissing(f"no boundaries at {settings.boundaries}: set HYDRANTS_BOUNDARIES")
    boundaries_sha256 = hashlib.sha256(settings.boundaries.read_bytes()).hexdigest()
    surroundings = inputs.what_surrounds(settings, day, boundaries_sha256)
    with site.alone(settings.site):
        with store.read(engine) as connection:
            made_from = inputs.fingerprint(connection, day, surroundings)
            current = inputs.made_from(connection, made_from)
        if current is not None:
            taken = snapshot.Taken(current, is_current=True, contents={})
        else:
            store.refresh_statistics(engine, *snapshot.MADE_FROM)
            taken = snapshot.take(engine, settings, day, surroundings)
        if not taken.is_current:
            number = numbers.settle(engine, settings, taken.snapshot_id, taken.contents)
            taken = taken._replace(snapshot_id=number)
        folder = site.directory(settings.site, taken.snapshot_id)
        if not site.is_complete(folder):
            site.write(folder, lambda aside: _fill(aside, engine, taken.snapshot_id, settings, surroundings))
        if not taken.is_current:
            snapshot.point(engine, taken.snapshot_id)
        site.switch(settings.site, taken.snapshot_id)
        site.confirm(settings.site, store.utc_now(), settings.stale_hours)
        if current is None:
            inputs.note(engine, taken.snapshot_id, made_from)
        removed = retention.remove_old(engine, settings.site, settings.keep_snapshots_days)
    return {
        "snapshot_id": taken.snapshot_id,
        "published": int(not taken.is_current),
        "removed": removed,
    }


def _fill(
    folder: Path, engine: sa.Engine, snapshot_id: int, settings: Settings, surroundings: list[object]
) -> None:
    """Write every file of a snapshot's directory."""
    with store.read(engine) as connection:
        tiles = Tiles(settings.tiles_url, settings.tiles_attribution)
        whole = content.read(connection, snapshot_id, settings.boundaries, tiles)
    shapes = areas.read(settings.boundaries, list(whole.gemeenten()))
    pages.copy_assets(folder)
    pages.overview.write(folder, whole, shapes)
    registered = sum(line["registered"] for line in whole.lines if line["nis"] is not None)
    processes = min(os.cpu_count() or 1, registered // _HYDRANTS_PER_WORKER)
    pieces: list[tuple[Any, ...]] = [  # the zones first: they are the largest
        *((_fill_zone, folder, whole, zone) for zone in reference.zones(whole.as_of).values()),
        *(
            (
                folders.write,
                folder,
                whole,
                nis,
                shapes.get(nis),
                whole.made_from(nis, surroundings),
            )
            for nis in whole.gemeenten()
        ),
    ]
    for _ in workers.side_by_side(engine, settings, _fill_piece, pieces, processes):
        pass


def _fill_piece(engine: sa.Engine, settings: Settings, fill: Callable[..., None], *piece: Any) -> None:
    """Write the files of a gemeente or zone."""
    with store.in_bulk():
        fill(engine, settings, *piece)


def _fill_zone(engine: sa.Engine, _settings: Settings, folder: Path, whole: Content, zone: Zone) -> None:
    own = [nis for nis in whole.gemeenten() if nis in zone.gemeenten]
    with store.read(engine) as connection:
        failing = content.hydrants(connection, whole.snapshot_id, own, "failed")
        working = content.working(connection, whole.snapshot_id, own)
    pages.zone.write(folder, whole, zone, failing, working)
