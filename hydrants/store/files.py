"""Landed files: where a content lies, and what its hash is."""

import hashlib
from pathlib import Path

_CHUNK_BYTES = 1 << 20


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
