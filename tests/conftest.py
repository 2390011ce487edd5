"""What the tests share: both stores, and settings that point into a temporary directory."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Generator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.settings import Settings
from tests import postgis_server
from tests.postgis_server import database

# one process: what a test replaces or watches would not be so in the workers of a night
os.environ["HYDRANTS_WORKERS"] = "1"

IS_CI = os.environ.get("CI") == "true"


_unavailable: set[str] = set()


def unavailable(what: str) -> None:
    """Skip with one clear line; on CI, where everything is to be there, fail."""
    _unavailable.add(what)
    (pytest.fail if IS_CI else pytest.skip)(what)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the tests that lack the same thing share one line of the summary, whichever file they are in."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if reason.removeprefix("Skipped: ") in _unavailable:
            report.longrepr = (__file__, unavailable.__code__.co_firstlineno, reason)
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a network."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        unavailable("no Chromium here: the tests of the pages are left out")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def postgis_url() -> Iterator[str]:
    """URL of a private server whose database `hydrants_template` has the schema."""
    binaries = postgis_server.find_binaries()
    if binaries is None:
        unavailable("no PostgreSQL server with PostGIS here: the tests on PostGIS are left out")
        return
    with postgis_server.running(binaries) as url:
        admin = store.create_engine(url)
        with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE hydrants_template")
        admin.dispose()
        template = store.create_engine(database(url, "hydrants_template"))
        store.migrate(template)
        template.dispose()
        yield url


def _new_postgis_database(url: str) -> str:
    name = f"t_{uuid.uuid4().hex}"
    admin = store.create_engine(url)
    with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE hydrants_template")
    admin.dispose()
    return database(url, name)


@pytest.fixture(params=["sqlite", pytest.param("postgis", marks=pytest.mark.postgis)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the schema, once on each store."""
    if request.param == "postgis":
        return _new_postgis_database(request.getfixturevalue("postgis_url"))
    return f"sqlite:///{tmp_path}/hydrants.sqlite"


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An engine on each store, with schema and reference rows."""
    engine = store.create_engine(database_url)
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings whose every path lies in this test's own directory."""
    return Settings(
        _env_file=None,
        database_url=database_url,
        uploads=tmp_path / "uploads",
        registers=tmp_path / "registers",
        landing=tmp_path / "landing",
        photos=tmp_path / "photos",
        site=tmp_path / "site",
        boundaries=tmp_path / "boundaries.geojson",
        addresses=tmp_path / "addresses.csv",
        campaign_start=date(2019, 1, 1),
        campaign_end=date(2019, 12, 31),
        upload_stable_s=0,
    )
