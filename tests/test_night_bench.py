"""What the benchmark of the night says a piece of work took: all of it, and none of it twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from scripts.night_bench import processes
from scripts.night_bench.apart import taken_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")

MUCH_MB = 300
_HOLD = "import sys, time; held = b'x' * {size}; print('holds', flush=True); sys.stdin.read()"


def held(megabytes: int) -> bytes:
    """So much memory, written to."""
    return b"x" * (megabytes * 1_000_000)


def hold_and_fork() -> dict[str, Any]:
    """Hold much, while a child that has not become a program yet does nothing."""
    room = held(MUCH_MB)
    child = os.fork()
    if child == 0:
        time.sleep(0.7)
        os._exit(0)
    os.waitpid(child, 0)
    return {"held": len(room)}


def hold_and_start() -> dict[str, Any]:
    """Hold much, while another program does so too."""
    room = held(MUCH_MB)
    program = [sys.executable, "-c", _HOLD.format(size=MUCH_MB * 1_000_000)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.7)
        process.communicate()
    return {"held": len(room)}


def little() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(("work", "times"), [(hold_and_fork, 1), (hold_and_start, 2)])
def test_memory_of_each_program_counts_once(work: Any, times: int) -> None:
    bare_mb = taken_by(little).peak_mb
    assert times * MUCH_MB <= taken_by(work).peak_mb < times * (MUCH_MB + bare_mb) + MUCH_MB / 3


def test_what_the_starting_process_holds_is_not_counted() -> None:
    room = held(1_000)
    assert taken_by(little).peak_mb < processes.memory(os.getpid()).peaks / 2
    assert len(room) == 1_000_000_000
