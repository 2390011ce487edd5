"""Reading: landed bytes become rows of text, each with its sheet and its row number.

Nothing is interpreted here: which column means what, and what a number or a date
is, the contractor's profile says later. A file that cannot be read is refused as
a whole, with a reason for its sender.
"""

from __future__ import annotations

import sqlalchemy as sa

from hydrants import formats, store
from hydrants.errors import UploadRejected
from hydrants.reading.storing import forget_rows_after, store_sheets
from hydrants.reference import profile
from hydrants.settings import Settings
from hydrants.store.files import landed_path
from hydrants.store.tables import raw_sheet, upload

STAGE = "reading"
VERSION = 1


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Read every upload of the batch that was not read yet.

    Returns:
        files_read, rows_read, files_rejected; all zero when there is nothing new.
    """
    layer = profile.load(contractor).layer
    inputs = store.fingerprint(VERSION, layer)
    with store.read(engine) as connection:
        query = sa.select(upload.c.upload_id).where(upload.c.contractor == contractor, upload.c.nis == nis)
        unread = [
            upload_id
            for upload_id in connection.execute(query.order_by(upload.c.upload_id)).scalars().all()
            if not store.is_done(connection, STAGE, f"upload:{upload_id}", inputs)
        ]
    counts = {"files_read": 0, "rows_read": 0, "files_rejected": 0}
    for upload_id in unread:
        with store.write(engine) as connection:
            for key, count in _read_upload(connection, settings, upload_id, layer, inputs).items():
                counts[key] += count
    return counts


def _read_upload(
    connection: sa.Connection, settings: Settings, upload_id: int, layer: str | None, inputs: str
) -> dict[str, int]:
    scope, row = f"upload:{upload_id}", upload.c.upload_id == upload_id
    # the lock lets a second run of the same night wait for the first
    sha256 = connection.execute(sa.select(upload.c.sha256).where(row).with_for_update()).scalar_one()
    if store.is_done(connection, STAGE, scope, inputs):
        return {}
    reason_nl, rows = None, 0
    try:
        with connection.begin_nested():
            path = landed_path(settings.landing, sha256)
            file_format = formats.detect(path)
            found = formats.read(path, file_format, layer)
            rows = store_sheets(connection, upload_id, file_format, found)
    except UploadRejected as rejection:
        reason_nl = rejection.reason_nl
        connection.execute(sa.delete(raw_sheet).where(raw_sheet.c.upload_id == upload_id))
        forget_rows_after(connection, upload_id, last_ordinal=0)
    connection.execute(sa.update(upload).where(row).values(rejected_because=reason_nl))
    counts = {
        "files_read": int(reason_nl is None),
        "rows_read": rows,
        "files_rejected": int(reason_nl is not None),
    }
    store.mark_done(connection, STAGE, scope, inputs, counts)
    return counts
