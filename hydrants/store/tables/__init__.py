"""The schema: one group of tables per stage, the same on SQLite and PostgreSQL.

Keys that outlive a database are natural (sha256, NIS code, hydrant_id). The
`row_id` of a row is `upload_id * ROWS_PER_UPLOAD + ordinal`: it can be made
without asking the database, and read by a person (upload 12, row 345 is
12_0000345). Coordinates are Lambert 72 (EPSG:31370) in metres.
"""

from hydrants.store.tables.beside import (
    address,
    contract,
    gemeente,
    hydrant,
    hydrant_state,
    operator,
    register_rejection,
    register_version,
)
from hydrants.store.tables.flow import (
    decision,
    delivery,
    finding,
    geocoder_answer,
    geocoder_failure,
    geocoder_use,
    ledger,
    location,
    match,
    raw_photo,
    raw_row,
    raw_sheet,
    receipt,
    receipt_mail,
    record,
    release,
    upload,
)
from hydrants.store.tables.published import (
    current_snapshot,
    event,
    plan_stop,
    publication,
    run,
    snapshot,
    snapshot_hydrant,
    snapshot_progress,
    stage_state,
)
from hydrants.store.tables.schema import ROWS_PER_UPLOAD, is_of_upload, metadata, rows_of

__all__ = [
    "ROWS_PER_UPLOAD",
    "address",
    "contract",
    "current_snapshot",
    "decision",
    "delivery",
    "event",
    "finding",
    "gemeente",
    "geocoder_answer",
    "geocoder_failure",
    "geocoder_use",
    "hydrant",
    "hydrant_state",
    "is_of_upload",
    "ledger",
    "location",
    "match",
    "metadata",
    "operator",
    "plan_stop",
    "publication",
    "raw_photo",
    "raw_row",
    "raw_sheet",
    "receipt",
    "receipt_mail",
    "record",
    "register_rejection",
    "register_version",
    "release",
    "rows_of",
    "run",
    "snapshot",
    "snapshot_hydrant",
    "snapshot_progress",
    "stage_state",
    "upload",
]
