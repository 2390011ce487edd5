"""Rows in place of others: what is equal is not written again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from hydrants.store.bulk import insert_rows
from hydrants.store.comparing import is_there

if TYPE_CHECKING:
    import pandas as pd


_MEMORY_TO_COMPARE = "128MB"


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
    """Make these the rows of a table within a part of it, in a few statements whatever their number.

    A row that is there as it should be is left alone, which is most of them on most nights: to write it again
    would cost its place in the table, in each index and in the log.

    Args:
        rows: as for `insert_rows`; a frame without rows has columns all the same.
        within: which rows of the table these replace; all of the new rows fulfil it.
    """
    if connection.execute(sa.select(sa.literal(1)).select_from(table).where(within).limit(1)).first() is None:
        return Replaced(insert_rows(connection, table, rows), 0, 0)
    if is_there(connection, table, rows, within):
        return Replaced(0, 0, 0)
    before = _count(connection, table, within)
    staged = _temporary(connection, f"staged_{table.name}", table)
    given = insert_rows(connection, staged, rows)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {staged.name}")  # or it would be searched row by row
        # both sides are as large as a batch: they are to be compared in memory
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{_MEMORY_TO_COMPARE}'")
    differing = _differing(connection, table, staged)
    added = _count(connection, differing, differing.c.is_new)
    replaced = Replaced(
        added,
        changed=_change(connection, table, differing),
        removed=_remove(connection, table, staged, within) if before > given - added else 0,
    )
    if added:
        _add(connection, table, differing)
    for one in (differing, staged):
        one.drop(connection)  # an error undoes its making with all the rest
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL work_mem TO DEFAULT")
    return replaced


def _count(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table).where(condition)).scalar_one()


def _temporary(connection: sa.Connection, name: str, table: sa.Table, *more: sa.Column[Any]) -> sa.Table:
    """An empty table with the same columns, of this transaction alone."""
    columns = [sa.Column(column.name, column.type) for column in table.columns]
    made = sa.Table(name, sa.MetaData(), *columns, *more, prefixes=["TEMPORARY"])
    made.create(connection)
    return made


def _differing(connection: sa.Connection, table: sa.Table, staged: sa.Table) -> sa.Table:
    """The staged rows that the table lacks (is_new) or has otherwise, in a table of their own."""
    differing = _temporary(connection, f"differing_{table.name}", table, sa.Column("is_new", sa.Boolean))
    is_same = _is_same_row(table, staged)
    is_new = next(iter(table.primary_key)).is_(None)
    differs = [
        _comparable(column).is_distinct_from(_comparable(staged.c[column.name]))
        for column in table.columns
        if not column.primary_key
    ]
    found = (
        sa.select(*staged.c, is_new.label("is_new"))
        .select_from(staged.outerjoin(table, is_same))
        .where(sa.or_(is_new, *differs))
    )
    connection.execute(sa.insert(differing).from_select([*staged.c.keys(), "is_new"], found))
    return differing


def _is_same_row(table: sa.Table, other: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == other.c[column.name] for column in table.primary_key))


def _change(connection: sa.Connection, table: sa.Table, differing: sa.Table) -> int:
    values = {column.name: differing.c[column.name] for column in table.columns if not column.primary_key}
    if not values:
        return 0
    is_other = sa.and_(_is_same_row(table, differing), ~differing.c.is_new)
    return connection.execute(sa.update(table).where(is_other).values(values)).rowcount


def _remove(
    connection: sa.Connection, table: sa.Table, staged: sa.Table, within: sa.ColumnElement[bool]
) -> int:
    is_wanted = sa.exists().where(_is_same_row(table, staged))
    return connection.execute(sa.delete(table).where(within, ~is_wanted)).rowcount


def _add(connection: sa.Connection, table: sa.Table, differing: sa.Table) -> None:
    names = [column.name for column in table.columns]
    new = sa.select(*(differing.c[name] for name in names)).where(differing.c.is_new)
    connection.execute(sa.insert(table).from_select(names, new))


def _comparable(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """PostgreSQL does not compare JSON as such; it keeps its text as it came."""
    return sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column
