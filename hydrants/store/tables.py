"""The schema: one group of tables per stage, the same on SQLite and PostgreSQL.

Keys that outlive a database are natural (sha256, NIS code, hydrant_id). The
`row_id` of a row is `upload_id * ROWS_PER_UPLOAD + ordinal`: it can be made
without asking the database, and read by a person (upload 12, row 345 is
12_0000345). Coordinates are Lambert 72 (EPSG:31370) in metres.
"""

from typing import Any

import sqlalchemy as sa

ROWS_PER_UPLOAD = 10_000_000

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Timestamp = sa.DateTime(timezone=True)
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys only


def _table(name: str, comment: str, *items: Any) -> sa.Table:
    return sa.Table(name, metadata, *items, comment=comment)


def _key(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(name, BigId, primary_key=True, autoincrement=True, comment=comment)


def _col(
    name: str, kind: Any, comment: str, *args: Any, null: bool = False, pk: bool = False
) -> sa.Column[Any]:
    return sa.Column(name, kind, *args, nullable=null and not pk, primary_key=pk, comment=comment)


def _one_of(column: str, *values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


# -- reference ---------------------------------------------------------------------------------

gemeente = _table(
    "gemeente",
    "The eighteen gemeenten; the NIS code is the key, the name a label",
    _col("nis", sa.String(5), "NIS code of Statbel", pk=True),
    _col("name_nl", sa.Text, "Dutch name"),
)
operator = _table(
    "operator",
    "Water companies that own hydrants",
    _col("operator", sa.Text, "short name, key", pk=True),
    _col("name", sa.Text, "name on the page"),
    _col("position", sa.Integer, "order on the page"),
)
contract = _table(
    "contract",
    "Who inspects the hydrants of an operator in a gemeente, and from when until when",
    _col("operator", sa.Text, "water company", sa.ForeignKey(operator.c.operator), pk=True),
    _col("nis", sa.String(5), "gemeente", sa.ForeignKey(gemeente.c.nis), pk=True),
    _col("valid_from", sa.Date, "first day", pk=True),
    _col("valid_to", sa.Date, "last day; empty while it runs", null=True),
    _col("contractor", sa.Text, "firm that inspects"),
)
address = _table(
    "address",
    "Addresses of the loaded address file",
    _col("address_id", BigId, "ordinal in the address file", pk=True),
    _col("nis", sa.String(5), "gemeente", sa.ForeignKey(gemeente.c.nis)),
    _col("postcode", sa.String(4), "postcode", null=True),
    _col("street", sa.Text, "street name as the file writes it"),
    _col("street_key", sa.Text, "street name folded for comparison"),
    _col("house_number", sa.Text, "house number with its letter", null=True),
    _col("x_l72", sa.Double, "Lambert 72 x in metres; empty when the file has none", null=True),
    _col("y_l72", sa.Double, "Lambert 72 y in metres", null=True),
    sa.Index(None, "nis", "street_key"),
)

# -- register ----------------------------------------------------------------------------------

register_version = _table(
    "register_version",
    "Each load of an operator's register export",
    _key(
        "register_version_id",
        "counts up over all operators: a single number names one state of all registers",
    ),
    _col("operator", sa.Text, "water company", sa.ForeignKey(operator.c.operator)),
    _col("sha256", sa.String(64), "hash of the export's bytes"),
    _col("file_name", sa.Text, "name of the export"),
    _col("exported_on", sa.Date, "day the operator made the export"),
    _col("scope", sa.JSON, "NIS codes the export declares to cover completely; absences count only there"),
    _col("loaded_at", Timestamp, "when it was loaded, UTC"),
    _col("counts", sa.JSON, "rows, added, unchanged, moved, changed, removed, rejected"),
    sa.UniqueConstraint("operator", "sha256"),
)
hydrant = _table(
    "hydrant",
    "A registered hydrant's identity, which never changes",
    _col("hydrant_id", sa.Text, "our id, stable over exports", pk=True),
    _col("operator", sa.Text, "water company", sa.ForeignKey(operator.c.operator)),
    _col("supplier_id", sa.Text, "the operator's own number; empty where the operator gives none", null=True),
    sa.Index(None, "operator", "supplier_id"),
)
hydrant_state = _table(
    "hydrant_state",
    "What a register says of a hydrant, from one version until another",
    _key("hydrant_state_id", "surrogate"),
    _col("hydrant_id", sa.Text, "hydrant", sa.ForeignKey(hydrant.c.hydrant_id)),
    _col(
        "from_version_id",
        BigId,
        "first register version that says so",
        sa.ForeignKey(register_version.c.register_version_id),
    ),
    _col(
        "to_version_id",
        BigId,
        "first register version that no longer says so; empty while it holds",
        sa.ForeignKey(register_version.c.register_version_id),
        null=True,
    ),
    _col("row_number", sa.Integer, "row in the export of from_version_id"),
    _col("nis", sa.String(5), "gemeente by the boundaries", sa.ForeignKey(gemeente.c.nis)),
    _col("x_l72", sa.Double, "Lambert 72 x in metres"),
    _col("y_l72", sa.Double, "Lambert 72 y in metres"),
    _col("hydrant_type", sa.Text, "aboveground, underground, rising_point or wall_mounted", null=True),
    _col("diameter_mm", sa.Integer, "nominal diameter of the hydrant", null=True),
    _col("main_diameter_mm", sa.Integer, "diameter of the main", null=True),
    _col("street_names", sa.Text, "street names as the export gives them: none, one or several", null=True),
    _col("created_on", sa.Date, "creation date in the export", null=True),
    _col("to_check", sa.Text, "what the refresh rule asks to check: coordinates or attributes", null=True),
    sa.Index(None, "hydrant_id"),
    sa.Index(None, "nis"),
    sa.Index(None, "x_l72"),
)
register_rejection = _table(
    "register_rejection",
    "Rows of a register export that could not be used",
    _col(
        "register_version_id",
        BigId,
        "load",
        sa.ForeignKey(register_version.c.register_version_id),
        pk=True,
    ),
    _col("row_number", sa.Integer, "row in the export", pk=True),
    _col("reason", sa.Text, "why, in Dutch"),
)

# -- landing -----------------------------------------------------------------------------------

upload = _table(
    "upload",
    "Each distinct file content ever received; its bytes lie in LANDING under the hash, for good",
    _key("upload_id", "counts up"),
    _col("sha256", sa.String(64), "hash of the bytes"),
    _col("contractor", sa.Text, "firm that sent it"),
    _col("nis", sa.String(5), "gemeente whose folder it came in", sa.ForeignKey(gemeente.c.nis)),
    _col(
        "file_name",
        sa.Text,
        "name it goes by: the first, in order of the alphabet, that it was delivered under",
    ),
    _col("size_bytes", BigId, "length"),
    _col("landed_at", Timestamp, "when it was first seen, UTC"),
    _col("rejected_because", sa.Text, "why the whole file cannot be used, in Dutch", null=True),
    sa.UniqueConstraint("sha256"),
    sa.Index(None, "contractor", "nis"),
)
delivery = _table(
    "delivery",
    "Each place and name under which a content was delivered",
    _col("contractor", sa.Text, "firm", pk=True),
    _col("nis", sa.String(5), "gemeente folder", sa.ForeignKey(gemeente.c.nis), pk=True),
    _col("file_name", sa.Text, "file name", pk=True),
    _col("upload_id", BigId, "content", sa.ForeignKey(upload.c.upload_id), pk=True),
    _col("seen_at", Timestamp, "when it was first seen there, UTC"),
)

# -- reading -----------------------------------------------------------------------------------

raw_sheet = _table(
    "raw_sheet",
    "A sheet or layer of an upload",
    _col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id), pk=True),
    _col("sheet_number", sa.Integer, "1, 2, ...", pk=True),
    _col("sheet", sa.Text, "name; empty for formats without sheets"),
    _col("columns", sa.JSON, "column names where the format declares them, else null", null=True),
    _col("crs", sa.Text, "coordinate system the file declares, such as EPSG:4326", null=True),
    _col("blank_rows", sa.Integer, "rows without any text, not stored"),
    _col(
        "notice", sa.Text, "what the sender should know, such as a skipped hidden sheet, in Dutch", null=True
    ),
)
raw_row = _table(
    "raw_row",
    "Every row of every upload, as text",
    _col("row_id", BigId, "upload_id * 10 000 000 + ordinal in the file", pk=True),
    _col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id)),
    _col("sheet_number", sa.Integer, "sheet"),
    _col(
        "row_number", sa.Integer, "line, worksheet row, feature id or feature ordinal, as the sender sees it"
    ),
    _col("cells", sa.JSON, "list of texts, null where a cell is empty"),
    sa.Index(None, "upload_id"),
)

