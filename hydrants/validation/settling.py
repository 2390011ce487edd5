"""Duplicates and versions among all rows of a batch, whatever order its files arrived in.

A row's place is (file name, hash of the file, place in the file); receipts that were sent
back come after all other files. Of rows that say
the same, the first by place is accepted and the others are its duplicates. Of
accepted rows with the same record number the one revised last is current, and the
older ones are superseded by it; a row without a time of revision is older than any
with one. Rows revised at the same time contradict each other: both stay, unless one of
them withdraws the record.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hydrants.reference.answers import SUMMARY_SHEET
from hydrants.store.tables import ledger, raw_sheet, record, rows_of, upload

_FETCHED_ROWS = 10_000


def settle(connection: sa.Connection, contractor: str, nis: str) -> Counter[int]:
    """Bring dispositions, duplicates and versions of a batch up to date.

    Returns:
        How many rows changed, by upload_id.
    """
    is_in_batch = (upload.c.contractor == contractor) & (upload.c.nis == nis)
    upload_ids = connection.execute(sa.select(upload.c.upload_id).where(is_in_batch)).scalars().all()
    duplicates = _duplicates(connection, upload_ids).subquery()
    changed = _put_right(
        connection,
        duplicates,
        sa.update(ledger)
        .where(ledger.c.row_id == duplicates.c.key)
        .values(duplicate_of_row_id=duplicates.c.target, disposition=duplicates.c.becomes),
    )
    versions = _versions(connection, upload_ids).subquery()
    return changed + _put_right(
        connection,
        versions,
        sa.update(record)
        .where(record.c.row_id == versions.c.key)
        .values(superseded_by_row_id=versions.c.target),
    )


def _put_right(connection: sa.Connection, wrong: sa.Subquery, update: sa.Update) -> Counter[int]:
    """Update what a query finds wrong, within the store, and count it: a whole file can come twice."""
    count = sa.select(wrong.c.upload_id, sa.func.count()).group_by(wrong.c.upload_id)
    found = Counter(dict(row._tuple() for row in connection.execute(count)))
    if found:
        connection.execute(update)
    return found


def exceptions(connection: sa.Connection, upload_id: int) -> str:
    """A hash of which rows of an upload are duplicates or superseded, and of what."""
    query = (
        sa.select(ledger.c.row_id, ledger.c.duplicate_of_row_id, record.c.superseded_by_row_id)
        .join_from(ledger, record, record.c.row_id == ledger.c.row_id)
        .where(
            rows_of(ledger, [upload_id]),
            rows_of(record, [upload_id]),
            ledger.c.duplicate_of_row_id.is_not(None) | record.c.superseded_by_row_id.is_not(None),
        )
        .order_by(ledger.c.row_id)
        .execution_options(yield_per=_FETCHED_ROWS)
    )
    digest = hashlib.sha256()
    for row in connection.execute(query):
        digest.update(repr(row._tuple()).encode())
    return digest.hexdigest()


def _duplicates(connection: sa.Connection, upload_ids: Sequence[int]) -> sa.Select[Any]:
    """key, upload_id, target, becomes: rows whose disposition is not what it should be."""
    place = _place(connection)
    # few rows are said twice: the window is opened over those only
    is_in_batch = rows_of(ledger, upload_ids)
    repeated = (
        sa.select(ledger.c.content_hash)
        .where(is_in_batch, ledger.c.content_hash.is_not(None))
        .group_by(ledger.c.content_hash)
        .having(sa.func.count() > 1)
    )
    rows = (
        sa.select(
            ledger.c.row_id,
            ledger.c.upload_id,
            ledger.c.disposition,
            ledger.c.duplicate_of_row_id,
            sa.func.first_value(ledger.c.row_id)
            .over(partition_by=ledger.c.content_hash, order_by=place)
            .label("first_row_id"),
        )
        .join_from(ledger, upload, upload.c.upload_id == ledger.c.upload_id)
        .where(
            is_in_batch,
            ledger.c.content_hash.is_not(None),
            ledger.c.content_hash.in_(repeated) | (ledger.c.disposition == "duplicate"),
        )
        .subquery()
    )
    is_first = rows.c.first_row_id == rows.c.row_id
    target = sa.case((is_first, None), else_=rows.c.first_row_id)
    becomes = sa.case((is_first, "accepted"), else_="duplicate")
    return sa.select(
        rows.c.row_id.label("key"), rows.c.upload_id, target.label("target"), becomes.label("becomes")
    ).where((rows.c.disposition != becomes) | rows.c.duplicate_of_row_id.is_distinct_from(target))


def _versions(connection: sa.Connection, upload_ids: Sequence[int]) -> sa.Select[Any]:
    """key, upload_id, target: records whose newer version is not the one it should be."""
    is_in_batch = rows_of(record, upload_ids)
    versions = (ledger.c.disposition, record.c.record_ref)
    newest_first = (
        record.c.revised_at.is_(None),
        record.c.revised_at.desc(),
        record.c.is_withdrawn.desc(),
        *_place(connection),
    )
    repeated = (
        sa.select(record.c.record_ref)
        .where(is_in_batch, record.c.record_ref.is_not(None))
        .group_by(record.c.record_ref)
        .having(sa.func.count() > 1)
    )
    rows = (
        sa.select(
            ledger.c.row_id,
            ledger.c.upload_id,
            ledger.c.disposition,
            record.c.record_ref,
            record.c.revised_at,
            record.c.is_withdrawn,
            record.c.superseded_by_row_id,
            sa.func.first_value(ledger.c.row_id)
            .over(partition_by=versions, order_by=newest_first)
            .label("current_row_id"),
            sa.func.first_value(record.c.is_withdrawn)
            .over(partition_by=versions, order_by=newest_first)
            .label("is_current_withdrawn"),
            sa.func.max(record.c.revised_at).over(partition_by=versions).label("newest_revised_at"),
        )
        .join_from(record, ledger, ledger.c.row_id == record.c.row_id)
        .join(upload, upload.c.upload_id == ledger.c.upload_id)
        .where(is_in_batch, rows_of(ledger, upload_ids))
        .where(record.c.record_ref.in_(repeated) | record.c.superseded_by_row_id.is_not(None))
        .subquery()
    )
    is_older = (
        (rows.c.disposition == "accepted")
        & rows.c.record_ref.is_not(None)
        & (
            rows.c.revised_at.is_distinct_from(rows.c.newest_revised_at)
            | (rows.c.is_current_withdrawn & ~rows.c.is_withdrawn)
        )
    )
    target = sa.case((is_older, rows.c.current_row_id), else_=None)
    return sa.select(rows.c.row_id.label("key"), rows.c.upload_id, target.label("target")).where(
        rows.c.superseded_by_row_id.is_distinct_from(target)
    )


def _place(connection: sa.Connection) -> tuple[sa.ColumnElement[Any], ...]:
    """Order by place; file names byte by byte on every store, whatever its language."""
    is_postgresql = connection.dialect.name == "postgresql"
    file_name = sa.collate(upload.c.file_name, "C") if is_postgresql else upload.c.file_name
    is_answer = sa.exists().where(
        raw_sheet.c.upload_id == ledger.c.upload_id, raw_sheet.c.sheet == SUMMARY_SHEET
    )
    return (sa.case((is_answer, 1), else_=0), file_name, upload.c.sha256, ledger.c.row_id)
