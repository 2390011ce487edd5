"""Nights: stage by stage, each in processes of its own, and as the one command that a night is.

What takes long to import is imported where it is used: workers import this module anew, within their time.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa

from hydrants import night, store, workers
from hydrants.settings import Settings
from scripts.night_bench import worlds
from scripts.night_bench.apart import Taken, taken_by
from scripts.night_bench.worlds import Place

STAGES = ("prepare", *night.BATCH_STAGES, "publish", "plan")
FULL, NOTHING, TENTH, NEXT_DAY, EVERY = (
    "a full night, on an empty store",
    "nothing new",
    "1 % of the rows changed, in a tenth of the batches",
    "the same, and the figures speak of the next day",
    "1 % of the rows changed, in every batch",
)
DAY, DAY_AFTER = date(2019, 12, 30), date(2019, 12, 31)
CHANGED = ((TENTH, 0.1, DAY), (NEXT_DAY, 0.1, DAY_AFTER), (EVERY, 1.0, DAY_AFTER))
"""The share of the batches that a night's changes are in, and the day that its figures speak of."""
SHARE_CHANGED = 0.01


def of_batch(engine: sa.Engine, settings: Settings, stage: str, contractor: str, nis: str) -> dict[str, int]:
    """One stage of one batch."""
    return night.BATCH_STAGES[stage](engine, settings, contractor, nis)


def stage(settings: Settings, name: str) -> dict[str, Any]:
    """One stage of a night, over all batches on as many workers as a night has; its counts, summed.

    Raises:
        RuntimeError: if receipts could not be written.
    """
    engine = store.create_engine(settings.database_url)
    if name not in night.BATCH_STAGES:
        counts: dict[str, Any] = getattr(night, name)(engine, settings)
        return counts
    pieces = [(name, *batch) for batch in largest_first(engine, settings)]
    counts = {}
    for done in workers.side_by_side(engine, settings, of_batch, pieces, workers.count(settings)):
        for key, number in done.items():
            counts[key] = counts.get(key, 0) + number
    if "batches_unanswered" in counts:
        raise RuntimeError("no receipts could be written")
    return counts


def whole(settings: Settings, as_of: date) -> dict[str, Any]:
    """A night as `hydrants night --as-of` works it; what it changed.

    Raises:
        RuntimeError: if something was amiss, so that less was done than a night does.
    """
    with night.opened(settings) as engine:
        counts = night.whole_night(engine, settings, as_of=as_of)
    if counts["problems"]:
        raise RuntimeError("; ".join(counts["problems"]))
    return {name: counts[name] for name in STAGES if name in counts}


def largest_first(engine: sa.Engine, settings: Settings) -> list[night.Batch]:
    """The batches, in the order in which a night takes them."""

    def size_bytes(batch: night.Batch) -> int:
        return sum(path.stat().st_size for path in settings.uploads.joinpath(*batch).iterdir())

    return sorted(night.batches(engine, settings), key=size_bytes, reverse=True)


def by_stage(settings: Settings, server_pid: int | None) -> dict[str, Taken]:
    """A night, stage by stage: what each took."""
    return {name: taken_by(stage, settings, name, server_pid=server_pid) for name in STAGES}


def as_one(place: Place, settings: Settings, rows: int) -> tuple[dict[str, Taken], dict[str, int]]:
    """Nights as one command, one after the other on the same store.

    Args:
        rows: that the uploads have.

    Returns:
        What each night took, and how many rows were new in it.

    Raises:
        RuntimeError: if a night did something else than its name says.
    """
    from scripts.night_bench.changes import write_changes

    taken = {FULL: taken_by(whole, settings, DAY, server_pid=place.server_pid)}
    new_rows = {FULL: rows}
    taken[NOTHING] = taken_by(whole, settings, DAY, server_pid=place.server_pid)
    new_rows[NOTHING] = 0
    if taken[NOTHING].result["land"]["landed"] or taken[NOTHING].result["publish"]["published"]:
        raise RuntimeError(f"a night without anything new did something: {taken[NOTHING].result}")
    for name, batch_share, day in CHANGED:
        new_rows[name] = write_changes(settings.uploads, name, round(rows * SHARE_CHANGED), batch_share)
        taken[name] = taken_by(whole, settings, day, server_pid=place.server_pid)
        _assert_changed(name, taken[name].result, new_rows[name])
    return taken, new_rows


def _assert_changed(name: str, counts: dict[str, Any], rows: int) -> None:
    """That the new rows were taken for what they are, and told in the figures."""
    is_told = counts["publish"]["published"] == 1
    if counts["validate"]["accepted"] < 0.9 * rows or not is_told:
        raise RuntimeError(f"{name}: {rows} rows were to change the figures, and did not: {counts}")


def what_is_stored(settings: Settings) -> dict[str, int]:
    """Rows of the tables of the flow after a night."""
    from hydrants.store import tables

    engine = store.create_engine(settings.database_url)
    flow = (tables.raw_row, tables.ledger, tables.record, tables.location, tables.match)
    counts = worlds.count_rows(engine, *flow, tables.snapshot_hydrant, tables.plan_stop)
    with store.read(engine) as connection:
        of_kind = (
            sa.select(tables.ledger.c.disposition, sa.func.count())
            .group_by(tables.ledger.c.disposition)
            .order_by(tables.ledger.c.disposition)
        )
        counts |= {str(kind): number for kind, number in connection.execute(of_kind)}
    engine.dispose()
    return counts
