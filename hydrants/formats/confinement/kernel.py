"""Calls into the Linux kernel that Python has no function for."""

from __future__ import annotations

import ctypes
import os

_c_library = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, *words: int) -> None:
    """Change what this process may do.

    Raises:
        OSError: if the kernel refuses.
    """
    four = [*words, 0, 0, 0, 0][:4]
    _checked(_c_library.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, four)), f"prctl {option}")


def syscall(name: str, number: int, *words: int) -> int:
    """What a call by its number gives, which is not negative.

    Raises:
        OSError: if the kernel refuses, or has no such call.
    """
    return _checked(_c_library.syscall(ctypes.c_long(number), *map(ctypes.c_ulong, words)), name)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
