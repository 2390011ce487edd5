"""Rounds of loads: the same rows by each way in turn, and whether they are there afterwards."""

from __future__ import annotations

import csv
import gc
import hashlib
import io
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.store.tables import location, raw_row
from scripts.night_bench import lines
from scripts.night_bench.lines import Line

_ROWS_PER_FETCH = 20_000


@dataclass
class Load:
    """One way to load, as measured.

    Attributes:
        rows: that it loaded in each round.
        seconds: of each round, the commit included.
        is_capped: whether it took so long that it was not repeated.
    """

    rows: int
    seconds: list[float] = field(default_factory=list)
    is_capped: bool = False


def times(one: Load, other: Load) -> float:
    """How many times as long one takes as the other: round by round, the median of these."""
    if len(one.seconds) != len(other.seconds):
        return median(one.seconds) / median(other.seconds)
    return median(a / b for a, b in zip(one.seconds, other.seconds, strict=True))


def measure(night_url: str, load_url: str, rounds: int, cap_s: float) -> dict[str, Any]:
    """Load what a night stored, by every way, in rounds.

    Args:
        night_url: the database of the night.
        load_url: a database with the schema and nothing in it.
        cap_s: what takes longer is not repeated.

    Returns:
        name of the way -> Load.

    Raises:
        RuntimeError: if a way did not load what it was given.
    """
    night, engine = store.create_engine(night_url), store.create_engine(load_url)
    with store.read(night) as connection:
        frame = _as_located(store.read_frame(connection, sa.select(location).order_by(location.c.row_id)))
    results: dict[str, Load] = {}
    if engine.dialect.name == "postgresql":
        raw, count, width = _raw_csv(night)
        floor = {lines.FLOOR: lines.floor_line(engine, raw, width)}
        results |= _in_rounds(engine, floor, count, rounds, cap_s, _characters(raw, width))
        del raw, floor
    with store.read(night) as connection:
        expected = digest(connection, location.name)
    night.dispose()
    for ways in (lines.load_lines(engine, frame), lines.reload_lines(engine, frame)):
        results |= _in_rounds(engine, ways, len(frame), rounds, cap_s, expected)
    engine.dispose()
    return dict(results)


def _as_located(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows as geocoding has them: each different text is one object, where a driver makes one per row."""
    texts = [column.name for column in location.columns if isinstance(column.type, sa.Text)]
    known: dict[Any, Any] = {}
    shared = {name: [known.setdefault(text, text) for text in frame[name]] for name in texts}
    return frame.assign(**{name: pd.Series(values, dtype=object) for name, values in shared.items()})


def _in_rounds(
    engine: sa.Engine, ways: Mapping[str, Line], rows: int, rounds: int, cap_s: float, expected: str
) -> dict[str, Load]:
    results = {name: Load(rows) for name in ways}
    for number in range(rounds):
        for name, line in ways.items():
            if results[name].is_capped:
                continue
            line.before()
            lines.settle(engine)
            gc.collect()
            started = time.perf_counter()
            line.run()
            results[name].seconds.append(time.perf_counter() - started)
            results[name].is_capped = results[name].seconds[0] > cap_s
            if number == 0:
                _assert_loaded(engine, name, line, expected)
    return results


def _assert_loaded(engine: sa.Engine, name: str, line: Line, expected: str) -> None:
    with store.read(engine) as connection:
        found = _texts_digest(connection) if name == lines.FLOOR else digest(connection, line.table)
        if found != expected:
            raise RuntimeError(f"{name}: the table does not hold the rows that were to be loaded")
        geometry = {lines.OURS: "geom", lines.INTO_OURS: "geom", lines.TO_POSTGIS: "geometry"}.get(name)
        if geometry and engine.dialect.name == "postgresql":
            _assert_points(connection, name, line.table, geometry)


def digest(connection: sa.Connection, table: str) -> str:
    """A hash of the rows of `location`, or of a table that is to hold the same, whatever its types."""
    chosen = [f"CAST({c.name} AS TEXT)" if isinstance(c.type, sa.JSON) else c.name for c in location.columns]
    result = connection.execution_options(yield_per=_ROWS_PER_FETCH).exec_driver_sql(
        f"SELECT {', '.join(chosen)} FROM {table} ORDER BY row_id"
    )
    hashed, count = hashlib.sha256(), 0
    for row in result:
        plain = tuple(int(value) if isinstance(value, bool) else value for value in row)
        hashed.update(repr(plain).encode())
        count += 1
    return f"{count} rows {hashed.hexdigest()}"


def _assert_points(connection: sa.Connection, name: str, table: str, geometry: str) -> None:
    wrong = connection.exec_driver_sql(
        f"SELECT count(*) FROM {table} WHERE ST_X({geometry}) IS DISTINCT FROM x_l72"
        f" OR ST_Y({geometry}) IS DISTINCT FROM y_l72 OR ST_SRID({geometry}) <> 31370"
    ).scalar_one()
    if wrong:
        raise RuntimeError(f"{name}: {wrong} rows have another point than their coordinates")


def _raw_csv(night: sa.Engine) -> tuple[bytes, int, int]:
    """Every row of every upload as CSV, empty cells where a row is shorter; how many rows and columns."""
    length = sa.func.json_array_length(raw_row.c.cells)
    with store.read(night) as connection:
        width = int(connection.execute(sa.select(sa.func.max(length))).scalar_one())
        buffer = io.StringIO(newline="")
        writer, count = csv.writer(buffer), 0
        query = sa.select(raw_row.c.cells).order_by(raw_row.c.row_id)
        for (cells,) in connection.execution_options(yield_per=_ROWS_PER_FETCH).execute(query):
            writer.writerow([*cells, *[None] * (width - len(cells))])
            count += 1
    return buffer.getvalue().encode(), count, width


def _characters(raw: bytes, width: int) -> str:
    """Rows, and characters in each column, of a CSV."""
    count, totals = 0, [0] * width
    for row in _rows(raw):
        totals = [total + len(cell) for total, cell in zip(totals, row, strict=True)]
        count += 1
    return f"{count} rows {totals}"


def _rows(raw: bytes) -> Iterator[list[str]]:
    yield from csv.reader(io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8", newline=""))


def _texts_digest(connection: sa.Connection) -> str:
    inspected = sa.inspect(connection).get_columns("loaded")
    sums = ", ".join(f"coalesce(sum(length({column['name']})), 0)" for column in inspected)
    count, *totals = connection.exec_driver_sql(f"SELECT count(*), {sums} FROM loaded").one()
    return f"{count} rows {[int(total) for total in totals]}"
