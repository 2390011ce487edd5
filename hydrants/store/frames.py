"""Rows out: frames, and the SQL files."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hydrants.store.engine import SQL_DIR

if TYPE_CHECKING:
    import pandas as pd


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