# -- validation --------------------------------------------------------------------------------

ledger = _table(
    "ledger",
    "What became of each row; every data row has exactly one disposition",
    _col("row_id", BigId, "row", sa.ForeignKey(raw_row.c.row_id), pk=True),
    _col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id)),
    _col(
        "disposition",
        sa.Text,
        "accepted, quarantined, duplicate; heading for titles and headers, which are no data",
    ),
    _col("reasons", sa.JSON, "list of {code, column, value, message}; messages in Dutch"),
    _col("content_hash", sa.String(32), "hash of what the row says; equal for identical rows", null=True),
    _col("duplicate_of_row_id", BigId, "row it repeats", sa.ForeignKey(raw_row.c.row_id), null=True),
    _one_of("disposition", "accepted", "quarantined", "duplicate", "heading"),
    sa.Index(None, "upload_id"),
    sa.Index(None, "content_hash"),
)
record = _table(
    "record",
    "An inspection as its row states it, parsed by the contractor's profile; quarantined rows have none",
    _col("row_id", BigId, "row", sa.ForeignKey(raw_row.c.row_id), pk=True),
    _col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id)),
    _col("contractor", sa.Text, "firm"),
    _col(
        "nis", sa.String(5), "gemeente stated in the row, else of the folder", sa.ForeignKey(gemeente.c.nis)
    ),
    _col(
        "record_ref",
        sa.Text,
        "the sender's own number of this record, the same when it is corrected",
        null=True,
    ),
    _col("revised_at", sa.DateTime, "when the sender last changed it, Belgian time", null=True),
    _col(
        "superseded_by_row_id",
        BigId,
        "newer version of this record",
        sa.ForeignKey(raw_row.c.row_id),
        null=True,
    ),
    _col("hydrant_ref", sa.Text, "hydrant number as written down", null=True),
    _col("inspected_on", sa.Date, "day of the inspection"),
    _col("outcome", sa.Text, "ok, failed, not_found, not_testable or repaired"),
    _col("is_reinspection", sa.Boolean, "declared to be a second look at the same hydrant"),
    _col("defects", sa.JSON, "list of defect codes"),
    _col("hydrant_type", sa.Text, "aboveground, underground, rising_point or wall_mounted", null=True),
    _col("diameter_mm", sa.Integer, "nominal diameter as seen", null=True),
    _col("address_text", sa.Text, "where it stands, in the crew's words", null=True),
    _col("postcode", sa.String(4), "postcode", null=True),
    _col("x_given", sa.Double, "first coordinate as given (x or longitude)", null=True),
    _col("y_given", sa.Double, "second coordinate as given (y or latitude)", null=True),
    _col("crs_given", sa.Text, "coordinate system declared by file or profile", null=True),
    _col("remark", sa.Text, "free text, verbatim", null=True),
    _one_of("outcome", "ok", "failed", "not_found", "not_testable", "repaired"),
    sa.Index(None, "upload_id"),
    sa.Index(None, "contractor", "nis"),
    sa.Index(None, "contractor", "record_ref"),
)

