"""Pictures that come with an upload lie in PHOTOS under the hash of their bytes, as landed files do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import sqlalchemy as sa

from hydrants.formats import Photo
from hydrants.store.files import landed_path, put
from hydrants.store.tables import raw_photo


def store_photo(connection: sa.Connection, folder: Path, upload_id: int, photo: Photo) -> None:
    """Keep a picture, and say so in `raw_photo`; the file is there before its row is."""
    sha256 = None if photo.jpeg is None else _keep(folder, photo.jpeg)
    connection.execute(
        sa.insert(raw_photo).values(
            upload_id=upload_id,
            file_name=photo.file_name,
            sha256=sha256,
            refused_because=photo.refused_because,
        )
    )


def _keep(folder: Path, content: bytes) -> str:
    """Put it under its hash, whole and on disk, unless it is there."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = landed_path(folder, sha256)
    if target.exists():
        return sha256
    put(target, [content], sha256)
    return sha256
