"""The hashes of a backup's files, in the format of `sha256sum`."""

from __future__ import annotations

import os
from pathlib import Path

from hydrants.backup.errors import BackupUnusable
from hydrants.store.files import sha256_of

FILE = "SHA256SUMS"


def read(folder: Path) -> dict[str, str]:
    """Hash by name below the folder; empty where there is no backup yet.

    Raises:
        BackupUnusable: when the file is garbled.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        sha256, separator, name = line.partition("  ")
        if len(sha256) != 64 or not separator:
            raise BackupUnusable(f"{path}, line {number} is no line of sha256sum: {line!r}")
        found[name] = sha256
    return found


def write(folder: Path, hashes: dict[str, str]) -> None:
    """Replace the file at once: a backup that is cut short has the one from before."""
    aside = folder / f".{FILE}.tmp"
    with aside.open("w", encoding="utf-8") as file:
        file.writelines(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / FILE)


def check(folder: Path, hashes: dict[str, str], name: str) -> None:
    """Hold a file against its hash.

    Raises:
        BackupUnusable: when it is absent, or not what was written.
    """
    path = folder / name
    if name not in hashes:
        raise BackupUnusable(f"{folder / FILE} does not know {name}: the backup was cut short")
    if not path.is_file():
        raise BackupUnusable(f"the backup lacks {path}")
    if sha256_of(path) != hashes[name]:
        raise BackupUnusable(f"{path} is damaged: its hash is not the one that was written")
