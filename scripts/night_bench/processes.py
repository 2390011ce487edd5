"""What processes take: memory and processor time of all that descend from one, as Linux tells it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MB_PER_KIB = 1024 / 1e6
_PARENT, _FLAGS, _USED_BY_ITSELF, _USED_BY_ENDED_CHILDREN = 1, 6, slice(11, 13), slice(13, 15)
_IS_NO_PROGRAM_YET = 0x40
"""PF_FORKNOEXEC: about to become another program; until then its memory is that of its parent."""


@dataclass(frozen=True)
class Memory:
    """Of a process and its descendants, in MB.

    Attributes:
        peaks: the sum of the highest that each living program ever held. Pages that several share are
            counted for each, and their peaks need not coincide: no less than what they took together.
        private: the sum of what each holds for itself now.
        shared: the most that one of them holds of what processes share, such as a server's buffers.
    """

    peaks: float = 0.0
    private: float = 0.0
    shared: float = 0.0


def memory(root: int) -> Memory:
    """Memory of a process and its descendants now; nothing when it is gone."""
    told = [_status(pid) for pid in _family(root) if pid == root or _is_program(pid)]
    return Memory(
        peaks=sum(one.get("VmHWM", 0.0) for one in told),
        private=sum(one.get("RssAnon", 0.0) for one in told),
        shared=max((one.get("RssShmem", 0.0) for one in told), default=0.0),
    )


def processor_s(root: int) -> float:
    """Processor seconds of a process and its descendants so far, those that ended included."""
    ticks = 0
    for pid in _family(root):
        if fields := _stat(pid):
            ticks += sum(map(int, [*fields[_USED_BY_ITSELF], *fields[_USED_BY_ENDED_CHILDREN]]))
    return ticks / _TICKS_PER_S


def _is_program(pid: int) -> bool:
    fields = _stat(pid)
    return bool(fields) and not int(fields[_FLAGS]) & _IS_NO_PROGRAM_YET


def _family(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
    family = [root]
    for pid in family:
        family += children.get(pid, [])
    return family


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold blanks and brackets; none when the process is gone."""
    try:
        told = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return told.rpartition(")")[2].split()


def _status(pid: int) -> dict[str, float]:
    """Memory of a process in MB, by the names that the system gives it; nothing when it is gone."""
    try:
        lines = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    named = (line.split(":", 1) for line in lines if line.endswith("kB"))
    return {name: int(value.split()[0]) * MB_PER_KIB for name, value in named}
