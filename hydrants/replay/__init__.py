"""The store catches up with the journal: what lies in LANDING and the store does not know is applied."""

from __future__ import annotations

import sqlalchemy as sa

from hydrants import journal
from hydrants.replay import before
from hydrants.replay.kinds import kind
from hydrants.settings import Settings


def catch_up(engine: sa.Engine, settings: Settings) -> dict[str, int]:
    """Apply every event of the journal that the store does not know, such as after a crash or a restore.

    What a store knew before there was a journal is written into it first.

    Returns:
        How many events were applied, by kind; empty when the store knows them all.

    Raises:
        JournalDamaged: when an event or the bytes that it speaks of are damaged or gone.
    """
    before.write(engine, settings)
    waiting = {journal.kind_of(name) for name in journal.unknown(engine, settings.landing)}
    counts = {}
    if waiting:
        counts = journal.catch_up(engine, settings.landing, [kind(name) for name in sorted(waiting)])
    journal.close_months(engine, settings.landing)
    return counts
