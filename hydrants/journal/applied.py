"""Which events the store knows: writing new ones, and applying those it lacks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hydrants import store
from hydrants.journal import events
from hydrants.journal.events import Event, JournalDamaged
from hydrants.store.tables import event as event_table
from hydrants.store.tables import stage_state

STAGE = "journal"
_EVENTS_PER_TRANSACTION = 200
_IN_FLIGHT = timedelta(days=2)
"""A transaction that wrote an event of last month is committed by then, or never will be."""


class Kind(NamedTuple):
    """A sort of event, and the only way in which it changes the store.

    Args:
        name: letters only; part of the file's name.
        turn: as in `store.write`: what must not be written twice at a time.
        apply: changes the store as the event says; once more, or later than newer events, must
            come to the same.
    """

    name: str
    turn: str | None
    apply: Callable[[sa.Connection, Path, Event], object]


def record(connection: sa.Connection, landing: Path, kind: Kind, body: dict[str, Any]) -> Event:
    """Write a new event, and note it as applied in this transaction: the caller applies it in the same one.

    Args:
        connection: a transaction that writes, and that holds whatever lets others wait who speak of the
            same thing: the event is then later than any of theirs.
        body: what it says, JSON values only; `at`, the time of the clock, is added.
    """
    now = store.utc_now()
    last = connection.execute(sa.select(sa.func.max(event_table.c.name))).scalar()
    moment = now if last is None else max(now, events.moment_of(last) + timedelta(microseconds=1))
    event, content = events.composed(kind.name, {"at": events.as_text(now), **body}, moment)
    # noted before it is written: who finds the file waits here until this transaction has ended
    _note(connection, event.name)
    events.write(landing, event, content)
    return event


def write_as_of(landing: Path, kind_name: str, body: dict[str, Any], moment: datetime) -> None:
    """Write an event that happened at `moment`, before there was a journal; `catch_up` applies it."""
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps no zone
    event, content = events.composed(kind_name, {"at": events.as_text(zoned), **body}, zoned)
    events.write(landing, event, content)


def catch_up(engine: sa.Engine, landing: Path, kinds: Collection[Kind]) -> dict[str, int]:
    """Apply the events of these kinds that the store does not know, in their order.

    Returns:
        How many were applied, by kind; empty when there were none.

    Raises:
        JournalDamaged: when an event's file was changed.
    """
    by_name = {kind.name: kind for kind in kinds}
    waiting = [name for name in unknown(engine, landing) if events.kind_of(name) in by_name]
    counts: dict[str, int] = {}
    for kind_name, of_kind in groupby(waiting, key=events.kind_of):
        for some in _portions(list(of_kind)):
            with store.write(engine, turn=by_name[kind_name].turn) as connection:
                # all are noted first: whoever is waited for there waits for nothing that this one holds
                noted = [name for name in some if _note(connection, name)]
                for name in noted:
                    _apply(connection, landing, by_name[kind_name], name)
            if noted:
                counts[kind_name] = counts.get(kind_name, 0) + len(noted)
    return counts


def unknown(engine: sa.Engine, landing: Path) -> list[str]:
    """Names of the events that lie in the journal and are not applied, in their order.

    Lists the months that `close_months` has not closed; reads no file.
    """
    found = events.months(landing)
    if not found:
        return []
    with store.read(engine) as connection:
        closed = _closed(connection)
        wanted = [month for month in found if month not in closed]
        if not wanted:
            return []
        query = sa.select(event_table.c.name).where(event_table.c.name >= events.names_from(wanted[0]))
        known = set(connection.execute(query).scalars())
    return [name for month in wanted for name in events.names(landing, month) if name not in known]


def close_months(engine: sa.Engine, landing: Path) -> None:
    """Remember the months that are over and wholly applied, so that they are not listed again."""
    ended_before = f"{store.utc_now() - _IN_FLIGHT:%Y-%m}"
    with store.read(engine) as connection:
        closed = _closed(connection)
    over = [month for month in events.months(landing) if month < ended_before and month not in closed]
    if not over:
        return
    open_months = {events.month_of(name) for name in unknown(engine, landing)}
    with store.write(engine, turn=STAGE) as connection:
        for month in over:
            if month not in open_months:
                count = len(events.names(landing, month))
                store.mark_done(connection, STAGE, month, store.fingerprint(count), {"events": count})


def _closed(connection: sa.Connection) -> set[str]:
    query = sa.select(stage_state.c.scope).where(stage_state.c.stage == STAGE)
    return set(connection.execute(query).scalars())


def _apply(connection: sa.Connection, landing: Path, kind: Kind, name: str) -> None:
    try:
        kind.apply(connection, landing, events.read(landing, name))
    except (KeyError, TypeError) as error:
        path = events.path_of(landing, name)
        raise JournalDamaged(f"{path} says what this version cannot apply: {error!r}") from error


def _note(connection: sa.Connection, name: str) -> bool:
    """Note an event as applied, unless it is; waits for a transaction that is about to."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"name": name, "kind": events.kind_of(name), "applied_at": store.utc_now()}
    statement = insert(event_table).values(**values).on_conflict_do_nothing().returning(event_table.c.name)
    return connection.execute(statement).first() is not None


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[at : at + _EVENTS_PER_TRANSACTION] for at in range(0, len(names), _EVENTS_PER_TRANSACTION))
