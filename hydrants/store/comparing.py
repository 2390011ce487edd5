"""What rows are, to the byte: whether they are there already, and a hash of them.

The bytes are those of PostgreSQL's binary COPY: it sends a table as it is sent to it. `copying` makes the
same ones from rows of any store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hydrants.store import copying
from hydrants.store.bulk import in_bulk, is_frame, json_text
from hydrants.store.frames import as_frame

if TYPE_CHECKING:
    import pandas as pd
    from psycopg import Copy
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

_ROWS_AT_ONCE = 20_000
_ROWS_TAKEN_IN = 1_000


def is_there(
    connection: sa.Connection,
    table: sa.Table,
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
    within: sa.ColumnElement[bool],
) -> bool:
    """Whether a part of a table is a frame to the byte; False too where that cannot be told so quickly."""
    if not is_frame(rows) or connection.dialect.name != "postgresql":
        return False
    keys = [column.name for column in table.primary_key]
    if not rows[keys].set_index(keys).index.is_monotonic_increasing:
        return False
    columns = copying.in_order(rows, table)
    query = sa.select(*columns).where(within).order_by(*table.primary_key)
    with in_bulk(), _sent(connection, query) as theirs:
        # not one ahead: taking rows in and laying others out are both work for the interpreter
        return _are_same(copying.blocks(rows, columns, json_text), theirs)


def digest(connection: sa.Connection, query: sa.Select[Any]) -> str:
    """The SHA-256 in hex of what a query finds, in its order: the same for the same rows in any store."""
    # one name may be that of columns of several tables
    columns = [column.label(f"c{place}") for place, column in enumerate(query.selected_columns)]
    query = query.with_only_columns(*columns)
    found = hashlib.sha256()
    if connection.dialect.name == "postgresql":
        with _sent(connection, query) as pieces:
            for piece in pieces:
                found.update(piece)
        return found.hexdigest()
    found.update(copying.HEAD)
    for rows in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)).partitions():
        for block in copying.rows_only(as_frame(query, rows), columns, json_text):
            found.update(block)
    found.update(copying.TAIL)
    return found.hexdigest()


@contextmanager
def _sent(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Iterator[bytes]]:
    """The bytes of what a query finds, as PostgreSQL sends them."""
    text = query.compile(connection, compile_kwargs={"literal_binds": True})
    statement = f"COPY ({text}) TO STDOUT (FORMAT binary)"
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        pieces = _taken_in(copy)
        yield pieces
        for _ in pieces:  # to the end: to break it off would undo the transaction
            pass


def _taken_in(copy: Copy) -> Iterator[bytes]:
    """What the server sends, taken in many rows at a time.

    The driver waits for each row apart, which takes twice the processor time.
    """
    connection, is_at_end = copy.connection, False
    while not is_at_end:
        rows, is_at_end = connection.wait(_next_rows(connection.pgconn))
        yield b"".join(rows)


def _next_rows(link: PGconn) -> PQGen[tuple[list[memoryview], bool]]:
    """Rows as they come, and whether these are the last. For the driver to wait with, as it does for one."""
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus
    from psycopg.waiting import Wait

    rows: list[memoryview] = []
    while len(rows) < _ROWS_TAKEN_IN:
        size, row = link.get_copy_data(1)
        if size > 0:
            rows.append(row)
        elif size == 0:
            while not (yield Wait.R):
                continue
            link.consume_input()
        else:
            result = link.get_result()
            while link.get_result():  # until there is none, the connection takes no other command
                continue
            if result and result.status != ExecStatus.COMMAND_OK:
                raise error_from_result(result)
            return rows, True
    return rows, False


def _are_same(ours: Iterator[bytes], theirs: Iterator[bytes]) -> bool:
    """Whether two streams of bytes, cut in different places, are the same."""
    held = b""
    for block in ours:
        while len(held) < len(block):
            more = next(theirs, None)
            if more is None:
                return False
            held += more
        if not held.startswith(block):
            return False
        held = held[len(block) :]
    return not held and not any(theirs)
