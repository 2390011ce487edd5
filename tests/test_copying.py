"""Frames into the store, block by block: every type, whatever is missing where."""

from __future__ import annotations

import gc
import hashlib
import struct
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

from hydrants import store
from hydrants.store import comparing, copying

TABLE = sa.Table(
    "every_type",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("small", sa.Integer),
    sa.Column("measure", sa.Double),
    sa.Column("is_so", sa.Boolean),
    sa.Column("day_on", sa.Date),
    sa.Column("moment_at", sa.DateTime(timezone=True)),
    sa.Column("said", sa.Text),
    sa.Column("hash", sa.LargeBinary),
    sa.Column("list", sa.JSON(none_as_null=True)),
)
WHOLE = (
    7,
    -3,
    1.5,
    True,
    date(1999, 12, 31),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    "é",
    b"\0\xff",
    ["a"],
)
OTHER = (2**40, 2**31 - 1, -0.1, False, date(2026, 2, 28), datetime(1970, 1, 1, tzinfo=UTC), "", b"", [])
EMPTY = (8, None, None, None, None, None, None, None, None)


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame({name: [row[at] for row in rows] for at, name in enumerate(TABLE.c.keys())})


def _stored(engine: sa.Engine, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    frame = _frame(rows)
    with store.write(engine) as connection:
        TABLE.drop(connection, checkfirst=True)
        TABLE.create(connection)
        assert store.insert_rows(connection, TABLE, frame) == len(rows)
        found = connection.execute(sa.select(TABLE).order_by(TABLE.c.number)).all()
        TABLE.drop(connection)
    # SQLite keeps no zone
    return [tuple(v.replace(tzinfo=UTC) if isinstance(v, datetime) else v for v in row) for row in found]


@pytest.mark.parametrize(
    "rows",
    [[WHOLE], [WHOLE, OTHER], [WHOLE, EMPTY, OTHER], [EMPTY], [EMPTY, OTHER], []],
    ids=["one", "two", "a gap amid", "only gaps", "a gap first", "none"],
)
def test_every_type_comes_back_as_it_went_in(engine: sa.Engine, rows: list[tuple[Any, ...]]) -> None:
    assert _stored(engine, rows) == sorted(rows, key=lambda row: row[0])


def test_rows_of_several_blocks(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_ROWS_PER_BLOCK", 3)
    rows = [(n, *(EMPTY if n in {4, 5, 6, 9} else WHOLE)[1:]) for n in range(11)]
    assert _stored(engine, rows) == rows


@pytest.mark.parametrize(
    ("rows", "is_same"),
    [
        ([WHOLE, EMPTY, OTHER], True),
        ([WHOLE, EMPTY], False),
        ([WHOLE, EMPTY, OTHER, (2**41, *OTHER[1:])], False),
        ([WHOLE, (8, 0, *EMPTY[2:]), OTHER], False),
        ([(7, *OTHER[1:]), EMPTY, OTHER], False),
        ([EMPTY, WHOLE, OTHER], False),  # it cannot be told of rows out of order
        ([], False),
    ],
    ids=["the same", "one less", "one more", "a gap filled", "another", "out of order", "none"],
)
def test_rows_that_are_there_are_seen_at_once(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[Any, ...]], is_same: bool
) -> None:
    monkeypatch.setattr(copying, "_ROWS_PER_BLOCK", 2)
    with store.write(engine) as connection:
        TABLE.create(connection)
        store.insert_rows(connection, TABLE, _frame([WHOLE, EMPTY, OTHER, (1, *WHOLE[1:])]))
        found = comparing.is_there(connection, TABLE, _frame(rows), TABLE.c.number > 1)
        count = connection.execute(sa.select(sa.func.count()).select_from(TABLE)).scalar_one()
        TABLE.drop(connection)
    assert count == 4  # the transaction goes on
    assert found == (is_same and engine.dialect.name == "postgresql")


ALL_ROWS = [WHOLE, EMPTY, OTHER]
OF_ALL_ROWS = "3f98b4b37df4d3f51f5b27455480356d0ddba1041ce273dc841d2da09882a345"
"""SHA-256 of the file that `psql` 15 wrote for these rows with `\\copy ... (format binary)`."""


def _digest(engine: sa.Engine, rows: list[tuple[Any, ...]], order: sa.ColumnElement[Any]) -> str:
    with store.write(engine) as connection:
        TABLE.create(connection)
        store.insert_rows(connection, TABLE, _frame(rows))
        said = (column for column in TABLE.c if column.name != "moment_at")  # SQLite keeps no zone
        found = store.digest(connection, sa.select(*said, TABLE.c.said.label("said_again")).order_by(order))
        TABLE.drop(connection)
    return found


def test_equal_rows_have_one_digest_in_every_store(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _digest(engine, ALL_ROWS, TABLE.c.number) == OF_ALL_ROWS
    monkeypatch.setattr(comparing, "_ROWS_AT_ONCE", 2)
    assert _digest(engine, ALL_ROWS[::-1], TABLE.c.number) == OF_ALL_ROWS


@pytest.mark.parametrize("at", range(1, len(WHOLE)))
def test_any_other_value_is_another_digest(engine: sa.Engine, at: int) -> None:
    if TABLE.columns[at].name == "moment_at":
        return
    other = (*WHOLE[:at], OTHER[at], *WHOLE[at + 1 :])
    assert _digest(engine, [other, EMPTY, OTHER], TABLE.c.number) != OF_ALL_ROWS


def test_another_order_is_another_digest(engine: sa.Engine) -> None:
    assert _digest(engine, ALL_ROWS, TABLE.c.number.desc()) != OF_ALL_ROWS


def test_no_rows_have_a_digest_too(engine: sa.Engine) -> None:
    head = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    assert _digest(engine, [], TABLE.c.number) == hashlib.sha256(head + b"\xff\xff").hexdigest()


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 45_000])
def test_a_query_of_any_length_has_the_digest_of_the_whole(engine: sa.Engine, count: int) -> None:
    rows = b"".join(struct.pack(">hiq", 1, 8, number) for number in range(count))
    whole = b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows + b"\xff\xff"
    table = sa.Table("numbers", sa.MetaData(), sa.Column("number", sa.BigInteger, primary_key=True))
    with store.write(engine) as connection:
        table.create(connection)
        store.insert_rows(connection, table, ({"number": number} for number in range(count)))
        found = store.digest(connection, sa.select(table).order_by(table.c.number))
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == count
        table.drop(connection)
    assert found == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("stops_at", [1, 999, 45_000])
