"""From an upload to a match: landing, reading, validation, geocoding, matching, and human decisions."""

import sqlalchemy as sa

from hydrants.store.tables.beside import gemeente
from hydrants.store.tables.schema import (
    BigId,
    Timestamp,
    col,
    key,
    of_row,
    one_of,
    partial_index,
    table,
)

# -- landing -----------------------------------------------------------------------------------

upload = table(
    "upload",
    "Each distinct file content ever received; its bytes lie in LANDING under the hash, for good",
    key("upload_id", "counts up"),
    col("sha256", sa.String(64), "hash of the bytes"),
    col("contractor", sa.Text, "firm that sent it"),
    col("nis", sa.String(5), "gemeente whose folder it came in", sa.ForeignKey(gemeente.c.nis)),
    col(
        "file_name",
        sa.Text,
        "name it goes by: with firm and gemeente the first, in order of the alphabet, that it lies under",
    ),
    col("size_bytes", BigId, "length"),
    col("landed_at", Timestamp, "when it was first seen, UTC"),
    col("rejected_because", sa.Text, "why the whole file cannot be used, in Dutch", null=True),
    col("held_because", sa.Text, "why its rows wait until a person has looked, in Dutch", null=True),
    sa.UniqueConstraint("sha256"),
    sa.Index(None, "contractor", "nis"),
)
delivery = table(
    "delivery",
    "Each place and name under which a content was delivered",
    col("contractor", sa.Text, "firm", pk=True),
    col("nis", sa.String(5), "gemeente folder", sa.ForeignKey(gemeente.c.nis), pk=True),
    col("file_name", sa.Text, "file name", pk=True),
    col("upload_id", BigId, "content", sa.ForeignKey(upload.c.upload_id), pk=True),
    col("seen_at", Timestamp, "when it was first seen there, UTC"),
    col("gone_at", Timestamp, "when it was found to lie there no more, UTC; empty while it does", null=True),
    col("event", sa.Text, "latest event of the journal that speaks of it", null=True),
)

# -- reading -----------------------------------------------------------------------------------

raw_sheet = table(
    "raw_sheet",
    "A sheet or layer of an upload",
    col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id), pk=True),
    col("sheet_number", sa.Integer, "1, 2, ...", pk=True),
    col("format", sa.Text, "format the file was read in, such as csv or xlsx"),
    col("sheet", sa.Text, "name; empty for formats without sheets"),
    col("columns", sa.JSON, "column names where the format declares them, else null", null=True),
    col("crs", sa.Text, "coordinate system the file declares, such as EPSG:4326", null=True),
    col("blank_rows", sa.Integer, "rows without any text, not stored"),
    col(
        "notice", sa.Text, "what the sender should know, such as a skipped hidden sheet, in Dutch", null=True
    ),
)
raw_row = table(
    "raw_row",
    "Every row of every upload, as text",
    *of_row("upload_id * 10 000 000 + ordinal in the file"),
    col("sheet_number", sa.Integer, "sheet"),
    col(
        "row_number", sa.Integer, "line, worksheet row, feature id or feature ordinal, as the sender sees it"
    ),
    col("cells", sa.JSON, "list of texts, null where a cell is empty"),
)
raw_photo = table(
    "raw_photo",
    "Every picture that came with an upload; it lies in PHOTOS under its hash, without metadata",
    col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id), pk=True),
    col("file_name", sa.Text, "name by which rows refer to it", pk=True),
    col("sha256", sa.String(64), "hash of the cleaned picture; empty when it is refused", null=True),
    col("refused_because", sa.Text, "why it is no usable picture, in Dutch", null=True),
)

# -- validation --------------------------------------------------------------------------------

