"""Rows out: frames, and the SQL files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from hydrants.store.bulk import json_text
from hydrants.store.engine import SQL_DIR

if TYPE_CHECKING:
    import pandas as pd


def read_frame(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """The result of a query as a frame, typed as the columns of the query are.

    Numbers are float64, or int64 where none is missing; flags bool where none is missing. Texts, days and
    lists are objects, None where missing: pandas' own texts take several times as long to look at one by one.
    """
    return as_frame(query, connection.execute(query).all())


def read_columns(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, tuple[Any, ...]]:
    """The result of a query by column, each value as Python has it; None where one is missing."""
    rows = connection.execute(query).all()
    names = query.selected_columns.keys()
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


def as_frame(query: sa.Select[Any], rows: Sequence[sa.Row[Any]]) -> pd.DataFrame:
    """Rows that a query found, as `read_frame` has them."""
    import pandas as pd

    selected = query.selected_columns
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(selected)
    named = zip(selected.keys(), selected.values(), columns, strict=True)
    return pd.DataFrame(
        {name: pd.Series(values, dtype=_dtype(column.type, values)) for name, column, values in named},
        index=range(len(rows)),
    )


def _dtype(kind: sa.types.TypeEngine[Any], values: Sequence[Any]) -> type:
    if isinstance(kind, sa.Boolean):
        return object if None in values else bool
    if isinstance(kind, sa.Integer):
        return float if None in values else int
    return float if isinstance(kind, sa.Float) else object


def texts_table(connection: sa.Connection, texts: Sequence[str]) -> sa.TableValuedAlias:
    """Texts as a table with one column `value`, to join with: one parameter, however many there are."""
    if connection.dialect.name == "postgresql":
        elements = sa.func.jsonb_array_elements_text(sa.literal(list(texts), JSONB))
    else:
        elements = sa.func.json_each(json_text(list(texts)))
    return elements.table_valued("value")


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
