"""The worlds that are measured, the stores they are worked in, and a database and folders for each night."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from tests import postgis_server

POSTGIS, SQLITE = "PostgreSQL + PostGIS", "SQLite"
_ROWS_OF_SCALE_1 = 18_000
_GROWTH = 0.957
"""Rows grow a little slower than the scale; both are rounded so that no world has fewer than asked for."""


def write(directory: Path, rows: int, seed: int) -> dict[str, Any]:
    """Write a made-up Westhoek whose uploads have at least so many rows.

    Returns:
        What the demo says of it.
    """
    from hydrants import demo

    scale = (rows / _ROWS_OF_SCALE_1) ** (1 / _GROWTH)
    return asdict(demo.write(directory, seed=seed, scale=scale))


@dataclass
class Place:
    """A store to work in: where its databases and folders are made.

    Attributes:
        name: POSTGIS or SQLITE.
        directory: for landing, site, uploads, and for the files of SQLite.
        workers: batches at a time; 0 for as many as a night takes.
        server_url, server_pid: of the PostgreSQL server, if that is the store.
    """

    name: str
    directory: Path
    workers: int = 0
    server_url: str = ""
    server_pid: int | None = None
    _numbers: Iterator[int] = field(default_factory=count, repr=False)

    @contextmanager
    def night(self, world: Path) -> Iterator[Settings]:
        """Settings of a night over a world: an empty database, and folders that are gone afterwards."""
        home = self.directory / f"night-{next(self._numbers)}"
        shutil.copytree(world / "uploads", home / "uploads", copy_function=os.link)
        with self.database(home) as url:
            yield Settings(
                _env_file=None,  # type: ignore[call-arg]
                database_url=url,
                uploads=home / "uploads",
                registers=world / "registers",
                landing=home / "landing",
                photos=home / "photos",
                site=home / "site",
                boundaries=world / "boundaries.geojson",
                addresses=world / "addresses.csv",
                deelgemeenten="",
                campaign_start=date(2019, 1, 1),
                campaign_end=date(2019, 12, 31),
                upload_stable_s=0,
                online_geocoder="",
                receipt_mail={},
                workers=self.workers,
            )
        shutil.rmtree(home)

    @contextmanager
    def database(self, home: Path) -> Iterator[str]:
        """URL of a new database with the schema and nothing in it; it is gone afterwards."""
        home.mkdir(parents=True, exist_ok=True)
        if self.name == SQLITE:
            url = f"sqlite:///{home / 'hydrants.sqlite'}"
            _migrate(url)
            yield url
            return
        name = f"bench_{next(self._numbers)}"
        self._administer(f"CREATE DATABASE {name}")
        try:
            url = postgis_server.database(self.server_url, name)
            _migrate(url)
            yield url
        finally:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = store.create_engine(self.server_url)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def places(names: list[str], directory: Path, workers: int) -> Iterator[list[Place]]:
    """The stores to measure; for PostgreSQL a private server starts, as safe against crashes as by default.

    Raises:
        LookupError: when PostgreSQL with PostGIS is asked for and not installed.
    """
    if POSTGIS not in names:
        yield [Place(name, directory, workers) for name in names]
        return
    binaries = postgis_server.find_binaries()
    if binaries is None:
        raise LookupError("no PostgreSQL with PostGIS is installed: --stores sqlite measures without")
    with postgis_server.Server(binaries, is_durable=True) as server:
        pid = int((server.home / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        of_server = {POSTGIS: (server.url, pid), SQLITE: ("", None)}
        yield [Place(name, directory, workers, *of_server[name]) for name in names]


def _migrate(url: str) -> None:
    engine = store.create_engine(url)
    store.migrate(engine)
    engine.dispose()


def count_rows(engine: sa.Engine, *tables: sa.Table) -> dict[str, int]:
    """How many rows each table has."""
    with store.read(engine) as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in tables
        }
