"""One way to the database, the same on SQLite and on PostgreSQL + PostGIS.

Stages write inside `write(engine)`: one transaction, all or nothing. They ask
`is_done` whether equal inputs were computed before, and `mark_done` when they
have. Figures come from the files in `sql/` through `run_sql`.
"""

from hydrants.store.bulk import in_bulk, insert_rows, insert_tuples, json_text
from hydrants.store.comparing import digest
from hydrants.store.engine import (
    SQL_DIR,
    create_engine,
    read,
    refresh_statistics,
    refresh_statistics_of_key_within,
    refresh_statistics_within,
    write,
)
from hydrants.store.frames import read_columns, read_frame, run_sql, texts_table
from hydrants.store.migrations import migrate, revision
from hydrants.store.replacing import Replaced, replace_rows
from hydrants.store.stage_state import fingerprint, is_done, mark_done, utc_now

__all__ = [
    "SQL_DIR",
    "Replaced",
    "create_engine",
    "digest",
    "fingerprint",
    "in_bulk",
    "insert_rows",
    "insert_tuples",
    "is_done",
    "json_text",
    "mark_done",
    "migrate",
    "read",
    "read_columns",
    "read_frame",
    "refresh_statistics",
    "refresh_statistics_of_key_within",
    "refresh_statistics_within",
    "replace_rows",
    "revision",
    "run_sql",
    "texts_table",
    "utc_now",
    "write",
]
