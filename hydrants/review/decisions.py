"""The table of decisions: which hold, on which rows, and taking them back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa

from hydrants import journal, store
from hydrants.journal import Event
from hydrants.store import tables

TURN = "review"
"""Whoever changes decisions waits for whoever is at it: a row has one decision at most."""


class Said(NamedTuple):
    """What people decided about one record, on its own row and on the rows that repeat it.

    Attributes:
        hydrant_ids: every answer once, in order of the alphabet; empty for "not in the register".
        is_registered: the register still has them all.
    """

    hydrant_ids: tuple[str, ...]
    is_registered: bool

    @property
    def is_clear(self) -> bool:
        """The record is decided: the others rest, and the record waits for a person again."""
        return self.is_registered and len(self.hydrant_ids) == 1


def active(connection: sa.Connection) -> pd.DataFrame:
    """The decisions that hold, one per row at most.

    Returns:
        decision_id, sha256, sheet, row_number, verdict (linked or new), hydrant_id, note,
        decided_at, is_registered (False: the register lost the hydrant since, see `said`);
        objects, None where there is nothing; ordered by sha256, sheet, row_number.
    """
    return _objects(store.read_frame(connection, active_query()))


def active_query() -> sa.Select[Any]:
    """The query behind `active`."""
    decision, state = tables.decision.c, tables.hydrant_state.c
    columns = [column for column in decision if column.name != "revoked_at"]
    is_listed = sa.exists().where(state.hydrant_id == decision.hydrant_id, state.to_version_id.is_(None))
    is_registered = sa.or_(decision.hydrant_id.is_(None), is_listed)
    return (
        sa.select(*columns, sa.type_coerce(is_registered, sa.Boolean).label("is_registered"))
        .where(decision.decision_id.in_(_active_ids()))
        .order_by(decision.sha256, decision.sheet, decision.row_number)
    )


def _active_ids() -> sa.Select[tuple[int]]:
    decision = tables.decision.c
    return (
        sa.select(sa.func.max(decision.decision_id))
        .where(decision.revoked_at.is_(None))
        .group_by(decision.sha256, decision.sheet, decision.row_number)
    )


def on_rows(connection: sa.Connection, contractor: str | None = None, nis: str | None = None) -> pd.DataFrame:
    """The decisions that hold, each beside every row that it speaks of: two where sheets are namesakes.

    Args:
        contractor, nis: only on this firm's files, on those of this gemeente's folder.

    Returns:
        The columns of `active`, and upload_id, contractor, nis, file_name (None when no such file was
        received), target_row_id: the row whose record the decision is on, the one repeated when the decided
        row repeats another; None when there is no such row. And disposition of the row,
        superseded_by_row_id and is_withdrawn of the record, None where there is none yet. Objects; ordered
        by contractor, nis, file_name, sheet, row_number.
    """
    decided, upload = active_query().subquery("decided"), tables.upload.c
    sheet, raw_row, ledger, record = tables.raw_sheet.c, tables.raw_row.c, tables.ledger.c, tables.record.c
    is_sheet = sa.and_(sheet.upload_id == upload.upload_id, sheet.sheet == decided.c.sheet)
    is_row = sa.and_(
        tables.is_of_upload(tables.raw_row, upload.upload_id),
        raw_row.sheet_number == sheet.sheet_number,
        raw_row.row_number == decided.c.row_number,
    )
    target = sa.func.coalesce(ledger.duplicate_of_row_id, raw_row.row_id)
    query = (
        sa.select(
            *decided.c,
            upload.upload_id,
            upload.contractor,
            upload.nis,
            upload.file_name,
            target.label("target_row_id"),
            ledger.disposition,
            record.superseded_by_row_id,
            record.is_withdrawn,
        )
        .select_from(decided)
        .outerjoin(tables.upload, upload.sha256 == decided.c.sha256)
        .outerjoin(tables.raw_sheet, is_sheet)
        .outerjoin(tables.raw_row, is_row)
        .outerjoin(tables.ledger, ledger.row_id == raw_row.row_id)
        .outerjoin(tables.record, record.row_id == target)
        # the last sheet of a file that has no such row is no row: rows come first
        .order_by(decided.c.decision_id, raw_row.row_id.is_(None), raw_row.row_id)
    )
    for column, wanted in ((upload.contractor, contractor), (upload.nis, nis)):
        if wanted is not None:
            query = query.where(column == wanted)
    frame = store.read_frame(connection, query)
    is_first, is_row_known = ~frame.duplicated("decision_id"), frame["target_row_id"].notna()
    order = ["contractor", "nis", "file_name", "sheet", "row_number", "sha256"]
    return _objects(frame[is_first | is_row_known].sort_values(order, ignore_index=True, kind="stable"))


def decided_rows(connection: sa.Connection) -> pd.DataFrame:
    """The decisions that hold, one line each: as `on_rows`, with the first of the rows."""
    return on_rows(connection).drop_duplicates("decision_id", ignore_index=True)


def said(connection: sa.Connection, contractor: str | None = None, nis: str | None = None) -> dict[int, Said]:
    """What people decided, by the row of the record that they decided about.

    Args:
        contractor, nis: as `on_rows`.
    """
    answers: dict[int, dict[str, bool]] = {}
    for row in on_rows(connection, contractor, nis).to_dict("records"):
        if row["target_row_id"] is not None:
            of_record = answers.setdefault(int(row["target_row_id"]), {})
            of_record[row["hydrant_id"] or ""] = bool(row["is_registered"])
    return {row_id: Said(tuple(sorted(one)), all(one.values())) for row_id, one in answers.items()}


def revoke(engine: sa.Engine, landing: Path, decision_ids: Iterable[int]) -> int:
    """Take decisions back, with every older one on the same rows: none comes to life.

    Those taken back already stay as they are.

    Args:
        landing: folder that has the journal.

    Returns:
        How many were revoked.
    """
    journal.catch_up(engine, landing, KINDS)
    with store.write(engine, turn=TURN) as connection:
        return put(connection, landing, [], decision_ids)


def put(
    connection: sa.Connection, landing: Path, decided: list[dict[str, Any]], revoked_ids: Iterable[int]
) -> int:
    """Write decisions down and take others back, as part of a transaction that has the `TURN`.

    Args:
        decided: sha256, sheet, row_number, verdict, hydrant_id, note.
        revoked_ids: decisions that no longer hold, and with them every older one on the same rows.

    Returns:
        How many were revoked.
    """
    decision = tables.decision.c
    query = (
        sa.select(decision.sha256, decision.sheet, decision.row_number, decision.decided_at)
        .where(decision.decision_id.in_(list(revoked_ids)), decision.revoked_at.is_(None))
        .order_by(decision.decision_id)
    )
    revoked = [
        {
            "sha256": row.sha256,
            "sheet": row.sheet,
            "row_number": row.row_number,
            "decided_at": journal.as_text(row.decided_at),
        }
        for row in connection.execute(query)
    ]
    if not decided and not revoked:
        return 0
    event = journal.record(connection, landing, DECISIONS, {"decided": decided, "revoked": revoked})
    return _apply(connection, landing, event)


def _apply(connection: sa.Connection, _landing: Path, event: Event) -> int:
    """People decided, or took decisions back; how many were revoked. A decision is made once at a moment."""
    decision = tables.decision
    revoked = 0
    for row in event.body["revoked"]:
        is_older = decision.c.decided_at <= journal.as_moment(row["decided_at"])
        statement = (
            sa.update(decision)
            .where(*_is_on(row), is_older, decision.c.revoked_at.is_(None))
            .values(revoked_at=event.moment)
        )
        revoked += connection.execute(statement).rowcount
    made_then = sa.select(decision).where(decision.c.decided_at == event.moment)
    known = {(row.sha256, row.sheet, row.row_number) for row in connection.execute(made_then)}
    new = [
        {**row, "decided_at": event.moment}
        for row in event.body["decided"]
        if (row["sha256"], row["sheet"], row["row_number"]) not in known
    ]
    store.insert_rows(connection, decision, new)
    return revoked


DECISIONS = journal.Kind("decisions", TURN, _apply)
KINDS = (DECISIONS,)


def _is_on(row: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [tables.decision.c[key] == row[key] for key in ("sha256", "sheet", "row_number")]


def _objects(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame.notna(), None)
