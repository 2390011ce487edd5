"""What all tables share: the metadata, key types, and the helpers that keep them short."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import sqlalchemy as sa

ROWS_PER_UPLOAD = 10_000_000

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Timestamp = sa.DateTime(timezone=True)
# in the order of its characters, as SQLite has it, whatever language a server sorts by: figures rest on it
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys only


def table(name: str, comment: str, *items: Any) -> sa.Table:
    """A table of this schema."""
    return sa.Table(name, metadata, *items, comment=comment)


def key(name: str, comment: str) -> sa.Column[Any]:
    """A surrogate key that counts up."""
    return sa.Column(name, BigId, primary_key=True, autoincrement=True, comment=comment)


def of_row(comment: str) -> tuple[Any, ...]:
    """The columns by which a table says something of a row of an upload, one line per row.

    Keys of other tables would be looked up row by row, which takes longer than the rows themselves: that
    each row has its parents is looked at for all at once, at each publication (`sql/orphans.sql`). Nor is
    there an index on upload_id: `rows_of` finds the rows of an upload by their own key.
    """
    return (
        col("row_id", BigId, comment, pk=True),
        col("upload_id", BigId, "upload, the first digits of row_id"),
        sa.CheckConstraint(f"upload_id = row_id / {ROWS_PER_UPLOAD}", name="upload_id"),
    )


def rows_of(table: sa.FromClause, upload_ids: Iterable[int]) -> sa.ColumnElement[bool]:
    """Whether a row is of one of these uploads: a range of the key for each run of consecutive numbers."""
    runs = []
    # of consecutive numbers in order, the number less its place is the same
    for _, run in groupby(enumerate(sorted(set(upload_ids))), key=lambda item: item[1] - item[0]):
        numbers = [number for _, number in run]
        first, end = numbers[0] * ROWS_PER_UPLOAD, (numbers[-1] + 1) * ROWS_PER_UPLOAD
        runs.append((table.c.row_id >= first) & (table.c.row_id < end))
    return sa.or_(sa.false(), *runs)


def is_of_upload(table: sa.FromClause, upload_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether a row is of the upload whose number another table has, found by the row's own key."""
    first = upload_id * ROWS_PER_UPLOAD
    return (table.c.row_id >= first) & (table.c.row_id < first + ROWS_PER_UPLOAD)


def col(
    name: str, kind: Any, comment: str, *args: Any, null: bool = False, pk: bool = False
) -> sa.Column[Any]:
    """A column, required unless `null`; texts are in the order of their characters."""
    kind = Text if kind is sa.Text else kind
    return sa.Column(name, kind, *args, nullable=null and not pk, primary_key=pk, comment=comment)


def partial_index(column: str) -> sa.Index:
    """An index on the few rows that have the column, so that those which point at a row are found."""
    is_there = sa.text(f"{column} IS NOT NULL")
    return sa.Index(None, column, sqlite_where=is_there, postgresql_where=is_there)


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """The constraint that a column holds one of these words."""
    # SQLite builds a table for each IN it checks: of a row's insertion that was a third
    return sa.CheckConstraint(" OR ".join(f"{column} = {value!r}" for value in values), name=column)
