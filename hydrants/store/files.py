"""Landed files: where a content lies, and what its hash is."""

import contextlib
import functools
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_ASIDE = ".landing-"
_ABANDONED_AFTER_S = 86_400


def landed_path(landing_dir: Path, sha256: str) -> Path:
    """Where the content with this hash lies, whether or not it is there yet."""
    return landing_dir / sha256[:2] / sha256


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes in hex, read in pieces so that its size does not matter."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def put(target: Path, pieces: Iterable[bytes], sha256: str) -> bool:
    """Write a file so that it appears whole, on disk and read-only, or not at all.

    Args:
        target: where it is to lie; its folder is made.
        sha256: what the hash of the bytes must be.

    Returns:
        False where the bytes have another hash; nothing is written then.
    """
    made = _make_folder(target.parent)
    _forget_abandoned(target.parent)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=_ASIDE, delete=False) as aside:
        temporary = Path(aside.name)
        try:
            for piece in pieces:
                aside.write(piece)
            aside.flush()
            os.fsync(aside.fileno())
            if sha256_of(temporary) != sha256:
                return False
            temporary.chmod(0o444)
            temporary.rename(target)  # atomic; another process can only have put the same bytes there
        finally:
            temporary.unlink(missing_ok=True)
    for folder in (target.parent, *made):
        _sync_folder(folder)
    return True


@functools.cache  # once for each process and folder: a month of the journal holds many files
def _forget_abandoned(folder: Path) -> None:
    """Remove what killed processes left half written in a folder; nobody writes at one file for a day."""
    for path in folder.glob(f"{_ASIDE}*"):
        with contextlib.suppress(FileNotFoundError):  # another process does the same
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S:
                path.unlink()


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the folders that have a new entry by that."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    return [path.parent for path in missing]


def _sync_folder(folder: Path) -> None:
    """Have on disk which files a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