# -- geocoding ---------------------------------------------------------------------------------

location = _table(
    "location",
    "Where a record is, by its coordinates and by its address, each with its accuracy",
    _col("row_id", BigId, "row", sa.ForeignKey(raw_row.c.row_id), pk=True),
    _col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id)),
    _col(
        "x_l72", sa.Double, "best single point, Lambert 72 x in metres; empty when there is none", null=True
    ),
    _col("y_l72", sa.Double, "best single point, Lambert 72 y in metres", null=True),
    _col(
        "location_method",
        sa.Text,
        "given_l72, given_l2008, given_wgs84, address_number, address_interpolated, address_street or none",
    ),
    _col("location_accuracy_m", sa.Double, "standard deviation expected of that point, in metres", null=True),
    _col("corrections", sa.JSON, "list of what was put right: axes_swapped, lambert_2008, decimal_point"),
    _col("is_outside_gemeente", sa.Boolean, "the point lies well outside the stated gemeente"),
    _col("street", sa.Text, "street of the address table that the address text names", null=True),
    _col("address_x_l72", sa.Double, "where the address text points, Lambert 72 x in metres", null=True),
    _col("address_y_l72", sa.Double, "where the address text points, Lambert 72 y in metres", null=True),
    _col("address_method", sa.Text, "address_number, address_interpolated or address_street", null=True),
    _col(
        "address_accuracy_m",
        sa.Double,
        "standard deviation expected of a hydrant around it, in metres",
        null=True,
    ),
    sa.Index(None, "upload_id"),
)

