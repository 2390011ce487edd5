"""A filter on system calls: no network, no other programs or processes, no change to any file.

See https://docs.kernel.org/userspace-api/seccomp_filter.html. What is refused fails with
EPERM, so that a library that only tries can do without.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator

from hydrants.formats.confinement import syscalls
from hydrants.formats.confinement.kernel import prctl

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_PR_SET_PDEATHSIG = 1
_CLONE_THREAD = 0x1_0000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_OWNING = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX

_ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_FIRST_X32 = 0x4000_0000  # calls of another ABI, under the same architecture

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF_0000, 0x8000_0000
_DENY = 0x0005_0000 | errno.EPERM
_ABSENT = 0x0005_0000 | errno.ENOSYS  # the C library then takes an older call

_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_STEP = struct.Struct("=HBBI")


def filter_calls() -> None:
    """Refuse this process, for good, the calls that no reader needs; it has one thread, and no privileges.

    Raises:
        OSError: if the kernel or the processor has no such filter.
    """
    machine = os.uname().machine
    if machine not in _ARCHITECTURES or sys.maxsize < 2**32:
        raise OSError(errno.ENOSYS, f"no filter on the system calls of {machine}")
    code = b"".join(_program(machine, os.getpid()))
    held = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code) // _STEP.size, ctypes.addressof(held)))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program))


def _program(machine: str, own_pid: int) -> Iterator[bytes]:
    yield _STEP.pack(_LOAD, 0, 0, _ARCHITECTURE_AT)
    yield from _unless(_EQUAL, _ARCHITECTURES[machine], _KILL)
    yield _STEP.pack(_LOAD, 0, 0, _NUMBER_AT)
    yield from _when(_AT_LEAST, _FIRST_X32, _KILL)
    yield from _when(_AT_LEAST, syscalls.LAST_KNOWN + 1, _ABSENT)
    for number in syscalls.denied(machine):
        yield from _when(_EQUAL, number, _DENY)
    numbers = syscalls.special(machine)
    for name in ("openat2", "clone3"):
        yield from _when(_EQUAL, numbers[name], _ABSENT)
    conditions = {
        "open": (1, _when(_ANY_BIT, _WRITING, _DENY)),
        "openat": (2, _when(_ANY_BIT, _WRITING, _DENY)),
        "clone": (0, _unless(_ANY_BIT, _CLONE_THREAD, _DENY)),
        "prctl": (0, _when(_EQUAL, _PR_SET_PDEATHSIG, _DENY)),
        "prlimit64": (0, _unless(_EQUAL, 0, _DENY)),  # 0 is this process; its parent's are not its own
        # whom a file's signals go to, and which: any signal to any process of the same user
        "fcntl": (1, [step for command in _OWNING for step in _when(_EQUAL, command, _DENY)]),
        "tgkill": (0, _unless(_EQUAL, own_pid, _DENY)),  # abort() sends itself a signal by it
    }
    for name, (argument, condition) in conditions.items():
        if name in numbers:
            steps = [
                _STEP.pack(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument),
                *condition,
                _STEP.pack(_RETURN, 0, 0, _ALLOW),
            ]
            yield _STEP.pack(_EQUAL, 0, len(steps), numbers[name])
            yield from steps
    yield _STEP.pack(_RETURN, 0, 0, _ALLOW)


def _when(test: int, operand: int, verdict: int) -> list[bytes]:
    return [_STEP.pack(test, 0, 1, operand), _STEP.pack(_RETURN, 0, 0, verdict)]


def _unless(test: int, operand: int, verdict: int) -> list[bytes]:
    return [_STEP.pack(test, 1, 0, operand), _STEP.pack(_RETURN, 0, 0, verdict)]