def test_what_the_server_says_amid_its_rows_is_raised(engine: sa.Engine, stops_at: int) -> None:
    if engine.dialect.name != "postgresql":
        return  # no server
    numbers = sa.func.generate_series(1, 50_000).column_valued("number")
    query = sa.select((sa.literal(1) / (numbers - stops_at)).label("number"))
    with store.write(engine) as connection:
        savepoint = connection.begin_nested()
        with pytest.raises(psycopg.errors.DivisionByZero):
            store.digest(connection, query)
        savepoint.rollback()
        assert connection.execute(sa.select(sa.literal(1))).scalar_one() == 1


def test_rows_left_in_the_middle_leave_a_connection_that_works(engine: sa.Engine) -> None:
    if engine.dialect.name != "postgresql":
        return
    numbers = sa.func.generate_series(1, 50_000).column_valued("number")
    with store.write(engine) as connection:
        savepoint = connection.begin_nested()
        with pytest.raises(ZeroDivisionError), comparing._sent(connection, sa.select(numbers)) as pieces:
            assert len(next(pieces)) == 19 + 1000 * 10
            raise ZeroDivisionError
        savepoint.rollback()
        assert connection.execute(sa.select(sa.literal(1))).scalar_one() == 1


@pytest.mark.parametrize(("passing", "is_much"), [(10, False), (300_000, True)])
def test_cyclic_garbage_is_looked_for_only_where_much_has_passed(passing: int, is_much: bool) -> None:
    searched = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "stop" and about["generation"] == 2:
            searched.append(about["collected"])

    gc.collect()
    gc.collect(0)  # as after what came before: something was looked through, but not here
    gc.callbacks.append(note)
    try:
        with store.in_bulk():
            kept = []
            for _ in range(passing):
                cycle: list[Any] = []
                cycle.append(cycle)
                kept.append(cycle)
            del cycle, kept
    finally:
        gc.callbacks.remove(note)
    assert (sum(searched) >= passing) == is_much
    assert bool(searched) == is_much
