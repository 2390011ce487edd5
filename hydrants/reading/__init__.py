"""Reading: landed bytes become rows of text, each with its sheet and its row number.

Nothing is interpreted here: which column means what, and what a number or a date
is, the contractor's profile says later. A file that cannot be read is refused as
a whole, with a reason for its sender. `docs/reading.md` tells how files are kept
from doing harm.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from hydrants import store
from hydrants.errors import UploadRejected
from hydrants.formats import Limits
from hydrants.reading import isolation
from hydrants.reading.storing import forget, store_parts
from hydrants.reference import profile
from hydrants.settings import Settings
from hydrants.store.files import landed_path
from hydrants.store.tables import stage_state, upload

STAGE = "reading"
VERSION = 2

_log = logging.getLogger(__name__)


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Read every upload of the batch that was not read yet.

    An upload that was refused is read again when the limits change: it may have passed one.

    Returns:
        files_read, rows_read, files_rejected; all zero when there is nothing new.
    """
    reader = _Reader(settings, profile.load(contractor).layer)
    with store.read(engine) as connection:
        query = sa.select(upload.c.upload_id).where(upload.c.contractor == contractor, upload.c.nis == nis)
        uploads = connection.execute(query.order_by(upload.c.upload_id)).scalars().all()
        unread = [upload_id for upload_id in uploads if not reader.has_read(connection, upload_id)]
    counts = {"files_read": 0, "rows_read": 0, "files_rejected": 0}
    for upload_id in unread:
        with store.write(engine) as connection:
            for key, count in reader.read(connection, upload_id).items():
                counts[key] += count
    return counts


def limits_of(settings: Settings) -> Limits:
    """What the settings allow one file to ask of its reader; a MB is a million bytes."""
    return Limits(
        file_bytes=settings.read_file_mb * 1_000_000,
        unpacked_bytes=settings.read_unpacked_mb * 1_000_000,
        output_bytes=settings.read_output_mb * 1_000_000,
        rows=settings.read_rows,
        memory_bytes=settings.read_memory_mb * 1_000_000,
        cpu_s=settings.read_cpu_s,
        wall_s=settings.read_wall_s,
    )


def _let_later_stages_look(connection: sa.Connection, upload_id: int) -> None:
    """Forget what later stages computed of an upload: its rows are about to change.

    Inputs that change and change back would otherwise look like inputs that never changed.
    """
    batch = sa.select(sa.literal("batch:") + upload.c.contractor + "/" + upload.c.nis)
    scopes = [sa.literal(f"parse:{upload_id}"), sa.literal(f"upload:{upload_id}")]
    batch_of_it = batch.where(upload.c.upload_id == upload_id).scalar_subquery()
    connection.execute(sa.delete(stage_state).where(stage_state.c.scope.in_([*scopes, batch_of_it])))


class _Reader:
    """Reads uploads of one firm."""

    def __init__(self, settings: Settings, layer: str | None) -> None:
        self._settings = settings
        self._layer = layer
        self._limits = limits_of(settings)
        self._inputs = store.fingerprint(VERSION, layer)
        self._inputs_when_refused = store.fingerprint(VERSION, layer, asdict(self._limits))

    def has_read(self, connection: sa.Connection, upload_id: int) -> bool:
        """Whether the upload was read, or refused, from the same inputs."""
        return any(
            store.is_done(connection, STAGE, f"upload:{upload_id}", inputs)
            for inputs in (self._inputs, self._inputs_when_refused)
        )

    def read(self, connection: sa.Connection, upload_id: int) -> dict[str, int]:
        """Read one upload, or refuse it; counts of `run`."""
        is_this = upload.c.upload_id == upload_id
        # the lock lets a second run of the same night wait for the first
        sha256 = connection.execute(sa.select(upload.c.sha256).where(is_this).with_for_update()).scalar_one()
        if self.has_read(connection, upload_id):
            return {}
        _let_later_stages_look(connection, upload_id)
        path = landed_path(self._settings.landing, sha256)
        reason_nl, rows, inputs = None, 0, self._inputs
        try:
            rows = self._store(connection, upload_id, path)
        except UploadRejected as rejection:
            reason_nl, inputs = rejection.reason_nl, self._inputs_when_refused
            forget(connection, upload_id)
        connection.execute(sa.update(upload).where(is_this).values(rejected_because=reason_nl))
        counts = {
            "files_read": int(reason_nl is None),
            "rows_read": rows,
            "files_rejected": int(reason_nl is not None),
        }
        store.mark_done(connection, STAGE, f"upload:{upload_id}", inputs, counts)
        return counts

    def _store(self, connection: sa.Connection, upload_id: int, path: Path) -> int:
        """Store the upload's rows, or none of them.

        A process that others ended is started once more: a machine may run out of memory by
        itself. If it happens again the file has done it, and must not stop every night to come.
        """
        try:
            return self._store_once(connection, upload_id, path)
        except isolation.ReaderKilled as error:
            _log.warning("%s; once more", error)
        try:
            return self._store_once(connection, upload_id, path)
        except isolation.ReaderKilled as error:
            _log.error("%s, for the second time: upload %s is refused", error, upload_id)
            raise UploadRejected(isolation.STUCK) from error

    def _store_once(self, connection: sa.Connection, upload_id: int, path: Path) -> int:
        with (
            contextlib.closing(isolation.read(path, self._layer, self._limits)) as parts,
            connection.begin_nested(),
        ):
            return store_parts(connection, self._settings.photos, upload_id, parts)
