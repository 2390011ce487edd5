"""The store as the portal reads it: it cannot write, and sees the gemeenten of the visitor only.

Twice over. Each query names the gemeenten; and on PostgreSQL each transaction names them too, for row-level
security (migration 0003), in a setting that ends with it: a connection that goes back to the pool has none,
and without it there are no rows. What connects as the owner of the tables, who is not bound by that security,
takes the role `hydrants_reader` for the transaction where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from hydrants import store
from hydrants.errors import NothingPublished, UnusableSetting
from hydrants.portal.scope import Scope
from hydrants.settings import Settings

READER = "hydrants_reader"
REGION = "*"
"""Stands for the lines that speak of a water company as a whole."""

# roles are those of the whole server: made for another database, it may read nothing in this one
_CAN_TAKE_ROLE = sa.text(
    "SELECT pg_has_role(oid, 'MEMBER')"
    " AND has_table_privilege(oid, to_regclass('current_snapshot'), 'SELECT')"
    " FROM pg_roles WHERE rolname = :role"
)


class Reader:
    """The store, to read from."""

    def __init__(self, settings: Settings) -> None:
        """Connect as HYDRANTS_PORTAL_DATABASE_URL says, else as the store's own."""
        self._url = sa.make_url(settings.portal_database_url or settings.database_url)
        self._engine = _engine(self._url)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    @contextmanager
    def seeing(self, scope: Scope) -> Iterator[sa.Connection]:
        """A transaction that reads what a scope includes.

        Raises:
            NothingPublished: when there is no store yet.
        """
        if self._url.get_backend_name() == "sqlite" and not Path(self._url.database or "").is_file():
            raise NothingPublished("there is no store yet")
        with store.read(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                _bind(connection, [*sorted(scope.gemeenten), *([REGION] if scope.is_region else [])])
            yield connection


def _bind(connection: sa.Connection, allowed: Iterable[str]) -> None:
    """Bind a transaction, and nothing after it, to some gemeenten."""
    if connection.execute(_CAN_TAKE_ROLE, {"role": READER}).scalar():
        connection.exec_driver_sql(f"SET LOCAL ROLE {READER}")
    connection.execute(
        sa.text("SELECT set_config('hydrants.gemeenten', :allowed, true)"), {"allowed": ",".join(allowed)}
    )


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        engine = store.create_engine(url.render_as_string(hide_password=False))
    else:
        file = Path(url.database or "").resolve()
        # opened to read; what is asked of it in spite of that, SQLite refuses
        engine = sa.create_engine(f"sqlite:///file:{file}?mode=ro&uri=true")

        @sa.event.listens_for(engine, "connect")
        def _configure(connection: sa.engine.interfaces.DBAPIConnection, _entry: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA query_only=ON")
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()

    engine.hide_parameters = True
    return engine


def make_reader_role(engine: sa.Engine) -> None:
    """Make the role of who reads only, or bring what it may do up to date.

    Raises:
        UnusableSetting: on SQLite, which has no roles.
    """
    if engine.dialect.name != "postgresql":
        raise UnusableSetting("SQLite has no roles: the portal opens its file to read only")
    text = (store.SQL_DIR / "postgis" / "reader.sql").read_text(encoding="utf-8")
    with store.write(engine, turn="reader role") as connection:
        connection.exec_driver_sql(text)
