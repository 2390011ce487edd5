"""Rows in, in bulk: by the driver's own way, several times faster than statements with parameters."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from hydrants.store import copying

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import TypeIs

_ROWS_PER_STATEMENT = 10_000
_OBJECTS_BETWEEN_COLLECTIONS = 200_000

Row = tuple[Any, ...]


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: pd.DataFrame | Iterable[Mapping[str, Any]]
) -> int:
    """Insert rows in bulk; a frame's missing values become NULL.

    Args:
        rows: a frame or mappings whose keys are columns of `table`, all the same ones.

    Returns:
        How many rows were inserted.
    """
    if is_frame(rows):
        if connection.dialect.name == "postgresql":
            return _copy_frame(connection, table, rows)
        names = [str(name) for name in rows.columns]
        tuples: Iterable[Row] = zip(*(_values(rows[name]) for name in rows.columns), strict=True)
    else:
        mappings = iter(rows)
        first = next(mappings, None)
        if first is None:
            return 0
        names = list(first)
        tuples = _tuples(first, mappings, names)
    json = [position for position, name in enumerate(names) if isinstance(table.c[name].type, sa.JSON)]
    if json:
        tuples = _with_json(tuples, json)
    return insert_tuples(connection, table, names, tuples)


def insert_tuples(
    connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]
) -> int:
    """Insert rows in bulk, as they come.

    Args:
        names: columns of `table`.
        rows: values in that order; those of JSON columns are JSON texts already.

    Returns:
        How many rows were inserted.
    """
    if connection.dialect.name == "postgresql":
        return _copy(connection, table, names, rows)
    convert = _converter(connection, [table.c[name] for name in names])
    columns, marks = ", ".join(names), ", ".join("?" * len(names))
    source, count = iter(rows), 0
    while chunk := list(islice(source, _ROWS_PER_STATEMENT)):
        statement = f"INSERT INTO {quoted(table)} ({columns}) VALUES ({marks})"
        connection.exec_driver_sql(statement, convert(chunk))
        count += len(chunk)
    return count


@contextmanager
def in_bulk() -> Iterator[None]:
    """Look for cyclic garbage seldom while millions of rows pass through.

    Rows form no cycles, and looking for them took a quarter of the time of a long file. What there is all the
    same, such as frames in the traceback of an error, is taken away at the end, if much has passed.
    """
    usual, before = gc.get_threshold(), _collections()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        if _collections() > before:
            gc.collect()  # takes a tenth of a second and more: not at the end of each small step
        gc.set_threshold(*usual)


def _collections() -> int:
    """How often the youngest objects were looked through."""
    return sum(generation["collections"] for generation in gc.get_stats())


def json_text(value: Any) -> str:
    """A value as every JSON column holds it: compact, in UTF-8."""
    return orjson.dumps(value).decode()


def _copy_frame(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> int:
    columns = copying.in_order(frame, table)
    statement = _copy_statement(table, [column.name for column in columns])
    cursor = connection.connection.cursor()
    with in_bulk(), cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        for block in _one_ahead(copying.blocks(frame, columns, json_text)):
            copy.write(block)
    return len(frame)


def _one_ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, each made while the server takes the one before."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = maker.submit(next, blocks, None)
            yield block


def _copy(connection: sa.Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]) -> int:
    statement = _copy_statement(table, names)
    count = 0
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        copy.set_types([_type_name(table.c[name].type) for name in names])
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _copy_statement(table: sa.Table, names: Sequence[str]) -> str:
    # binary: neither side writes or reads numbers as texts
    return f"COPY {quoted(table)} ({', '.join(names)}) FROM STDIN (FORMAT binary)"


def _type_name(kind: sa.types.TypeEngine[Any]) -> str:
    """The type of PostgreSQL that a column has; JSON comes as text, and is sent as one."""
    if isinstance(kind, sa.DateTime):
        return "timestamptz" if kind.timezone else "timestamp"
    names = (
        (sa.BigInteger, "int8"),
        (sa.Integer, "int4"),
        (sa.Float, "float8"),
        (sa.Boolean, "bool"),
        (sa.Date, "date"),
        (sa.LargeBinary, "bytea"),
    )
    return next((name for one, name in names if isinstance(kind, one)), "text")


def _converter(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]]
) -> Callable[[list[Row]], list[Row]]:
    """Turns rows into what the driver stores: SQLite has no dates, for one."""
    converters = [
        (position, _Converter(convert))
        for position, column in enumerate(columns)
        if not isinstance(column.type, sa.JSON | sa.LargeBinary)
        and (convert := column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect))
    ]

    def convert_rows(rows: list[Row]) -> list[Row]:
        if not converters:
            return rows
        by_column: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for position, converter in converters:
            by_column[position] = map(converter.__getitem__, by_column[position])
        return list(zip(*by_column, strict=True))

    return convert_rows


class _Converter(dict[Any, Any]):
    """Remembers what it converted: a file has few different days."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert

    def __missing__(self, value: Any) -> Any:
        if len(self) > _ROWS_PER_STATEMENT:
            self.clear()
        converted = self[value] = self._convert(value)
        return converted


def quoted(table: sa.Table) -> str:
    """The name of a table as SQL has it."""
    return f'"{table.name}"'


def _values(column: pd.Series[Any]) -> list[Any]:
    """The values of a frame's column as drivers take them; None where one is missing."""
    missing = column.isna()
    if not missing.any():
        return column.tolist()
    return column.astype(object).where(~missing, None).tolist()


def is_frame(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> TypeIs[pd.DataFrame]:
    """Whether rows come as a frame, told without importing pandas."""
    return hasattr(rows, "columns")


def _tuples(first: Mapping[str, Any], others: Iterator[Mapping[str, Any]], names: list[str]) -> Iterator[Row]:
    yield tuple(first.values())
    for row in others:
        if len(row) != len(names):
            raise ValueError(f"rows of different columns: {sorted(set(names) ^ set(row))}")
        yield tuple(row[name] for name in names)


def _with_json(rows: Iterable[Row], positions: list[int]) -> Iterator[Row]:
    for row in rows:
        values = list(row)
        for position in positions:
            if values[position] is not None:
                values[position] = json_text(values[position])
        yield tuple(values)