# -- matching and review -----------------------------------------------------------------------

match = _table(
    "match",
    "Which registered hydrant a record is about, or why none",
    _col("row_id", BigId, "row", sa.ForeignKey(raw_row.c.row_id), pk=True),
    _col("upload_id", BigId, "upload", sa.ForeignKey(upload.c.upload_id)),
    _col("verdict", sa.Text, "linked, review, new (probably not in the register) or unlocated"),
    _col(
        "hydrant_id",
        sa.Text,
        "hydrant; filled only when linked",
        sa.ForeignKey(hydrant.c.hydrant_id),
        null=True,
    ),
    _col("match_method", sa.Text, "id, repaired_id, position, address or decision", null=True),
    _col("score", sa.Double, "posterior probability of the best candidate", null=True),
    _col("distance_m", sa.Double, "from the record's point to that candidate", null=True),
    _col("best_hydrant_id", sa.Text, "best candidate, linked or not", null=True),
    _col("runner_up_hydrant_id", sa.Text, "second-best candidate", null=True),
    _col("runner_up_score", sa.Double, "its posterior probability", null=True),
    _col("is_other_contractor", sa.Boolean, "linked to a hydrant that another firm is contracted for"),
    _one_of("verdict", "linked", "review", "new", "unlocated"),
    sa.Index(None, "upload_id"),
    sa.Index(None, "hydrant_id"),
)
decision = _table(
    "decision",
    "What a person decided about a row; outranks every score and survives re-runs and rebuilds",
    _key("decision_id", "counts up; the last one not revoked holds"),
    _col("sha256", sa.String(64), "hash of the file, so that it holds in a rebuilt database too"),
    _col("sheet", sa.Text, "sheet of the row"),
    _col("row_number", sa.Integer, "row"),
    _col("verdict", sa.Text, "linked or new"),
    _col("hydrant_id", sa.Text, "hydrant when linked", null=True),
    _col("note", sa.Text, "the person's reason", null=True),
    _col("decided_at", Timestamp, "when, UTC"),
    _col("revoked_at", Timestamp, "when it was taken back, UTC", null=True),
    _one_of("verdict", "linked", "new"),
    sa.Index(None, "sha256"),
)

# -- publishing and planning -------------------------------------------------------------------