ledger = table(
    "ledger",
    "What became of each row; every data row has exactly one disposition",
    *of_row("row"),
    col(
        "disposition",
        sa.Text,
        "accepted, quarantined, duplicate; heading for titles and headers, which are no data",
    ),
    col(
        "reasons",
        sa.JSON,
        "list of {code, column, value, message, suggestion}, texts in Dutch: why it is refused, or what to "
        "know of an accepted row",
    ),
    col(
        "content_hash",
        sa.LargeBinary(16),
        "hash of what the row says and of its batch; equal for identical rows",
        null=True,
    ),
    col("duplicate_of_row_id", BigId, "row it repeats", null=True),
    one_of("disposition", "accepted", "quarantined", "duplicate", "heading"),
    partial_index("duplicate_of_row_id"),
)
record = table(
    "record",
    "An inspection as its row states it, parsed by the contractor's profile; quarantined rows have none",
    *of_row("row"),
    col("contractor", sa.Text, "firm"),
    col("nis", sa.String(5), "gemeente stated in the row, else of the folder"),
    col("deelgemeente", sa.Text, "deelgemeente as written down; means something within nis only", null=True),
    col(
        "record_ref",
        sa.Text,
        "the sender's own number of this record, the same when it is corrected",
        null=True,
    ),
    col("revised_at", sa.DateTime, "when the sender last changed it, Belgian time", null=True),
    col(
        "superseded_by_row_id",
        BigId,
        "newer version of this record",
        null=True,
    ),
    col("is_withdrawn", sa.Boolean, "its sender takes the record back: it counts no more"),
    col("hydrant_ref", sa.Text, "hydrant number as written down", null=True),
    col("inspected_on", sa.Date, "day of the inspection"),
    col("outcome", sa.Text, "ok, failed, not_found, not_testable or repaired"),
    col("is_reinspection", sa.Boolean, "declared to be a second look at the same hydrant"),
    col("defects", sa.JSON, "list of defect codes"),
    col("hydrant_type", sa.Text, "aboveground, underground, rising_point or wall_mounted", null=True),
    col("diameter_mm", sa.Integer, "nominal diameter as seen", null=True),
    col("pressure_bar", sa.Double, "pressure as measured, bar", null=True),
    col("flow_l_per_min", sa.Double, "flow as measured, litres per minute", null=True),
    col("address_text", sa.Text, "where it stands, in the crew's words", null=True),
    col("postcode", sa.String(4), "postcode", null=True),
    col("x_given", sa.Double, "first coordinate as given (x or longitude)", null=True),
    col("y_given", sa.Double, "second coordinate as given (y or latitude)", null=True),
    col("crs_given", sa.Text, "coordinate system declared by file or profile", null=True),
    col("remark", sa.Text, "free text, NFC", null=True),
    col("photos", sa.JSON, "list of file names of its pictures, see raw_photo"),
    one_of("outcome", "ok", "failed", "not_found", "not_testable", "repaired"),
    partial_index("superseded_by_row_id"),
)

release = table(
    "release",
    "Files that were held and that a person let through",
    col("sha256", sa.String(64), "hash of the file, so that it holds in a rebuilt database too", pk=True),
    col("note", sa.Text, "the person's reason", null=True),
    col("released_at", Timestamp, "when, UTC"),
)
receipt = table(
    "receipt",
    "The answer to each upload: which rows were refused and why",
    col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id), pk=True),
    col("path", sa.Text, "where it lies below SITE, without its suffix (.xlsx, .json)"),
    col("written_at", Timestamp, "when it last changed, UTC"),
    col("mailed_at", Timestamp, "when it was last sent by mail, UTC; empty until then", null=True),
)

receipt_mail = table(
    "receipt_mail",
    "What was last sent by mail about each content, so that nothing is sent twice",
    col("sha256", sa.String(64), "hash of the file, so that it holds in a rebuilt database too", pk=True),
    col("contractor", sa.Text, "firm that the mail went to", pk=True),
    col("says", sa.String(64), "hash of what the receipt said"),
    col("mailed_at", Timestamp, "when the mail was composed, UTC"),
    col("event", sa.Text, "event of the journal that says so"),
)

# -- geocoding ---------------------------------------------------------------------------------

location = table(
    "location",
    "Where a record is, by its coordinates and by its address, each with its accuracy",
    *of_row("row"),
    col("x_l72", sa.Double, "best single point, Lambert 72 x in metres; empty when there is none", null=True),
    col("y_l72", sa.Double, "best single point, Lambert 72 y in metres", null=True),
    col(
        "location_method",
        sa.Text,
        "given_l72, given_l2008, given_wgs84; or how its address was found, see address_method; or none",
    ),
    col("location_accuracy_m", sa.Double, "standard deviation expected of that point, in metres", null=True),
    col(
        "corrections", sa.JSON, "list of what was put right, such as axes_swapped or degrees_minutes_seconds"
    ),
    col("is_outside_gemeente", sa.Boolean, "the point lies well outside the stated gemeente"),
    col(
        "is_outside_deelgemeente",
        sa.Boolean,
        "the point lies well outside the stated deelgemeente; empty where that cannot be said",
        null=True,
    ),
    col("street", sa.Text, "street that the address text names, as the address source spells it", null=True),
    col("address_x_l72", sa.Double, "where the address text points, Lambert 72 x in metres", null=True),
    col("address_y_l72", sa.Double, "where the address text points, Lambert 72 y in metres", null=True),
    col(
        "address_method",
        sa.Text,
        "address_number, address_interpolated or address_street; geolocation_* or adresmatch_* when a "
        "service on the internet found it",
        null=True,
    ),
    col(
        "address_accuracy_m",
        sa.Double,
        "standard deviation expected of a hydrant around it, in metres",
        null=True,
    ),
)

