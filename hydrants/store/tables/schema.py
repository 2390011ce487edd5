"""What all tables share: the metadata, key types, and the helpers that keep them short."""

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
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys only


def table(name: str, comment: str, *items: Any) -> sa.Table:
    """A table of this schema."""
    return sa.Table(name, metadata, *items, comment=comment)


def key(name: str, comment: str) -> sa.Column[Any]:
    """A surrogate key that counts up."""
    return sa.Column(name, BigId, primary_key=True, autoincrement=True, comment=comment)


def col(
    name: str, kind: Any, comment: str, *args: Any, null: bool = False, pk: bool = False
) -> sa.Column[Any]:
    """A column, required unless `null`."""
    return sa.Column(name, kind, *args, nullable=null and not pk, primary_key=pk, comment=comment)


def partial_index(column: str) -> sa.Index:
    """An index on the rows that have the column: for a foreign key that few rows use, or a delete is slow."""
    is_there = sa.text(f"{column} IS NOT NULL")
    return sa.Index(None, column, sqlite_where=is_there, postgresql_where=is_there)


def one_of(column: str, *values: str) -> sa.CheckConstraint:
    """The constraint that a column holds one of these words."""
    # SQLite builds a table for each IN it checks: of a row's insertion that was a third
    return sa.CheckConstraint(" OR ".join(f"{column} = {value!r}" for value in values), name=column)