snapshot = _table(
    "snapshot",
    "A published state, immutable",
    _key("snapshot_id", "counts up"),
    _col("as_of", sa.Date, "the day the figures speak of"),
    _col("campaign_start", sa.Date, "first day of the campaign"),
    _col("campaign_end", sa.Date, "last day of the campaign"),
    _col(
        "register_version_id",
        BigId,
        "state of the registers",
        sa.ForeignKey(register_version.c.register_version_id),
    ),
    _col("fingerprint", sa.String(64), "hash of everything in it; an equal state is not published twice"),
    _col("created_at", Timestamp, "when, UTC"),
)
snapshot_hydrant = _table(
    "snapshot_hydrant",
    "Status of each registered hydrant in a snapshot",
    _col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id), pk=True),
    _col("hydrant_id", sa.Text, "hydrant", sa.ForeignKey(hydrant.c.hydrant_id), pk=True),
    _col("operator", sa.Text, "water company"),
    _col("nis", sa.String(5), "gemeente"),
    _col("contractor", sa.Text, "firm contracted on as_of", null=True),
    _col("status", sa.Text, "ok, failed or remaining"),
    _col("outcome", sa.Text, "deciding outcome: ok, failed or not_found; empty when remaining", null=True),
    _col("inspected_on", sa.Date, "day of the deciding inspection", null=True),
    _col("row_id", BigId, "deciding row", sa.ForeignKey(raw_row.c.row_id), null=True),
    _col("is_conflict", sa.Boolean, "the deciding day has contradicting outcomes"),
    _col("is_repaired", sa.Boolean, "failed, repaired since, not inspected again"),
    _col("tried_on", sa.Date, "last day it could not be tested", null=True),
    _col("x_l72", sa.Double, "Lambert 72 x in metres"),
    _col("y_l72", sa.Double, "Lambert 72 y in metres"),
    _one_of("status", "ok", "failed", "remaining"),
    sa.Index(None, "snapshot_id", "nis"),
)
snapshot_progress = _table(
    "snapshot_progress",
    "The progress table of a snapshot, per operator and gemeente, and per operator (nis empty)",
    _col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id), pk=True),
    _col("position", sa.Integer, "order in the table", pk=True),
    _col("operator", sa.Text, "water company"),
    _col("nis", sa.String(5), "gemeente; empty for the operator's total", null=True),
    _col("contractor", sa.Text, "firm; empty where several share the line", null=True),
    _col("registered", sa.Integer, "hydrants in the register"),
    _col("checked", sa.Integer, "of those, conclusively inspected in the campaign"),
    _col("ok", sa.Integer, "of those checked, in order"),
    _col("failed", sa.Integer, "of those checked, not in order"),
    _col("remaining", sa.Integer, "registered less checked"),
)
current_snapshot = _table(
    "current_snapshot",
    "The pointer that readers follow: one row, moved last",
    _col("pointer", sa.Text, "always 'current'", pk=True),
    _col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id)),
    _col("published_at", Timestamp, "when the pointer moved, UTC"),
    _one_of("pointer", "current"),
)
plan_stop = _table(
    "plan_stop",
    "The remaining hydrants of a snapshot, in the order a crew would visit them",
    _col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id), pk=True),
    _col("contractor", sa.Text, "firm", pk=True),
    _col("nis", sa.String(5), "gemeente", pk=True),
    _col("sequence", sa.Integer, "1, 2, ... within firm and gemeente", pk=True),
    _col("hydrant_id", sa.Text, "hydrant", sa.ForeignKey(hydrant.c.hydrant_id)),
    _col("leg_m", sa.Double, "straight-line distance from the stop before, metres; 0 for the first"),
)

# -- the night itself --------------------------------------------------------------------------

run = _table(
    "run",
    "Each run of the night, whatever started it",
    _key("run_id", "counts up"),
    _col("kind", sa.Text, "what ran, such as night or inspections_nightly"),
    _col("started_at", Timestamp, "UTC"),
    _col("finished_at", Timestamp, "UTC; empty while it runs or when it died", null=True),
    _col("counts", sa.JSON, "what changed: rows read, records, links, snapshot", null=True),
)
stage_state = _table(
    "stage_state",
    "From which inputs a stage last computed a scope; equal inputs are not computed again",
    _col("stage", sa.Text, "stage", pk=True),
    _col("scope", sa.Text, "upload:12 or batch:westlandia/33021", pk=True),
    _col("fingerprint", sa.String(64), "hash of the inputs: profile, reference data, code version, rows"),
    _col("finished_at", Timestamp, "UTC"),
    _col("counts", sa.JSON, "what came out"),
)
