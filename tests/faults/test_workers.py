"""A night with workers: one of them is killed, or the night beside them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from hydrants.store import tables
from tests.faults import children, standing, story
from tests.faults.children import in_child
from tests.faults.ordeals import Ordeal
from tests.faults.worlds import readers, tell

pytestmark = [pytest.mark.postgis, pytest.mark.timeout(900)]


def _started(settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hydrants.cli", "night", "--as-of", f"{story.AS_OF}"],
        env=os.environ | children.environment_of(settings),
        cwd=settings.site.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _workers(night_pid: int) -> list[int]:
    """The workers of a night that are alive."""
    try:
        listed = Path(f"/proc/{night_pid}/task/{night_pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(pid) for pid in listed if b"spawn_main" in _command(int(pid))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _uploads(settings: Settings) -> int:
    engine = store.create_engine(settings.database_url)
    try:
        with store.read(engine) as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(tables.upload)).scalar_one())
    finally:
        engine.dispose()


def _at_work(settings: Settings, night: subprocess.Popen[str]) -> list[int]:
    """Wait until the workers have begun to write; who they are."""
    before = _uploads(settings)
    while night.poll() is None:
        found = _workers(night.pid)
        if found and _uploads(settings) > before:
            return found
        time.sleep(0.005)
    raise AssertionError(f"the night ended with {night.returncode}: {night.communicate()}")


def _without_moments(settings: Settings) -> dict[str, Counter[tuple[Any, ...]]]:
    engine = store.create_engine(settings.database_url)
    try:
        return standing.contents(engine, with_moments=False)
    finally:
        engine.dispose()


@pytest.mark.parametrize("server_url", ["postgis"], indirect=True)
@pytest.mark.parametrize("is_worker", [True, False], ids=["a worker", "the night"])
def test_killed_with_workers(second_night: Ordeal, is_worker: bool, tmp_path: Path) -> None:
    world = second_night.world
    with world.copied(tmp_path) as own, world.copied(tmp_path) as unharmed:
        settings = own.model_copy(update={"workers": 2})
        with _started(settings) as night:
            workers = _at_work(settings, night)
            os.kill(workers[0] if is_worker else night.pid, signal.SIGKILL)
            _, said = night.communicate(timeout=120)
        if is_worker:
            assert night.returncode == 1
            assert said.splitlines()[-1].startswith("hydrants: a process of the night was ended by others")
        else:
            assert night.returncode == -signal.SIGKILL
        deadline = time.monotonic() + 60
        while any(b"spawn_main" in _command(pid) for pid in workers):
            assert time.monotonic() < deadline, "a worker outlives its night"
            time.sleep(0.01)
        assert _wrong_for_readers(second_night, settings) == []
        with _started(settings) as night:
            assert night.wait(300) == 0
        assert in_child(children.one_night, unharmed, world.now).code == 0
        assert standing.differences(_without_moments(settings), _without_moments(unharmed)) == []
        seen = tell(settings).readers
        assert (seen["store"], seen["site"]) == (
            second_night.told.readers["store"],
            second_night.told.readers["site"],
        )


def _wrong_for_readers(ordeal: Ordeal, settings: Settings) -> list[str]:
    """What readers of the store and of the site should not see; receipts bear the moment of this machine."""
    return [wrong for wrong in ordeal.wrong_between(readers(settings)) if "readers of the" in wrong]
