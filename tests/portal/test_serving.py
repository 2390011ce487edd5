"""`hydrants serve` as a process: its link, its log, its end, and other processes beside it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hydrants.portal import sessions
from tests.portal.browser import Browser
from tests.portal.conftest import IEPER, Published
from tests.postgis_server import database

LINK = re.compile(r"http://127\.0\.0\.1:(\d+)(/link/\S+)")
WHERE = re.compile(r"The portal answers at http://127\.0\.0\.1:(\d+)")


def _environment(published: Published, folder: Path) -> dict[str, str]:
    settings = published.settings
    return {
        "PATH": os.environ["PATH"],
        "HYDRANTS_DATABASE_URL": settings.database_url,
        "HYDRANTS_SITE": str(settings.site),
        "HYDRANTS_ACCOUNTS_URL": _database_of_accounts(published, folder),
    }


def _database_of_accounts(published: Published, folder: Path) -> str:
    """A new one, of the same kind as the store."""
    if published.engine.dialect.name == "sqlite":
        return f"sqlite:///{folder}/people.sqlite"
    name = f"people_{uuid.uuid4().hex}"
    with published.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return database(published.settings.database_url, name)


@contextmanager
def _served(
    environment: dict[str, str], folder: Path, *options: str
) -> Iterator[tuple[Browser, str, list[str]]]:
    """A browser at its address, the path of its link ('' when there is none), and all that it says."""
    command = [sys.executable, "-m", "hydrants.cli", "serve", "--port", "0", *options]
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        while not (where := WHERE.search("".join(said))):
            line = process.stdout.readline()
            assert line, "".join(said)
            said.append(line)
        link = LINK.search("".join(said))
        browser = Browser(int(where[1]), scheme="http")
        browser.host = f"127.0.0.1:{where[1]}"
        try:
            yield browser, link[2] if link else "", said
        finally:
            process.send_signal(signal.SIGTERM)
            said += process.communicate(timeout=30)[0]
            assert process.returncode == 0


def _called(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "hydrants.cli", "accounts", *arguments]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=True, timeout=120
    ).stdout


def test_from_one_command_to_a_page(published: Published, tmp_path: Path) -> None:
    environment = _environment(published, tmp_path)
    with _served(environment, tmp_path) as (browser, link, said):
        assert browser.submit(link, link).location == "/current/index.html"
        assert browser.get(f"/current/{IEPER}/index.html").status == 200
        assert browser.get("/api/progress").status == 200
        assert browser.get(link).status == 404
        # an account that the command line makes beside it comes in, and is out when that says so
        added = _called(environment, tmp_path, "add", "ieper", "--role", "gemeente", "--scope", IEPER)
        own = re.search(r"http://\S+(/link/\S+)", added)
        assert own is not None
        official = Browser(browser.port, scheme="http")
        official.host = browser.host
        fields = {"password": "vijf rode fietsen", "again": "vijf rode fietsen"}
        assert official.submit(own[1], own[1], **fields).location == f"/current/{IEPER}/index.html"
        assert official.get("/current/33021/index.html").status == 404
        _called(environment, tmp_path, "disable", "ieper")
        told_at = time.monotonic()
        while official.get(f"/current/{IEPER}/index.html").status != 303:
            assert time.monotonic() < told_at + 2 * sessions.REMEMBERED_S
    everything = "".join(said)
    assert everything.count("/link/") == 1  # the one it printed itself
    assert browser.session() not in everything
    with _served(environment, tmp_path) as (browser, link, _):
        assert link  # the admin has no password yet
        browser.submit(link, link)
        right = {"password": "vijf rode fietsen", "again": "vijf rode fietsen"}
        assert browser.submit("/account", "/account/password", **right).location == "/account"
    with _served(environment, tmp_path) as (_, link, _):
        assert link == ""
    with _served(environment, tmp_path, "--admin-link") as (browser, link, _):
        assert browser.submit(link, link).status == 303


@pytest.mark.parametrize("published", ["sqlite"], indirect=True)
def test_only_a_proxy_is_believed(published: Published, tmp_path: Path) -> None:
    environment = _environment(published, tmp_path)
    with _served(environment, tmp_path) as (browser, link, _):
        browser.address = "198.51.100.9"
        browser.submit(link, link)
        assert '"198.51.100.9"' not in _called(environment, tmp_path, "log", "--json")
    with _served(environment, tmp_path, "--behind-proxy", "--admin-link") as (browser, link, _):
        browser.address = "198.51.100.9"
        browser.submit(link, link)
        assert '"198.51.100.9"' in _called(environment, tmp_path, "log", "--json")
    elsewhere = {**environment, "HYDRANTS_PORTAL_PROXIES": "192.0.2.1"}
    with _served(elsewhere, tmp_path, "--behind-proxy", "--admin-link") as (browser, link, _):
        browser.address = "198.51.100.10"
        browser.submit(link, link)
        assert '"198.51.100.10"' not in _called(environment, tmp_path, "log", "--json")


@pytest.mark.parametrize("published", ["sqlite"], indirect=True)
def test_a_port_that_is_taken_is_said_in_a_line(published: Published, tmp_path: Path) -> None:
    environment = _environment(published, tmp_path)
    with _served(environment, tmp_path) as (browser, _, _):
        command = [sys.executable, "-m", "hydrants.cli", "serve", "--port", str(browser.port)]
        second = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "Address already in use" in second.stderr
