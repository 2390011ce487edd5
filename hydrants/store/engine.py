"""Engines, transactions and migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

from hydrants.store.bulk import json_text, quoted

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
"""The definitions lie beside the package: hydrants runs from a checkout."""

_BUSY_TIMEOUT_MS = 60_000
_CACHE_KIB = 65_536
_JSON_BY_ORJSON: dict[str, Any] = {"json_serializer": json_text, "json_deserializer": orjson.loads}


def create_engine(url: str) -> sa.Engine:
    """An engine for `sqlite:///file` or `postgresql+psycopg://...`.

    SQLite runs in WAL, with foreign keys checked; a writer takes its lock at
    the start of its transaction, so that two writers queue and never deadlock.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, **_JSON_BY_ORJSON
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, **_JSON_BY_ORJSON)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: sa.engine.interfaces.DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_writer = connection.get_execution_options().get("is_writer", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    return engine


@contextmanager
def write(engine: sa.Engine, turn: str | None = None) -> Iterator[sa.Connection]:
    """One transaction that writes: committed as a whole or not at all.

    Args:
        turn: name of what must not be written twice at a time, such as a batch; who comes second waits.
            SQLite has one writer anyhow.
    """
    with engine.execution_options(is_writer=True).begin() as connection:
        if turn is not None and connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext(:turn))"), {"turn": turn})
        yield connection


@contextmanager
def read(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that only reads, and sees one state throughout."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def refresh_statistics(engine: sa.Engine, *tables: sa.Table) -> None:
    """Let the query planner look at tables again after much was written."""
    with write(engine) as connection:
        refresh_statistics_within(connection, *tables)


def refresh_statistics_within(connection: sa.Connection, *tables: sa.Table) -> None:
    """The same for what a transaction wrote, and is to read itself.

    PostgreSQL plans by samples that its own housekeeping takes a minute later, too late for the next stage:
    without them the queries of a first publication took five times as long. SQLite plans well without.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {', '.join(quoted(table) for table in tables)}")


def refresh_statistics_of_key_within(connection: sa.Connection, table: sa.Table) -> None:
    """The same for the key of a table only, which takes a fraction of it."""
    if connection.dialect.name == "postgresql":
        key = ", ".join(f'"{column.name}"' for column in table.primary_key)
        connection.exec_driver_sql(f"ANALYZE {quoted(table)} ({key})")
