"""Rows in place of others: what is equal is not written again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from hydrants.store.bulk import insert_rows

if TYPE_CHECKING:
    import pandas as pd


class Replaced(NamedTuple):
    """How many rows there are more, and how many were changed or removed."""

    added: int
    changed: int
    removed: int


def replace_rows(
    connection: sa.Connection,
    table: sa.Table,
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
    within: sa.ColumnElement[bool],
) -> Replaced:
    """Make these the rows of a table within a part of it, in three statements whatever their number.

    A row that is there as it should be is left alone, which is most of them on most nights: to write it again
    would cost its place in the table, in each index and in the log.

    Args:
        rows: as for `insert_rows`; a frame without rows has columns all the same.
        within: which rows of the table these replace; all of the new rows fulfil it.
    """
    if connection.execute(sa.select(sa.literal(1)).select_from(table).where(within).limit(1)).first() is None:
        return Replaced(insert_rows(connection, table, rows), 0, 0)
    names = [column.name for column in table.columns]
    staged = _staging_table(connection, table, names)
    insert_rows(connection, staged, rows)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {staged.name}")  # or it would be searched row by row
    replaced = Replaced(
        removed=_remove(connection, table, staged, within),
        changed=_change(connection, table, staged),
        added=_add(connection, table, staged, names),
    )
    staged.drop(connection)  # an error undoes its making with all the rest
    return replaced


def _staging_table(connection: sa.Connection, table: sa.Table, names: list[str]) -> sa.Table:
    """An empty table with the same columns, of this transaction alone."""
    columns = [sa.Column(column.name, column.type) for column in table.columns]
    staged = sa.Table(f"staged_{table.name}", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
    staged.create(connection)
    return staged


def _is_same_row(table: sa.Table, staged: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == staged.c[column.name] for column in table.primary_key))


def _remove(
    connection: sa.Connection, table: sa.Table, staged: sa.Table, within: sa.ColumnElement[bool]
) -> int:
    is_wanted = sa.exists().where(_is_same_row(table, staged))
    return connection.execute(sa.delete(table).where(within, ~is_wanted)).rowcount


def _change(connection: sa.Connection, table: sa.Table, staged: sa.Table) -> int:
    others = [column for column in table.columns if not column.primary_key]
    differs = [_comparable(column).is_distinct_from(_comparable(staged.c[column.name])) for column in others]
    if not differs:
        return 0
    return connection.execute(
        sa.update(table)
        .where(_is_same_row(table, staged), sa.or_(*differs))
        .values({column.name: staged.c[column.name] for column in others})
    ).rowcount


def _add(connection: sa.Connection, table: sa.Table, staged: sa.Table, names: list[str]) -> int:
    is_there = sa.exists().where(_is_same_row(table, staged))
    new = sa.select(*(staged.c[name] for name in names)).where(~is_there)
    adding = sa.insert(table).from_select(names, new).execution_options(preserve_rowcount=True)
    return connection.execute(adding).rowcount


def _comparable(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """PostgreSQL does not compare JSON as such; it keeps its text as it came."""
    return sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column
