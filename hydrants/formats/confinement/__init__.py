"""The reading process gives up whatever a reader does not need, before it touches the file.

Everywhere: memory, processor time, open files, and room to write. On Linux it also ends with its
parent, reads nothing but the file and the code that reads it (Landlock), and has no network, no
other programs and no way to change a file (a filter on its system calls).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from pathlib import Path

from hydrants.formats.limits import Limits

_OPEN_FILES = 64
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def confine(path: Path, limits: Limits, parent_pid: int) -> list[str]:
    """Confine this process, which has one thread, for the rest of its life.

    Args:
        path: the file that it is to read.
        parent_pid: the process for which it reads; when that ends, so does this one.

    Returns:
        What this platform could not take away, in English; empty on a recent Linux.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    if sys.platform == "linux":
        notes = _confine_on_linux(path, parent_pid)
    else:
        notes = [f"on {sys.platform} it keeps the network, and the files of its user"]
    return notes + _limit_resources(limits)


def _confine_on_linux(path: Path, parent_pid: int) -> list[str]:
    from hydrants.formats.confinement import landlock, seccomp
    from hydrants.formats.confinement.kernel import prctl

    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)  # the parent ended before this process could follow it
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    with contextlib.suppress(
        OSError
    ):  # when memory runs out, this is to go before its parent and the database
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    notes = []
    try:
        landlock.hide_files(path)
    except OSError as error:
        notes.append(f"it keeps the files of its user: {error}")
    try:
        seccomp.filter_calls()
    except OSError as error:
        notes.append(f"it keeps the network: {error}")
    return notes


def _limit_resources(limits: Limits) -> list[str]:
    wanted = {
        "RLIMIT_AS": (limits.memory_bytes, limits.memory_bytes),
        "RLIMIT_CPU": (limits.cpu_s, limits.cpu_s + 1),
        "RLIMIT_FSIZE": (0, 0),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_NOFILE": (_OPEN_FILES, _OPEN_FILES),
    }
    notes = []
    for name, (soft, hard) in wanted.items():
        which = getattr(resource, name)
        _, ceiling = resource.getrlimit(which)
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        try:
            resource.setrlimit(which, (soft, hard))
        except (OSError, ValueError) as error:  # macOS bounds no address space
            notes.append(f"{name} is not set: {error}")
    return notes
