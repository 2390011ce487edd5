"""Files that an event speaks of and that are no uploads: registers, addresses, boundaries.

They lie in LANDING/journal/files under their hash, and are laid out under their names to be read again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydrants.journal.events import JournalDamaged
from hydrants.store.files import landed_path, put, sha256_of

_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def kept_path(landing: Path, sha256: str) -> Path:
    """Where the bytes with this hash lie, whether or not they are there."""
    return landed_path(landing / "journal" / "files", sha256)


def keep(landing: Path, path: Path) -> str:
    """Keep a file's bytes under their hash, unless they are there; returns the hash.

    Raises:
        OSError: when the file cannot be read, or keeps changing.
    """
    for _ in range(3):
        sha256 = sha256_of(path)
        target = kept_path(landing, sha256)
        if target.exists():
            return sha256
        with path.open("rb") as source:
            if put(target, iter(lambda: source.read(1 << 20), b""), sha256):
                return sha256
    raise OSError(f"{path} changes while it is read")


def keep_dataset(landing: Path, path: Path) -> dict[str, str]:
    """Keep a geographic file with the parts that belong to it: a shapefile is several files.

    Returns:
        Hash by file name, `path` itself first.
    """
    parts = [path]
    if path.suffix.lower() == ".shp":
        beside = sorted(other for other in path.parent.glob(f"{path.stem}.*") if other != path)
        parts += [other for other in beside if other.suffix.lower() in _SHAPEFILE_PARTS]
    return {part.name: keep(landing, part) for part in parts}


@contextmanager
def laid_out(landing: Path, files: dict[str, str]) -> Iterator[Path]:
    """A temporary folder with copies of kept files under the names they came by.

    Args:
        files: hash by file name.

    Raises:
        JournalDamaged: when the bytes of one are not in LANDING.
    """
    with tempfile.TemporaryDirectory(prefix="hydrants-") as folder:
        for name, sha256 in files.items():
            source = kept_path(landing, sha256)
            if not source.is_file():
                raise JournalDamaged(
                    f"LANDING lacks {name}: copy the file whose SHA-256 is {sha256} to {source}"
                )
            shutil.copyfile(source, Path(folder) / Path(name).name)
        yield Path(folder)
