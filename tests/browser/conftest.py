"""A small demo world, published and served by a process of the portal, and a browser that looks at it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hydrants import demo, night
from hydrants.settings import Settings

SCALE = 0.15
AGAIN_S = 60


class Served(NamedTuple):
    """A portal that runs: where, its settings as environment, and the way in for its first visitor."""

    address: str
    environment: dict[str, str]
    admin_link: str
    site: Path

    def hydrants(self, *arguments: str) -> str:
        """What a command of the same installation prints."""
        command = [sys.executable, "-m", "hydrants.cli", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A made-up Westhoek after one night on SQLite; the environment that points the settings at it."""
    folder = tmp_path_factory.mktemp("westhoek")
    demo.write(folder, scale=SCALE)
    given = dict(
        line.split("=", 1)
        for line in shlex.split((folder / "demo.env").read_text(encoding="utf-8"), comments=True)
    )
    given |= {
        "HYDRANTS_ACCOUNTS_URL": f"sqlite:///{folder / 'accounts.sqlite'}",
        "HYDRANTS_UPLOAD_STABLE_S": "0",
    }
    values = {name.removeprefix("HYDRANTS_").lower(): value for name, value in given.items()}
    settings = Settings(_env_file=None, **values)
    with night.opened(settings) as engine:
        night.whole_night(engine, settings)
    return given


@pytest.fixture(scope="session")
def served(published: dict[str, str]) -> Iterator[Served]:
    """`hydrants serve` as a process of its own."""
    environment = {**os.environ, **published, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "hydrants.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        links: list[str] = []
        while len(links) < 1:
            line = process.stdout.readline()
            assert line, "hydrants serve ended before it printed its link"
            links += re.findall(r"http://127\.0\.0\.1:\d+/\S+", line)
        address = re.match(r"http://127\.0\.0\.1:\d+", links[0])
        assert address is not None
        yield Served(address[0], environment, links[0], Path(published["HYDRANTS_SITE"]))
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.fixture(scope="session")
def storage(served: Served, browser: Any) -> Any:
    """The cookies of an admin, who came in by the one-time link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.admin_link)
    page.click("main button[type=submit]")
    page.wait_for_url("**/current/index.html")
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def visit(served: Served, browser: Any, storage: Any) -> Iterator[Callable[..., Any]]:
    """Open a page as an admin; whatever the browser complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(path: str, **options: Any) -> Any:
        context = browser.new_context(storage_state=storage, locale="nl-BE", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((served.address, "data:"))
                or complaints.append(f"elsewhere: {request.url}")
            ),
        )
        page.goto(served.address + path)
        if path.startswith(("/current/", "/snapshots/")):
            page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
