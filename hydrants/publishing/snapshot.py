"""A snapshot: the status of every registered hydrant and the progress table, as immutable rows.

The store computes both (`sql/status.sql`, `sql/progress.sql`); here they are written
down, held against the register (invariant I2), and given a fingerprint.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa

from hydrants import reference, store
from hydrants.errors import ReferenceMissing
from hydrants.publishing import history
from hydrants.publishing.errors import InvariantBroken
from hydrants.publishing.reads import current_id, registered
from hydrants.settings import Settings
from hydrants.store.tables import (
    contract,
    current_snapshot,
    hydrant,
    hydrant_state,
    ledger,
    match,
    publication,
    raw_row,
    raw_sheet,
    record,
    register_version,
    snapshot,
    snapshot_hydrant,
    snapshot_progress,
    upload,
)

MADE_FROM = (match, record, ledger, raw_row, raw_sheet, upload, hydrant, hydrant_state, contract)
"""The tables that a snapshot's figures and pages are read from."""


class Taken(NamedTuple):
    """A snapshot that is in the store.

    Args:
        is_current: readers see it already.
        contents: as `contents` gives them.
    """

    snapshot_id: int
    is_current: bool
    contents: dict[str, str]


def take(engine: sa.Engine, settings: Settings, as_of: date, surroundings: list[object]) -> Taken:
    """Write the state of the figures on `as_of` down, unless it is down already.

    All in one transaction. A state equal to the current snapshot's leaves nothing behind, nor
    does one equal to a snapshot that was written last but, after a crash, never published.

    Args:
        surroundings: as `inputs.what_surrounds` gives them.

    Raises:
        ReferenceMissing: when no register is loaded.
        InvariantBroken: when the figures contradict the register or each other.
    """
    with store.write(engine) as connection:
        current = current_id(connection)
        snapshot_id = _insert(connection, settings, as_of)
        store.refresh_statistics_within(connection, snapshot_hydrant)
        found = contents(connection, snapshot_id)
        fingerprint = store.fingerprint(
            as_of, *surroundings, found, [list(row) for row in _lines(connection, snapshot_id)]
        )
        connection.execute(
            sa.update(snapshot).where(snapshot.c.snapshot_id == snapshot_id).values(fingerprint=fingerprint)
        )
        known = connection.execute(
            sa.select(sa.func.max(snapshot.c.snapshot_id)).where(
                snapshot.c.fingerprint == fingerprint,
                snapshot.c.snapshot_id != snapshot_id,
                snapshot.c.snapshot_id >= (current or 0),
            )
        ).scalar()
        if known is not None:
            connection.rollback()
            return Taken(known, known == current, found)
        check(connection, snapshot_id)
    return Taken(snapshot_id, is_current=False, contents=found)


def point(engine: sa.Engine, snapshot_id: int) -> None:
    """Make readers of the store see this snapshot from now on."""
    with store.write(engine) as connection:
        values = {"snapshot_id": snapshot_id, "published_at": store.utc_now()}
        if connection.execute(sa.update(current_snapshot).values(**values)).rowcount == 0:
            connection.execute(sa.insert(current_snapshot).values(pointer="current", **values))


def _insert(connection: sa.Connection, settings: Settings, as_of: date) -> int:
    version = connection.execute(sa.select(sa.func.max(register_version.c.register_version_id))).scalar()
    if version is None:
        raise ReferenceMissing(
            "no hydrant register is loaded, so there is nothing to publish: "
            "run 'hydrants register load --operator OPERATOR FILE'"
        )
    # counted, not drawn: a sequence of PostgreSQL would also count what is rolled back, and SQLite would not
    taken = (sa.select(sa.func.max(table.c.snapshot_id)) for table in (snapshot, publication))
    snapshot_id = 1 + max(connection.execute(query).scalar() or 0 for query in taken)
    connection.execute(
        sa.insert(snapshot).values(
            snapshot_id=snapshot_id,
            as_of=as_of,
            campaign_start=settings.campaign_start,
            campaign_end=settings.campaign_end,
            register_version_id=version,
            fingerprint="",
            created_at=store.utc_now(),
        )
    )
    columns = [column.name for column in snapshot_hydrant.c if column.name != "snapshot_id"]
    status = (store.SQL_DIR / "status.sql").read_text(encoding="utf-8")
    # the rows go from query to table inside the store: a million of them pass through no Python
    connection.execute(
        sa.text(
            f"INSERT INTO snapshot_hydrant (snapshot_id, {', '.join(columns)}) "
            f"SELECT :snapshot_id, {', '.join(columns)} FROM (\n{status}\n) AS status"
        ).bindparams(
            snapshot_id=snapshot_id,
            as_of=as_of,
            campaign_start=settings.campaign_start,
            campaign_end=settings.campaign_end,
            register_version_id=version,
        )
    )
    lines = store.run_sql(connection, "progress", snapshot_id=snapshot_id)
    stored = [column.name for column in snapshot_progress.c if column.name not in {"snapshot_id", "position"}]
    store.insert_rows(
        connection,
        snapshot_progress,
        (
            {"snapshot_id": snapshot_id, "position": position, **{name: line[name] for name in stored}}
            for position, line in enumerate(lines, start=1)
        ),
    )
    return snapshot_id


