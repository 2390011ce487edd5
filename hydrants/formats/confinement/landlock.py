"""Landlock: of all files, the process reads one upload and the code that it needs for that.

The store's password stands in the environment of its parent and perhaps in a file, and what is
read ends up in an answer to the sender: a reader that was taken over must not look around.
See https://docs.kernel.org/userspace-api/landlock.html; for every user, since Linux 5.13.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import hydrants
from hydrants.formats.confinement.kernel import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS_SINCE = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files there are, one bit each, from a version of Landlock on."""

_TCP_SINCE, _BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache")


def hide_files(path: Path) -> None:
    """Take every right over files from this thread, but to read `path`, Python and the system's libraries.

    Raises:
        OSError: if the kernel has no Landlock.
    """
    version = syscall("Landlock", _CREATE_RULESET, 0, 0, _ASK_VERSION)
    rights = max(count for since, count in _RIGHTS_SINCE.items() if since <= version)
    words = [(1 << rights) - 1]
    if version >= _TCP_SINCE:
        words.append(_BIND_AND_CONNECT)
    if version >= _SCOPES_SINCE:
        words.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    taken = ctypes.create_string_buffer(struct.pack(f"={len(words)}Q", *words), 8 * len(words))
    ruleset = syscall("Landlock", _CREATE_RULESET, ctypes.addressof(taken), len(taken), 0)
    try:
        for readable in (path, *_code()):
            _allow(ruleset, readable)
        syscall("Landlock", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor))
        syscall("Landlock", _ADD_RULE, ruleset, _PATH_BENEATH, ctypes.addressof(rule), 0)
    finally:
        os.close(descriptor)


def _code() -> Iterator[Path]:
    """Where modules and the libraries they load lie; never the folder of a checkout, which holds more."""
    packages = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    declared = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    folders = [f"{sys.base_prefix}/lib", *packages, *filter(None, declared), *_LIBRARIES]
    yield Path(hydrants.__file__).parent
    yield Path(os.__file__).parent
    yield from (path for path in map(Path, folders) if path.exists())
