"""What lies in UPLOADS: the files of a firm's folder for a gemeente, as they are found there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from hydrants import reference
from hydrants.settings import Settings

_IN_TRANSIT_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart")
_IN_TRANSIT_PREFIXES = (".", "~$")


class _Seen(NamedTuple):
    """What a file looked like at a moment; an equal look later means that nobody is writing it."""

    size_bytes: int
    mtime_ns: int


class Name(NamedTuple):
    """Where a content lies."""

    contractor: str
    nis: str
    file_name: str


def unread(settings: Settings) -> list[str]:
    """What lies in UPLOADS and is not landed, below it: for somebody to act on.

    Unknown firms or gemeenten, files outside a gemeente's folder, folders and links within one,
    and files that may not be read.
    """
    known_contractors, known_nis = set(reference.contractors()), reference.gemeenten().keys()
    found = []
    for top in visible(settings.uploads):
        if top.name not in known_contractors or not top.is_dir():
            found.append(top)
            continue
        for folder in visible(top):
            if folder.name not in known_nis or not folder.is_dir():
                found.append(folder)
            else:
                found += [path for path in visible(folder) if not _is_readable(path)]
    return [path.relative_to(settings.uploads).as_posix() for path in found]


def _is_readable(path: Path) -> bool:
    return _look(path) is not None and os.access(path, os.R_OK)


def visible(folder: Path) -> list[Path]:
    """What lies in a folder and is not hidden, in order; nothing where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def files(folder: Path) -> list[Path]:
    """The files among what is visible, links left out."""
    return [path for path in visible(folder) if _look(path) is not None]


def stable_files(folder: Path, stable_s: float) -> list[Path]:
    """The files that have lain unchanged for `stable_s` seconds, in order of name.

    Waits once, until the youngest is that old. Links are not followed: a sender's
    link could point at any file of this machine.
    """
    seen = {path: _look(path) for path in visible(folder) if not _is_in_transit(path)}
    ages_s = [time.time() - look.mtime_ns / 1e9 for look in seen.values() if look is not None]
    if ages_s and min(ages_s) < stable_s:
        time.sleep(min(stable_s, stable_s - min(ages_s)))
        seen = {path: look for path, look in seen.items() if look == _look(path)}
    return [path for path, look in seen.items() if look is not None]


def _is_in_transit(path: Path) -> bool:
    return path.name.startswith(_IN_TRANSIT_PREFIXES) or path.name.lower().endswith(_IN_TRANSIT_SUFFIXES)


def _look(path: Path) -> _Seen | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        stat = path.stat()
    except FileNotFoundError:  # taken away since the folder was listed
        return None
    return _Seen(stat.st_size, stat.st_mtime_ns)


def text_name(path: Path) -> str:
    """The file name as text that every store accepts, whatever bytes the sender's system gave it."""
    return os.fsencode(path.name).decode("utf-8", errors="replace")


def has_file(settings: Settings, name: Name) -> bool:
    """Whether a file lies under a name, whatever it holds."""
    folder = settings.uploads / name.contractor / name.nis
    return any(text_name(path) == name.file_name for path in files(folder))
