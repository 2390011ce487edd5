"""A piece of work in a process of its own, so that what it took can be told."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from scripts.night_bench import processes

_SAMPLE_EVERY_S = 0.2


@dataclass(frozen=True)
class Taken:
    """What a piece of work took.

    Attributes:
        seconds: from its first line to its last; what it imports counts, the start of Python does not.
        cpu_s: processor seconds of its process and of all that it started.
        peak_mb: memory of these together, see `processes.Memory.peaks`.
        server_cpu_s, server_mb: of the PostgreSQL server meanwhile, housekeeping included; 0 without one.
        result: what it returned.
    """

    seconds: float
    cpu_s: float
    peak_mb: float
    server_cpu_s: float = 0.0
    server_mb: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)


def taken_by(work: Callable[..., dict[str, Any]], *args: Any, server_pid: int | None = None) -> Taken:
    """Run `work(*args)` in a new process, wait for it, and tell what it took.

    Args:
        work: a function of a module.
        server_pid: the PostgreSQL server that it uses.

    Raises:
        RuntimeError: if it did not end well; its traceback was printed.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    server_before_s = processes.processor_s(server_pid) if server_pid else 0.0
    process = context.Process(target=_run, args=(there, work, args))
    process.start()
    there.close()
    peak_mb = server_mb = 0.0
    while not here.poll(_SAMPLE_EVERY_S):
        peak_mb = max(peak_mb, processes.memory(process.pid or 0).peaks)
        if server_pid:
            server = processes.memory(server_pid)
            server_mb = max(server_mb, server.private + server.shared)
    try:
        seconds, cpu_s, own_peak_mb, result = here.recv()
    except EOFError as error:
        process.join()
        raise RuntimeError(f"{work.__name__} ended with exit code {process.exitcode}") from error
    process.join()
    server_cpu_s = processes.processor_s(server_pid) - server_before_s if server_pid else 0.0
    return Taken(seconds, cpu_s, max(peak_mb, own_peak_mb), server_cpu_s, server_mb, result)


def _run(pipe: Connection, work: Callable[..., dict[str, Any]], args: tuple[Any, ...]) -> None:
    cpu_before_s = _cpu_s()
    started = time.perf_counter()
    result = work(*args)
    seconds = time.perf_counter() - started
    # a process shorter than the samples' interval is known by what the system remembers of it. Not by this
    # one's own ru_maxrss: that begins with what the process held that started it
    of_children_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * processes.MB_PER_KIB
    peak_mb = max(processes.memory(os.getpid()).peaks, of_children_mb)
    pipe.send((seconds, _cpu_s() - cpu_before_s, peak_mb, result))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
