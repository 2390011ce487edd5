"""One night and its loads, measured on both stores beside what people would write, in the same run.

Bars hold at 1 000 000 rows on two processors; at other sizes they stand in brackets, to compare. A world
of a million rows takes half an hour to write and to work through on both stores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from scripts.night_bench import lines, loads, nights, profiling, worlds
from scripts.night_bench.apart import taken_by
from scripts.night_bench.bars import Figures, bars
from scripts.night_bench.loads import Load
from scripts.night_bench.report import (
    PREFACE,
    Report,
    Row,
    bar_rows,
    load_rows,
    machine,
    night_rows,
    stage_rows,
    write_page,
)
from scripts.night_bench.worlds import POSTGIS, SQLITE, Place

STORES = {"postgis": POSTGIS, "sqlite": SQLITE}
PARTS = ("stages", "loads", "nights")
_WIDTH = 150

Say = Callable[[str], None]


def main() -> None:
    """Measure, print the tables, and write what was asked for."""
    asked = _arguments()
    report = Report(Console(width=None if sys.stdout.isatty() else _WIDTH))
    preface = PREFACE.format(seed=asked.seed, cap=asked.cap)
    report.console.print(preface, machine(), "", sep="\n", markup=False, highlight=False)
    progress, started = Console(stderr=True), time.perf_counter()

    def say(text: str) -> None:
        progress.print(f"{time.perf_counter() - started:6.0f} s  {text}", markup=False, highlight=False)

    figures: dict[str, dict[int, Figures]] = {STORES[name]: {} for name in asked.stores}
    floor: dict[int, Load] = {}
    with (
        tempfile.TemporaryDirectory(prefix="hydrants-bench-", dir=asked.directory) as name,
        worlds.places(list(figures), Path(name), asked.workers) as places,
    ):
        for size in asked.sizes:
            say(f"{size:,} rows: writing the world")
            world = Path(name) / f"world-{size}"
            taken_by(worlds.write, world, size, asked.seed)  # apart: what it held would count as a night's
            for place in places:
                if asked.profile:
                    for title, rows in profiling.rows(place, world, asked.profile).items():
                        report.add(f"{size:,} rows, {place.name}: {title}", rows)
                    continue
                found = measured(place, world, asked, lambda text: say(f"{size:,} rows, {text}"))  # noqa: B023
                figures[place.name][size] = found
                if lines.FLOOR in found.loads:
                    floor[size] = found.loads[lines.FLOOR]
                _tell(report, size, place, found)
                # what was measured is kept, should the rest of so long a run not come to its end
                _write(asked, preface, report.tables | _bars(figures, floor))
    for title, rows in _bars(figures, floor).items():
        report.add(title, rows)
    _write(asked, preface, report.tables)


def measured(place: Place, world: Path, asked: argparse.Namespace, say: Say) -> Figures:
    """Everything asked for, of one world on one store."""
    with place.night(world) as settings:
        say(f"{place.name}: a night, stage by stage")
        stages = nights.by_stage(settings, place.server_pid)
        stored = nights.what_is_stored(settings)
        figures = Figures(rows=stored["raw_row"], stored=stored)
        if "stages" in asked.only:
            figures.stages, figures.idle = stages, nights.by_stage(settings, place.server_pid)
        if "loads" in asked.only:
            say(f"{place.name}: loads")
            with place.database(place.directory / "loads") as url:
                work = (loads.measure, settings.database_url, url, asked.repeat, asked.cap)
                figures.loads = taken_by(*work).result
    if "nights" in asked.only:
        say(f"{place.name}: nights as one command")
        with place.night(world) as settings:
            figures.nights, figures.new_rows = nights.as_one(place, settings, figures.rows)
    return figures


def _tell(report: Report, size: int, place: Place, figures: Figures) -> None:
    where = f"{size:,} rows, {place.name}"
    report.add(f"{where}: what the night stored", [dict(figures.stored)])
    if figures.stages:
        report.add(f"{where}: a night, stage by stage", stage_rows(figures))
    if figures.nights:
        report.add(f"{where}: nights as one command", night_rows(figures))
    if figures.loads:
        report.add(f"{where}: loads", load_rows(figures.loads))


def _bars(figures: dict[str, dict[int, Figures]], floor: dict[int, Load]) -> dict[str, list[Row]]:
    """The bars of each store and size, by title."""
    return {
        f"{size:,} rows, {store}: the bars": bar_rows(
            [one for one in bars(by_size, floor) if one.size == size]
        )
        for store, by_size in figures.items()
        for size in by_size
    }


def _write(asked: argparse.Namespace, preface: str, tables: dict[str, list[Row]]) -> None:
    """Write the files that were asked for."""
    if asked.markdown:
        write_page(asked.markdown, "The night", Path(__file__).name, preface, tables)
    if asked.json:
        asked.json.write_text(json.dumps(tables, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[16_000, 160_000, 1_000_000], help="rows of the uploads"
    )
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    parser.add_argument("--repeat", type=int, default=3, help="rounds of the loads, to take the median of")
    parser.add_argument(
        "--cap", type=float, default=120.0, help="seconds; a load that takes longer is run once"
    )
    parser.add_argument("--workers", type=int, default=0, help="batches at a time; 0: what a night takes")
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument(
        "--profile",
        nargs="+",
        choices=nights.STAGES,
        metavar="STAGE",
        help=f"only show where the time of these stages goes: {', '.join(nights.STAGES)}",
    )
    parser.add_argument(
        "--directory", type=Path, help="where worlds and stores are made; else a temporary one"
    )
    parser.add_argument("--markdown", type=Path, help="write a page of every table to this file")
    parser.add_argument("--json", type=Path, help="write every table to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
