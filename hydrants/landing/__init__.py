"""Landing: every distinct content that was ever uploaded is kept for good, under its hash.

The file is in its place before the store speaks of it, so no row of the ledger
is ever without its bytes; who delivered it, and under which name, is an event of the
journal beside them. A content has one identity, the smallest (contractor,
nis, file name) it lies under: whichever copy came first changes nothing, and a file
that is moved out of a wrong folder is as if it had never been there. A content that
lies nowhere any more, since its sender tidied up, keeps the identity it had.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from hydrants import journal, reference, store
from hydrants.landing.folders import Name, stable_files, text_name, unread
from hydrants.landing.receiving import KINDS, is_known, note_gone, receive
from hydrants.settings import Settings
from hydrants.store.files import landed_path, put, sha256_of
from hydrants.store.tables import delivery, upload

__all__ = ["KINDS", "batches", "run", "unread"]


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Land what lies in `UPLOADS/<contractor>/<nis>`, and note what lies there no more.

    Files in transit, by their name or because they still change, are left for the next night.

    Returns:
        files_seen: contents seen under a name for the first time; of these
        landed: contents never received before, and
        duplicates: contents received before, under whatever name.
    """
    counts = {"files_seen": 0, "landed": 0, "duplicates": 0}
    journal.catch_up(engine, settings.landing, KINDS)
    held: dict[Path, str] = {}
    for path in stable_files(settings.uploads / contractor / nis, settings.upload_stable_s):
        sha256 = _keep(path, settings.landing)
        if sha256 is None:
            continue
        held[path] = sha256
        name = Name(contractor, nis, text_name(path))
        with store.read(engine) as connection:
            if is_known(connection, sha256, name):
                continue
        size_bytes = landed_path(settings.landing, sha256).stat().st_size
        is_new, is_new_name = receive(engine, settings, sha256, name, size_bytes)
        counts["files_seen"] += is_new_name
        counts["landed"] += is_new
        counts["duplicates"] += is_new_name and not is_new
    note_gone(engine, settings, contractor, nis, held)
    return counts


def batches(engine: sa.Engine, settings: Settings) -> list[tuple[str, str]]:
    """Every (contractor, nis) that has a folder, or has sent what is kept, in order.

    Only known contractors and gemeenten; see `unknown_folders` for the others.
    """
    pairs = sa.union(
        sa.select(upload.c.contractor, upload.c.nis),
        # a folder that went away as a whole: its landing has yet to note it
        sa.select(delivery.c.contractor, delivery.c.nis).where(delivery.c.gone_at.is_(None)),
    )
    with store.read(engine) as connection:
        found = {(contractor, nis) for contractor, nis in connection.execute(pairs).tuples()}
    found |= {(path.parent.name, path.name) for path in settings.uploads.glob("*/*") if path.is_dir()}
    known_contractors, known_nis = set(reference.contractors()), reference.gemeenten().keys()
    return sorted(pair for pair in found if pair[0] in known_contractors and pair[1] in known_nis)


def _keep(path: Path, landing_dir: Path) -> str | None:
    """Put a copy under its hash unless it is there; None when it changed, went, or may not be read."""
    try:
        sha256 = sha256_of(path)
        target = landed_path(landing_dir, sha256)
        if target.exists():
            return sha256
        return sha256 if _copy(path, target, sha256) else None
    except (FileNotFoundError, PermissionError):  # the latter is told of: see `unread`
        return None


def _copy(path: Path, target: Path, sha256: str) -> bool:
    """Copy so that `target` appears whole and on disk, or not at all."""
    with path.open("rb") as source:
        return put(target, iter(lambda: source.read(1 << 20), b""), sha256)
