"""The ways to load rows that are measured beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hydrants import store
from hydrants.store.tables import location, rows_of

FLOOR = "COPY of every raw row as CSV, as text, no key, no index (the floor)"
OURS = "store.insert_rows: the table as it is, with geometry, key, checks, indexes"
PLAIN = "COPY of the same rows as CSV: no geometry, no key, no index"
INTO_OURS = "COPY of the same rows as CSV, into the table as it is"
RECIPE = "pandas.to_sql, method=COPY as in pandas' documentation: no geometry, no key"
TO_POSTGIS = "geopandas.to_postgis: geometry, no key, no index"
TO_SQL = "pandas.to_sql, chunksize=10000: no geometry, no key"
REPLACE = "store.replace_rows of rows that are there already"
UPSERT = "staging table, then INSERT ... ON CONFLICT DO UPDATE of every row"

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_BYTES = 1 << 20
_PEER = "loaded"
_NAMES = [column.name for column in location.columns]


@dataclass(frozen=True)
class Line:
    """One way to load.

    Attributes:
        table: where the rows are afterwards.
        before: makes ready, untimed.
        run: loads, and commits.
    """

    table: str
    before: Callable[[], None]
    run: Callable[[], None]


def floor_line(engine: sa.Engine, csv: bytes, width: int) -> Line:
    """The raw rows of all uploads, `width` texts each, by plain COPY."""
    columns = ", ".join(f"c{number} text" for number in range(width))
    return Line(_PEER, lambda: _fresh(engine, columns), lambda: _copy(engine, _PEER, csv))


def load_lines(engine: sa.Engine, frame: pd.DataFrame) -> dict[str, Line]:
    """Ways to load located records into an empty table.

    Args:
        frame: rows of the table `location`, as geocoding hands them to the store.
    """
    as_text = frame.assign(corrections=frame["corrections"].map(store.json_text))
    lines = {
        OURS: Line(location.name, lambda: _emptied(engine), lambda: _insert(engine, frame)),
        TO_SQL: _to_sql(engine, as_text, chunksize=10_000),
    }
    if engine.dialect.name != "postgresql":
        return lines
    csv = as_text.to_csv(index=False, header=False, columns=_NAMES).encode()
    columns = ", ".join(f"{c.name} {c.type.compile(engine.dialect)}" for c in location.columns)
    lines |= {
        PLAIN: Line(_PEER, lambda: _fresh(engine, columns), lambda: _copy(engine, _PEER, csv)),
        INTO_OURS: Line(location.name, lambda: _emptied(engine), lambda: _copy(engine, location.name, csv)),
        RECIPE: _to_sql(engine, as_text, method=_by_copy),
        TO_POSTGIS: _to_postgis(engine, as_text),
    }
    return lines


def reload_lines(engine: sa.Engine, frame: pd.DataFrame) -> dict[str, Line]:
    """Ways to load rows again that are there already, as they are."""

    def before() -> None:
        _emptied(engine)
        _insert(engine, frame)
        store.refresh_statistics(engine)

    def replace() -> None:
        upload_ids = [int(number) for number in frame["upload_id"].unique()]
        with store.write(engine) as connection:
            told = store.replace_rows(connection, location, frame, rows_of(location, upload_ids))
        if any(told):
            raise RuntimeError(f"the same rows were taken for others: {told}")

    def upsert() -> None:
        with store.write(engine) as connection:
            columns = [sa.Column(column.name, column.type) for column in location.columns]
            staged = sa.Table("staged", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
            staged.create(connection)
            store.insert_rows(connection, staged, frame)
            insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
            adding = insert(location).from_select(_NAMES, sa.select(staged).where(sa.true()))
            values = {name: adding.excluded[name] for name in _NAMES if name != "row_id"}
            connection.execute(adding.on_conflict_do_update(index_elements=["row_id"], set_=values))
            staged.drop(connection)

    return {REPLACE: Line(location.name, before, replace), UPSERT: Line(location.name, before, upsert)}


def settle(engine: sa.Engine) -> None:
    """Let the server write out what earlier work left to it, so that no one pays for another."""
    statement = "CHECKPOINT" if engine.dialect.name == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)"
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(statement)


def _emptied(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        is_postgresql = engine.dialect.name == "postgresql"
        connection.exec_driver_sql(f"{'TRUNCATE' if is_postgresql else 'DELETE FROM'} {location.name}")


def _dropped(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_PEER}")


def _fresh(engine: sa.Engine, columns: str) -> None:
    _dropped(engine)
    with store.write(engine) as connection:
        connection.exec_driver_sql(f"CREATE TABLE {_PEER} ({columns})")


def _insert(engine: sa.Engine, frame: pd.DataFrame) -> None:
    with store.write(engine) as connection:
        store.insert_rows(connection, location, frame)


def _copy(engine: sa.Engine, table: str, csv: bytes) -> None:
    names = f" ({', '.join(_NAMES)})" if table == location.name else ""
    statement = f"COPY {table}{names} FROM STDIN (FORMAT csv)"
    with (
        store.write(engine) as connection,
        connection.connection.cursor() as cursor,  # type: ignore[attr-defined]
        cursor.copy(statement) as copy,
    ):
        for start in range(0, len(csv), _BLOCK_BYTES):
            copy.write(csv[start : start + _BLOCK_BYTES])


def _to_sql(engine: sa.Engine, frame: pd.DataFrame, **how: Any) -> Line:
    def run() -> None:
        with store.write(engine) as connection:
            frame.to_sql(_PEER, connection, index=False, **how)

    return Line(_PEER, lambda: _dropped(engine), run)


def _by_copy(table: Any, connection: sa.Connection, keys: Sequence[str], rows: Any) -> None:
    """What the documentation of pandas gives as an insertion method, for psycopg 3."""
    import csv
    import io

    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    statement = f"COPY {table.name} ({', '.join(keys)}) FROM STDIN (FORMAT csv)"
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        copy.write(buffer.getvalue())


def _to_postgis(engine: sa.Engine, frame: pd.DataFrame) -> Line:
    import geopandas as gpd

    points = gpd.GeoSeries(gpd.points_from_xy(frame["x_l72"], frame["y_l72"]), index=frame.index)
    located = gpd.GeoDataFrame(frame, geometry=points.where(frame["x_l72"].notna(), None), crs="EPSG:31370")

    def run() -> None:
        with store.write(engine) as connection:
            located.to_postgis(_PEER, connection, index=False)

    return Line(_PEER, lambda: _dropped(engine), run)
