"""Rows in and rows out: bulk inserts, frames, and the SQL files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hydrants.store.engine import SQL_DIR

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs

_ROWS_PER_STATEMENT = 10_000


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: pd.DataFrame | Iterable[Mapping[str, Any]]
) -> int:
    """Insert rows in bulk; a frame's missing values become NULL.

    Args:
        rows: a frame or mappings whose keys are columns of `table`.

    Returns:
        How many rows were inserted.
    """
    mappings: Iterable[Mapping[Any, Any]] = _mappings(rows) if _is_frame(rows) else rows
    source = iter(mappings)
    count = 0
    while chunk := list(islice(source, _ROWS_PER_STATEMENT)):
        connection.execute(sa.insert(table), chunk)
        count += len(chunk)
    return count


def _is_frame(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> TypeIs[pd.DataFrame]:
    return hasattr(rows, "columns")


def _mappings(frame: pd.DataFrame) -> Iterable[Mapping[Any, Any]]:
    objects = frame.astype(object)
    return objects.where(frame.notna(), None).to_dict("records")


def read_frame(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """The result of a query as a frame, typed by pandas: a missing text is NaN there, not None."""
    import pandas as pd

    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys()))


@lru_cache
def _sql_text(name: str) -> str:
    return (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")


def run_sql(connection: sa.Connection, name: str, /, **params: Any) -> list[dict[str, Any]]:
    """Run `sql/<name>.sql`, a single portable SELECT with `:named` parameters.

    SQLite has no date or boolean type, so columns are typed by their names, as
    everywhere here: `*_on` and `as_of` are dates, `is_*` are booleans.

    Returns:
        One mapping per row, in the order the file gives.
    """
    statement = sa.text(_sql_text(name)).bindparams(**params)
    result = connection.execute(statement)
    dates = [key for key in result.keys() if key.endswith("_on") or key == "as_of"]  # noqa: SIM118
    flags = [key for key in result.keys() if key.startswith("is_")]  # noqa: SIM118
    rows = [dict(row) for row in result.mappings()]
    for row in rows:
        for key in dates:
            if isinstance(row[key], str):
                row[key] = date.fromisoformat(row[key])
        for key in flags:
            if row[key] is not None:
                row[key] = bool(row[key])
    return rows
