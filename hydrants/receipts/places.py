"""Where receipts lie: below SITE, apart from what everybody may read, one folder per firm and gemeente.

Folders are 0750 and files 0640 whatever the umask: the web server gets in by its group, nobody else.
"""

from __future__ import annotations

import fcntl
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

PRIVATE = "private"
SUFFIXES = (".xlsx", ".json")

_FOLDER_MODE, _FILE_MODE = 0o750, 0o640
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_CHARACTERS = 80
_HASH_DIGITS = 8


def receipt_path(contractor: str, nis: str, file_name: str, sha256: str, digits: int = _HASH_DIGITS) -> str:
    """Where the receipt of an upload lies below SITE, without suffix: a name that any system can hold."""
    ascii_name = unicodedata.normalize("NFKD", file_name).encode("ascii", errors="ignore").decode()
    safe = _UNSAFE.sub("_", ascii_name)[:_MAX_NAME_CHARACTERS].strip("._-") or "bestand"
    return str(PurePosixPath(PRIVATE, contractor, nis, f"{safe}-{sha256[:digits]}"))


def receipt_file(site: Path, path: str, suffix: str) -> Path:
    """A file of a receipt."""
    return site / f"{path}{suffix}"


def contractor_of(path: str) -> str:
    """The firm in whose folder a receipt lies."""
    return PurePosixPath(path).parts[1]


def folder_of(site: Path, contractor: str) -> Path:
    """The private folder of a firm."""
    return site / PRIVATE / contractor


@contextmanager
def alone(site: Path, contractor: str, what: str) -> Iterator[None]:
    """Let one process at a time write a firm's `what`; another waits. Ends with the process that holds it."""
    folder = folder_of(site, contractor)
    make_folder(site, folder)
    with (folder / f".{what}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_folder(site: Path, folder: Path) -> None:
    """Make a private folder and those above it up to SITE; what an operator changed of one stays."""
    site.mkdir(parents=True, exist_ok=True)
    path = site
    for part in folder.relative_to(site).parts:
        path /= part
        if not path.is_dir():
            path.mkdir(exist_ok=True)
            path.chmod(_FOLDER_MODE)


def aside(target: Path) -> Path:
    """Where a file is written before it takes its place."""
    return target.with_name(f".{target.name}.part")


def put_in_place(target: Path) -> None:
    """Let what was written aside be what readers see, at once."""
    written = aside(target)
    written.chmod(_FILE_MODE)
    written.replace(target)


def remove(site: Path, path: str) -> None:
    """Remove a receipt from a place where it is no more."""
    for suffix in SUFFIXES:
        receipt_file(site, path, suffix).unlink(missing_ok=True)
