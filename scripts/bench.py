"""Seconds and rows per second of each step of a night, on a made-up Westhoek of any size."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from hydrants import demo, night, store
from hydrants.settings import Settings
from hydrants.store.tables import raw_row


def main() -> None:
    """Write a world into a temporary directory, work one night through it, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="1 is the Westhoek; 63 is a million hydrants"
    )
    parser.add_argument("--seed", type=int, default=2019)
    parser.add_argument("--database-url", help="instead of a SQLite file: an empty database with PostGIS")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hydrants-bench-") as name:
        directory = Path(name)
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            database_url=asked.database_url or f"sqlite:///{directory / 'hydrants.sqlite'}",
            uploads=directory / "uploads",
            registers=directory / "registers",
            landing=directory / "landing",
            photos=directory / "photos",
            site=directory / "site",
            boundaries=directory / "boundaries.geojson",
            addresses=directory / "addresses.csv",
            upload_stable_s=0,
        )
        seconds = {}
        started = time.perf_counter()
        demo.write(directory, seed=asked.seed, scale=asked.scale)
        seconds["demo"] = time.perf_counter() - started
        with night.opened(settings) as engine:
            seconds |= work_through(engine, settings)
            with store.read(engine) as connection:
                rows = connection.execute(sa.select(sa.func.count()).select_from(raw_row)).scalar_one()

    table = Table(
        "step", title=f"scale {asked.scale:g}, {rows} rows, {asked.database_url or 'SQLite'}", box=None
    )
    table.add_column("seconds", justify="right")
    table.add_column("rows/s", justify="right")
    for step, step_s in seconds.items():
        table.add_row(step, f"{step_s:.2f}", f"{rows / step_s:,.0f}")
    Console().print(table)


def work_through(engine: sa.Engine, settings: Settings) -> dict[str, float]:
    """Seconds of each step of a night, the stages summed over their batches."""
    seconds: dict[str, float] = {}

    def timed(step: str, started: float) -> None:
        seconds[step] = seconds.get(step, 0.0) + time.perf_counter() - started

    started = time.perf_counter()
    night.prepare(engine, settings)
    timed("prepare", started)
    batches = night.batches(engine, settings)
    for stage, run in night.BATCH_STAGES.items():
        for contractor, nis in batches:
            started = time.perf_counter()
            run(engine, settings, contractor, nis)
            timed(stage, started)
    started = time.perf_counter()
    night.publish(engine, settings)
    timed("publish", started)
    started = time.perf_counter()
    night.plan(engine, settings)
    timed("plan", started)
    return seconds


if __name__ == "__main__":
    main()
