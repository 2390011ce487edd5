"""The tables: rows of plain values, printed, and as a page of the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from scripts.night_bench import lines
from scripts.night_bench.apart import Taken
from scripts.night_bench.bars import TO_WEIGH, Bar, Figures
from scripts.night_bench.loads import Load, times
from scripts.night_bench.nights import FULL

Row = dict[str, Any]

_DIGITS = {"seconds": 2, "CPU s": 1, "server CPU s": 1, "with nothing new s": 2, "measured": 2, "bar": 2}
_LIBRARIES = ("sqlalchemy", "psycopg", "pandas", "geopandas")
PREFACE = """\
**The world.** A made-up Westhoek (`hydrants demo`, seed {seed}) with as many registered hydrants as its
uploads have rows, and a little more; sizes of firms and gemeenten as in the real one, files in CSV, XLSX,
GeoPackage and GeoJSON with the dirt that crews make. Below, *rows* are all rows of all uploads, headings
included. Both stores work the same files. PostgreSQL is a private server on the same machine with its
default settings, `fsync` on; SQLite is in WAL, one batch at a time, as a night on it is.

**A night, stage by stage.** Each stage is a process of its own, with a worker process per processor on
PostgreSQL; its seconds count what it imports and the start of its workers, so the sum counts these once per
stage, where a night has them once. *With nothing new* is the same stage directly after, when all is done.
*Read to publish* is what the bar of the whole night is about: it reads, validates and locates every row,
writes the ledger, matches, and publishes the snapshot with its pages and workbooks. Landing, receipts
(*answer*), registers and addresses (*prepare*) and rounds (*plan*) stand beside it, and *whole* has them all.

**As one command.** `hydrants night` as it is, all stages, in one process with its workers: on an empty
store, once more, and after files came that change rows which were there (newer, with other outcomes). A
gemeente of which no row changed keeps its files, and says since which day they are the same; only where
*every batch* has a changed row, all are made.

**Memory.** The highest sum, sampled five times a second, of what each living process of the night ever held:
never less than what they took. The server's own stands apart: its private memory and its shared buffers.

**Loads.** One connection, one transaction, its commit included; a checkpoint before each, untimed. The
*floor* is all raw rows as texts, CSV made beforehand, sent as bytes. All others load the located records of
the night: plain `COPY` gets CSV made beforehand, pandas and geopandas get their frames and points made
beforehand, `store.insert_rows` gets the frame that geocoding makes and turns it into rows within its time.
What each way loaded is compared with what the night stored, row by row. Ratios are taken round by round, and
are the median of these; what takes longer than {cap:.0f} s is not repeated.
"""


@dataclass
class Report:
    """Every table that was printed, by title."""

    console: Console
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, title: str, rows: Sequence[Row]) -> None:
        """Print rows that have the same columns, and keep them."""
        if not rows:
            return
        self.tables[title] = list(rows)
        table = Table(title=title, box=None, title_justify="left", header_style="bold")
        for column, value in rows[0].items():
            is_text = isinstance(value, str)
            table.add_column(column, justify="left" if is_text else "right", no_wrap=not is_text)
        for row in rows:
            table.add_row(*(shown(column, value) for column, value in row.items()))
        self.console.print(table)
        self.console.print()


def shown(column: str, value: object) -> str:
    """A value as it is printed in its column."""
    if value is None:
        return ""
    if isinstance(value, float):
        if column.startswith(("share", "own share")):
            return f"{value:.1%}"
        digits = _DIGITS.get(column, 2 if column.startswith("x ") or column.endswith(" s") else 0)
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def stage_rows(figures: Figures) -> list[Row]:
    """What each stage took, and the sums."""
    every = list(figures.stages)
    asked = {name: [name] for name in every}
    asked |= {"= read to publish": list(TO_WEIGH), "= whole": every}
    return [_stage_row(name, members, figures) for name, members in asked.items()]


def _stage_row(name: str, members: list[str], figures: Figures) -> Row:
    taken = [figures.stages[member] for member in members]
    seconds = sum(one.seconds for one in taken)
    return {
        "stage": name,
        "seconds": seconds,
        "rows/s": figures.rows / seconds,
        **_used(taken),
        "with nothing new s": sum(figures.idle[member].seconds for member in members),
    }


def night_rows(figures: Figures) -> list[Row]:
    """What each night as one command took."""
    return [
        {
            "night": name,
            "new rows": figures.new_rows[name],
            "share of rows": figures.new_rows[name] / figures.rows,
            "seconds": taken.seconds,
            "x a full night": taken.seconds / figures.nights[FULL].seconds,
            **_used([taken]),
        }
        for name, taken in figures.nights.items()
    ]


def _used(taken: Sequence[Taken]) -> Row:
    has_server = any(one.server_mb for one in taken)
    return {
        "CPU s": sum(one.cpu_s for one in taken),
        "peak MB": max(one.peak_mb for one in taken),
        "server CPU s": sum(one.server_cpu_s for one in taken) if has_server else None,
        "server MB": max(one.server_mb for one in taken) if has_server else None,
    }


def load_rows(loads: Mapping[str, Load]) -> list[Row]:
    """What each way of loading took, beside ours."""
    rows = []
    for name, load in loads.items():
        ours = lines.REPLACE if name in (lines.REPLACE, lines.UPSERT) else lines.OURS
        seconds = median(load.seconds)
        has_same_rows = name != lines.FLOOR
        rows.append(
            {
                "way": name,
                "rows": load.rows,
                "seconds": seconds,
                "rows/s": load.rows / seconds,
                "x ours": times(load, loads[ours]) if has_same_rows else None,
                "rounds": f"{len(load.seconds)}{', capped' if load.is_capped else ''}",
            }
        )
    return rows


def bar_rows(bars: Sequence[Bar]) -> list[Row]:
    """The bars; in brackets where they are about another size."""
    return [
        {
            "what": bar.what,
            "measured": bar.measured,
            "": "<=" if bar.is_at_most else ">=",
            "bar": bar.bar,
            "is": _verdict(bar),
        }
        for bar in bars
    ]


def _verdict(bar: Bar) -> str:
    word = "met" if bar.is_met else "MISSED"
    return word if bar.is_judged else f"({word})"


def machine() -> str:
    """What was measured on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    python = platform.python_version()
    return f"{os.cpu_count()} processors, {platform.machine()}, Python {python}; {libraries}."


def write_page(path: Path, what: str, script: str, preface: str, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write the page: what was measured and how, and each table."""
    parts = [f"# {what}, measured\n", f"Written by `scripts/{script}`: change that, not this page.\n"]
    parts += [preface, f"**The machine.** {machine()}\n"]
    parts += [f"## {title}\n\n{_markdown(rows)}" for title, rows in tables.items()]
    path.write_text("\n".join(parts), encoding="utf-8")


def _markdown(rows: Sequence[Row]) -> str:
    columns = list(rows[0])
    table = [columns, ["---" if isinstance(rows[0][name], str) else "---:" for name in columns]]
    table += [[shown(name, row[name]).replace("|", "\\|") for name in columns] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)
