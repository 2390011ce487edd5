"""Landed files: where a content lies, and what its hash is."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
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


def put(target: Path, pieces: Iterable[bytes], sha256: str) -> bool:
    """Write a file so that it appears whole, on disk and read-only, or not at all.

    Args:
        target: where it is to lie; its folder is made.
        sha256: what the hash of the bytes must be.

    Returns:
        False where the bytes have another hash; nothing is written then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".landing-", delete=False) as aside:
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
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