def contents(connection: sa.Connection, snapshot_id: int) -> dict[str, str]:
    """For each gemeente a hash of all that is told of its hydrants.

    By content: no key that another database would number otherwise. Which row a status rests on, and what
    else that row says, is in the history.
    """
    status, state = snapshot_hydrant.c, hydrant_state.c
    query = registered(
        snapshot_id,
        *(status[name] for name in status.keys() if name not in {"snapshot_id", "row_id"}),  # noqa: SIM118
        state.hydrant_type,
        state.diameter_mm,
        state.street_names,
    )
    gemeenten = sorted({line.nis for line in _lines(connection, snapshot_id) if line.nis is not None})
    histories = history.digests(connection, snapshot_id, gemeenten)
    return {
        nis: store.fingerprint(store.digest(connection, query.where(status.nis == nis)), histories[nis])
        for nis in gemeenten
    }


_FIGURES = ("registered", "checked", "ok", "failed", "remaining")


def _lines(connection: sa.Connection, snapshot_id: int) -> list[sa.Row[tuple[object, ...]]]:
    columns = [snapshot_progress.c[name] for name in ("operator", "nis", "contractor", *_FIGURES)]
    query = sa.select(*columns).where(snapshot_progress.c.snapshot_id == snapshot_id)
    return list(connection.execute(query.order_by(snapshot_progress.c.position)))


def check(connection: sa.Connection, snapshot_id: int) -> None:
    """Hold a snapshot's progress table against itself and against the register (invariant I2).

    And every row of the flow against the rows that it rests on.

    Raises:
        InvariantBroken: naming every line that does not add up, or what rests on nothing.
    """
    taken = connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == snapshot_id)).one()
    state = hydrant_state.c
    query = (
        sa.select(hydrant.c.operator, state.nis, sa.func.count())
        .join(hydrant, hydrant.c.hydrant_id == state.hydrant_id)
        .where(
            state.from_version_id <= taken.register_version_id,
            sa.or_(state.to_version_id.is_(None), state.to_version_id > taken.register_version_id),
        )
        .group_by(hydrant.c.operator, state.nis)
    )
    expected = {(row[0], row[1]): row[2] for row in connection.execute(query)}
    for row in reference.contracts():
        if row.valid_from <= taken.as_of and (row.valid_to is None or row.valid_to >= taken.as_of):
            expected.setdefault((row.operator, row.nis), 0)

    lines = _lines(connection, snapshot_id)
    totals = {line.operator: line for line in lines if line.nis is None}
    gemeenten = {(line.operator, line.nis): line for line in lines if line.nis is not None}
    wrong: list[str] = []
    for line in lines:
        name = f"{line.operator} {line.nis or 'total'}"
        if line.checked + line.remaining != line.registered:
            wrong.append(f"{name}: checked {line.checked} + remaining {line.remaining} != {line.registered}")
        if line.ok + line.failed != line.checked or not 0 <= line.failed <= line.checked:
            wrong.append(f"{name}: ok {line.ok} + failed {line.failed} != checked {line.checked}")
    if len(gemeenten) + len(totals) != len(lines):
        wrong.append("a gemeente has more than one line")
    if gemeenten.keys() != expected.keys():
        wrong.append(f"gemeenten missing or too many: {sorted(gemeenten.keys() ^ expected.keys())}")
    for key in gemeenten.keys() & expected.keys():
        if gemeenten[key].registered != expected[key]:
            wrong.append(f"{key}: registered {gemeenten[key].registered}, in the register {expected[key]}")
    for operator in {key[0] for key in gemeenten} | totals.keys():
        for figure in _FIGURES:
            total = sum(getattr(line, figure) for key, line in gemeenten.items() if key[0] == operator)
            stated = getattr(totals[operator], figure) if operator in totals else None
            if stated != total:
                wrong.append(f"{operator}: {figure} {stated} in total, {total} over its gemeenten")
    wrong += [
        f"{line['orphans']} rows of {line['child']} have no {line['parent']}"
        for line in store.run_sql(connection, "orphans", snapshot_id=snapshot_id)
    ]
    if wrong:
        raise InvariantBroken("not published, the figures do not add up: " + "; ".join(wrong))