geocoder_answer = table(
    "geocoder_answer",
    "What an address service on the internet answered; a failure is no answer and is not kept",
    col("service", sa.Text, "geolocation or adresmatch", pk=True),
    col("source_version", sa.Text, "HYDRANTS_ONLINE_SOURCE_VERSION when it was asked", pk=True),
    col("question", sa.Text, "as it was sent, without the key: equal requests have one answer", pk=True),
    col("answer", sa.JSON, "the service's own words"),
    col("asked_at", Timestamp, "when, UTC"),
)
geocoder_failure = table(
    "geocoder_failure",
    "Questions that an address service did not answer when last asked; they are asked after all others",
    col("service", sa.Text, "geolocation or adresmatch", pk=True),
    col("source_version", sa.Text, "HYDRANTS_ONLINE_SOURCE_VERSION when it was asked", pk=True),
    col("question", sa.Text, "see geocoder_answer", pk=True),
    col("failed_at", Timestamp, "when, UTC"),
)
geocoder_use = table(
    "geocoder_use",
    "How much an address service was asked in a day, and whether it is to be left alone for now",
    col("service", sa.Text, "geolocation or adresmatch", pk=True),
    col("day", sa.Date, "day in Belgium", pk=True),
    col("questions", sa.Integer, "asked, answered or not, or about to be asked by a worker"),
    col("waited_s", sa.Double, "how long they took, in seconds"),
    col("failures_in_row", sa.Integer, "failures of the service since its last answer"),
    col("failed_at", Timestamp, "the last of them, UTC", null=True),
)

# -- matching and review -----------------------------------------------------------------------

finding = table(
    "finding",
    "What is wrong with the positions of an upload as a whole; its records are left to a person",
    col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id), pk=True),
    col("what", sa.Text, "SHIFTED (beside the register) or ELSEWHERE (outside the gemeente)"),
    col("records", sa.Integer, "records of the upload"),
    col("share", sa.Double, "of its records that show it, 0 to 1"),
    col("east_m", sa.Double, "how far east of the register they lie; 0 when ELSEWHERE"),
    col("north_m", sa.Double, "how far north of the register they lie; 0 when ELSEWHERE"),
    one_of("what", "SHIFTED", "ELSEWHERE"),
)

match = table(
    "match",
    "Which registered hydrant a record is about, or why none",
    *of_row("row"),
    col("verdict", sa.Text, "linked, review, new (probably not in the register) or unlocated"),
    col(
        "hydrant_id",
        sa.Text,
        "hydrant; filled only when linked",
        null=True,
    ),
    col("match_method", sa.Text, "id, repaired_id, position, address or decision", null=True),
    col("score", sa.Double, "posterior probability of the best candidate", null=True),
    col("distance_m", sa.Double, "from the record's point to that candidate", null=True),
    col("best_hydrant_id", sa.Text, "best candidate, linked or not", null=True),
    col("runner_up_hydrant_id", sa.Text, "second-best candidate", null=True),
    col("runner_up_score", sa.Double, "its posterior probability", null=True),
    col("is_other_contractor", sa.Boolean, "linked to a hydrant that another firm is contracted for"),
    one_of("verdict", "linked", "review", "new", "unlocated"),
    sa.Index(None, "hydrant_id"),
)
decision = table(
    "decision",
    "What a person decided about a row; outranks every score and survives re-runs and rebuilds",
    key("decision_id", "counts up; the last one not revoked holds"),
    col("sha256", sa.String(64), "hash of the file, so that it holds in a rebuilt database too"),
    col("sheet", sa.Text, "sheet of the row"),
    col("row_number", sa.Integer, "row"),
    col("verdict", sa.Text, "linked or new"),
    col("hydrant_id", sa.Text, "hydrant when linked", null=True),
    col("note", sa.Text, "the person's reason", null=True),
    col("decided_at", Timestamp, "when, UTC"),
    col("revoked_at", Timestamp, "when it was taken back, UTC", null=True),
    one_of("verdict", "linked", "new"),
    sa.Index(None, "sha256"),
)
