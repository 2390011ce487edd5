"""The first schema: every stage's tables; on PostgreSQL also points for GIS tools.

Revision: 0001, follows nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

WITH_POINTS = ("address", "hydrant_state", "location", "snapshot_hydrant")
SEARCHED_BY_POINT = ("address", "hydrant_state")  # the others are made anew by the thousand each night


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column(
            "decision_id",
            BigId,
            autoincrement=True,
            nullable=False,
            comment="counts up; the last one not revoked holds",
        ),
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=False,
            comment="hash of the file, so that it holds in a rebuilt database too",
        ),
        sa.Column("sheet", Text, nullable=False, comment="sheet of the row"),
        sa.Column("row_number", sa.Integer(), nullable=False, comment="row"),
        sa.Column("verdict", Text, nullable=False, comment="linked or new"),
        sa.Column("hydrant_id", Text, nullable=True, comment="hydrant when linked"),
        sa.Column("note", Text, nullable=True, comment="the person's reason"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False, comment="when, UTC"),
        sa.Column(
            "revoked_at", sa.DateTime(timezone=True), nullable=True, comment="when it was taken back, UTC"
        ),
        sa.CheckConstraint("verdict = 'linked' OR verdict = 'new'", name="ck_decision_verdict"),
        sa.PrimaryKeyConstraint("decision_id", name="pk_decision"),
        comment="What a person decided about a row; outranks every score and survives re-runs and rebuilds",
    )
    op.create_index("ix_decision_sha256", "decision", ["sha256"], unique=False)
    op.create_table(
        "gemeente",
        sa.Column("nis", sa.String(length=5), nullable=False, comment="NIS code of Statbel"),
        sa.Column("name_nl", Text, nullable=False, comment="Dutch name"),
        sa.PrimaryKeyConstraint("nis", name="pk_gemeente"),
        comment="The eighteen gemeenten; the NIS code is the key, the name a label",
    )
    op.create_table(
        "operator",
        sa.Column("operator", Text, nullable=False, comment="short name, key"),
        sa.Column("name", Text, nullable=False, comment="name on the page"),
        sa.Column("position", sa.Integer(), nullable=False, comment="order on the page"),
        sa.PrimaryKeyConstraint("operator", name="pk_operator"),
        comment="Water companies that own hydrants",
    )
    op.create_table(
        "run",
        sa.Column("run_id", BigId, autoincrement=True, nullable=False, comment="counts up"),
        sa.Column("kind", Text, nullable=False, comment="what ran, such as night or inspections_nightly"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="UTC"),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="UTC; empty while it runs or when it died",
        ),
        sa.Column(
            "counts", sa.JSON(), nullable=True, comment="what changed: rows read, records, links, snapshot"
        ),
        sa.PrimaryKeyConstraint("run_id", name="pk_run"),
        comment="Each run of the night, whatever started it",
    )
    op.create_table(
        "stage_state",
        sa.Column("stage", Text, nullable=False, comment="stage"),
        sa.Column("scope", Text, nullable=False, comment="upload:12, parse:12 or batch:westlandia/33021"),
        sa.Column(
            "fingerprint",
            sa.String(length=64),
            nullable=False,
            comment="hash of the inputs: profile, reference data, code version, rows",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False, comment="UTC"),
        sa.Column("counts", sa.JSON(), nullable=False, comment="what came out"),
        sa.PrimaryKeyConstraint("stage", "scope", name="pk_stage_state"),
        comment="From which inputs a stage last computed a scope; equal inputs are not computed again",
    )
    op.create_table(
        "address",
        sa.Column("address_id", BigId, nullable=False, comment="ordinal in the address file"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente"),
        sa.Column("postcode", sa.String(length=4), nullable=True, comment="postcode"),
        sa.Column("street", Text, nullable=False, comment="street name as the file writes it"),
        sa.Column("street_key", Text, nullable=False, comment="street name folded for comparison"),
        sa.Column("house_number", Text, nullable=True, comment="house number with its letter"),
        sa.Column(
            "x_l72",
            sa.Double(),
            nullable=True,
            comment="Lambert 72 x in metres; empty when the file has none",
        ),
        sa.Column("y_l72", sa.Double(), nullable=True, comment="Lambert 72 y in metres"),
        sa.ForeignKeyConstraint(["nis"], ["gemeente.nis"], name="fk_address_nis"),
        sa.PrimaryKeyConstraint("address_id", name="pk_address"),
        comment="Addresses of the loaded address file",
    )
    op.create_index("ix_address_nis_street_key", "address", ["nis", "street_key"], unique=False)
    op.create_table(
        "contract",
        sa.Column("operator", Text, nullable=False, comment="water company"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente"),
        sa.Column("valid_from", sa.Date(), nullable=False, comment="first day"),
        sa.Column("valid_to", sa.Date(), nullable=True, comment="last day; empty while it runs"),
        sa.Column("contractor", Text, nullable=False, comment="firm that inspects"),
        sa.ForeignKeyConstraint(["nis"], ["gemeente.nis"], name="fk_contract_nis"),
        sa.ForeignKeyConstraint(["operator"], ["operator.operator"], name="fk_contract_operator"),
        sa.PrimaryKeyConstraint("operator", "nis", "valid_from", name="pk_contract"),
        comment="Who inspects the hydrants of an operator in a gemeente, and from when until when",
    )
    op.create_table(
        "hydrant",
        sa.Column("hydrant_id", Text, nullable=False, comment="our id, stable over exports"),
        sa.Column("operator", Text, nullable=False, comment="water company"),
        sa.Column(
            "supplier_id",
            Text,
            nullable=True,
            comment="the operator's own number; empty where the operator gives none",
        ),
        sa.ForeignKeyConstraint(["operator"], ["operator.operator"], name="fk_hydrant_operator"),
        sa.PrimaryKeyConstraint("hydrant_id", name="pk_hydrant"),
        comment="A registered hydrant's identity, which never changes",
    )
    op.create_index("ix_hydrant_operator_supplier_id", "hydrant", ["operator", "supplier_id"], unique=False)
    op.create_table(
        "register_version",
        sa.Column(
            "register_version_id",
            BigId,
            autoincrement=True,
            nullable=False,
            comment="counts up over all operators: a single number names one state of all registers",
        ),
        sa.Column("operator", Text, nullable=False, comment="water company"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="hash of the export's bytes"),
        sa.Column("file_name", Text, nullable=False, comment="name of the export"),
        sa.Column("exported_on", sa.Date(), nullable=False, comment="day the operator made the export"),
        sa.Column(
            "scope",
            sa.JSON(),
            nullable=False,
            comment="NIS codes the export declares to cover completely; absences count only there",
        ),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False, comment="when it was loaded, UTC"),
        sa.Column(
            "counts",
            sa.JSON(),
            nullable=False,
            comment="rows, added, unchanged, moved, changed, removed, rejected",
        ),
        sa.ForeignKeyConstraint(["operator"], ["operator.operator"], name="fk_register_version_operator"),
        sa.PrimaryKeyConstraint("register_version_id", name="pk_register_version"),
        sa.UniqueConstraint("operator", "sha256", name="uq_register_version_operator_sha256"),
        comment="Each load of an operator's register export",
    )
    op.create_table(
        "upload",
        sa.Column("upload_id", BigId, autoincrement=True, nullable=False, comment="counts up"),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="hash of the bytes"),
        sa.Column("contractor", Text, nullable=False, comment="firm that sent it"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente whose folder it came in"),
        sa.Column(
            "file_name",
            Text,
            nullable=False,
            comment="name it goes by: with firm and gemeente the first, in order of the alphabet, that it lies under",
        ),
        sa.Column("size_bytes", BigId, nullable=False, comment="length"),
        sa.Column(
            "landed_at", sa.DateTime(timezone=True), nullable=False, comment="when it was first seen, UTC"
        ),
        sa.Column(
            "rejected_because",
            Text,
            nullable=True,
            comment="why the whole file cannot be used, in Dutch",
        ),
        sa.Column(
            "held_because",
            Text,
            nullable=True,
            comment="why its rows wait until a person has looked, in Dutch",
        ),
        sa.ForeignKeyConstraint(["nis"], ["gemeente.nis"], name="fk_upload_nis"),
        sa.PrimaryKeyConstraint("upload_id", name="pk_upload"),
        sa.UniqueConstraint("sha256", name="uq_upload_sha256"),
        comment="Each distinct file content ever received; its bytes lie in LANDING under the hash, for good",
    )
    op.create_index("ix_upload_contractor_nis", "upload", ["contractor", "nis"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("contractor", Text, nullable=False, comment="firm"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente folder"),
        sa.Column("file_name", Text, nullable=False, comment="file name"),
        sa.Column("upload_id", BigId, nullable=False, comment="content"),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), nullable=False, comment="when it was first seen there, UTC"
        ),
        sa.Column(
            "gone_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was found to lie there no more, UTC; empty while it does",
        ),
        sa.ForeignKeyConstraint(["nis"], ["gemeente.nis"], name="fk_delivery_nis"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_delivery_upload_id"),
        sa.PrimaryKeyConstraint("contractor", "nis", "file_name", "upload_id", name="pk_delivery"),
        comment="Each place and name under which a content was delivered",
    )
    op.create_table(
        "hydrant_state",
        sa.Column("hydrant_state_id", BigId, autoincrement=True, nullable=False, comment="surrogate"),
        sa.Column("hydrant_id", Text, nullable=False, comment="hydrant"),
        sa.Column("from_version_id", BigId, nullable=False, comment="first register version that says so"),
        sa.Column(
            "to_version_id",
            BigId,
            nullable=True,
            comment="first register version that no longer says so; empty while it holds",
        ),
        sa.Column("row_number", sa.Integer(), nullable=False, comment="row in the export of from_version_id"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente by the boundaries"),
        sa.Column("x_l72", sa.Double(), nullable=False, comment="Lambert 72 x in metres"),
        sa.Column("y_l72", sa.Double(), nullable=False, comment="Lambert 72 y in metres"),
        sa.Column(
            "hydrant_type",
            Text,
            nullable=True,
            comment="aboveground, underground, rising_point or wall_mounted",
        ),
        sa.Column("diameter_mm", sa.Integer(), nullable=True, comment="nominal diameter of the hydrant"),
        sa.Column("main_diameter_mm", sa.Integer(), nullable=True, comment="diameter of the main"),
        sa.Column(
            "street_names",
            Text,
            nullable=True,
            comment="street names as the export gives them: none, one or several",
        ),
        sa.Column("created_on", sa.Date(), nullable=True, comment="creation date in the export"),
        sa.Column(
            "to_check",
            Text,
            nullable=True,
            comment="what the refresh rule asks to check: coordinates or attributes",
        ),
        sa.ForeignKeyConstraint(
            ["from_version_id"],
            ["register_version.register_version_id"],
            name="fk_hydrant_state_from_version_id",
        ),
        sa.ForeignKeyConstraint(["hydrant_id"], ["hydrant.hydrant_id"], name="fk_hydrant_state_hydrant_id"),
        sa.ForeignKeyConstraint(["nis"], ["gemeente.nis"], name="fk_hydrant_state_nis"),
        sa.ForeignKeyConstraint(
            ["to_version_id"], ["register_version.register_version_id"], name="fk_hydrant_state_to_version_id"
        ),
        sa.PrimaryKeyConstraint("hydrant_state_id", name="pk_hydrant_state"),
        comment="What a register says of a hydrant, from one version until another",
    )
    op.create_index("ix_hydrant_state_hydrant_id", "hydrant_state", ["hydrant_id"], unique=False)
    op.create_index("ix_hydrant_state_nis", "hydrant_state", ["nis"], unique=False)
    op.create_index("ix_hydrant_state_x_l72", "hydrant_state", ["x_l72"], unique=False)
    op.create_table(
        "raw_row",
        sa.Column("row_id", BigId, nullable=False, comment="upload_id * 10 000 000 + ordinal in the file"),
        sa.Column("upload_id", BigId, nullable=False, comment="upload, the first digits of row_id"),
        sa.Column("sheet_number", sa.Integer(), nullable=False, comment="sheet"),
        sa.Column(
            "row_number",
            sa.Integer(),
            nullable=False,
            comment="line, worksheet row, feature id or feature ordinal, as the sender sees it",
        ),
        sa.Column("cells", sa.JSON(), nullable=False, comment="list of texts, null where a cell is empty"),
        sa.CheckConstraint("upload_id = row_id / 10000000", name="ck_raw_row_upload_id"),
        sa.PrimaryKeyConstraint("row_id", name="pk_raw_row"),
        comment="Every row of every upload, as text",
    )
    op.create_table(
        "raw_sheet",
        sa.Column("upload_id", BigId, nullable=False, comment="upload"),
        sa.Column("sheet_number", sa.Integer(), nullable=False, comment="1, 2, ..."),
        sa.Column("format", Text, nullable=False, comment="format the file was read in, such as csv or xlsx"),
        sa.Column("sheet", Text, nullable=False, comment="name; empty for formats without sheets"),
        sa.Column(
            "columns",
            sa.JSON(),
            nullable=True,
            comment="column names where the format declares them, else null",
        ),
        sa.Column(
            "crs", Text, nullable=True, comment="coordinate system the file declares, such as EPSG:4326"
        ),
        sa.Column("blank_rows", sa.Integer(), nullable=False, comment="rows without any text, not stored"),
        sa.Column(
            "notice",
            Text,
            nullable=True,
            comment="what the sender should know, such as a skipped hidden sheet, in Dutch",
        ),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_raw_sheet_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", "sheet_number", name="pk_raw_sheet"),
        comment="A sheet or layer of an upload",
    )
    op.create_table(
        "register_rejection",
        sa.Column("register_version_id", BigId, nullable=False, comment="load"),
        sa.Column("row_number", sa.Integer(), nullable=False, comment="row in the export"),
        sa.Column("reason", Text, nullable=False, comment="why, in Dutch"),
        sa.ForeignKeyConstraint(
            ["register_version_id"],
            ["register_version.register_version_id"],
            name="fk_register_rejection_register_version_id",
        ),
        sa.PrimaryKeyConstraint("register_version_id", "row_number", name="pk_register_rejection"),
        comment="Rows of a register export that could not be used",
    )
    op.create_table(
        "snapshot",
        sa.Column("snapshot_id", BigId, autoincrement=True, nullable=False, comment="counts up"),
        sa.Column("as_of", sa.Date(), nullable=False, comment="the day the figures speak of"),
        sa.Column("campaign_start", sa.Date(), nullable=False, comment="first day of the campaign"),
        sa.Column("campaign_end", sa.Date(), nullable=False, comment="last day of the campaign"),
        sa.Column("register_version_id", BigId, nullable=False, comment="state of the registers"),
        sa.Column(
            "fingerprint",
            sa.String(length=64),
            nullable=False,
            comment="hash of everything in it; an equal state is not published twice",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="when, UTC"),
        sa.ForeignKeyConstraint(
            ["register_version_id"],
            ["register_version.register_version_id"],
            name="fk_snapshot_register_version_id",
        ),
        sa.PrimaryKeyConstraint("snapshot_id", name="pk_snapshot"),
        comment="A published state, immutable",
    )
    op.create_table(
        "current_snapshot",
        sa.Column("pointer", Text, nullable=False, comment="always 'current'"),
        sa.Column("snapshot_id", BigId, nullable=False, comment="snapshot"),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), nullable=False, comment="when the pointer moved, UTC"
        ),
        sa.CheckConstraint("pointer = 'current'", name="ck_current_snapshot_pointer"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.snapshot_id"], name="fk_current_snapshot_snapshot_id"
        ),
        sa.PrimaryKeyConstraint("pointer", name="pk_current_snapshot"),
        comment="The pointer that readers follow: one row, moved last",
    )
    op.create_table(
        "ledger",
        sa.Column("row_id", BigId, nullable=False, comment="row"),
        sa.Column("upload_id", BigId, nullable=False, comment="upload, the first digits of row_id"),
        sa.Column(
            "disposition",
            Text,
            nullable=False,
            comment="accepted, quarantined, duplicate; heading for titles and headers, which are no data",
        ),
        sa.Column(
            "reasons",
            sa.JSON(),
            nullable=False,
            comment="list of {code, column, value, message, suggestion}, texts in Dutch: why it is refused, or what to know of an accepted row",
        ),
        sa.Column(
            "content_hash",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="hash of what the row says and of its batch; equal for identical rows",
        ),
        sa.Column("duplicate_of_row_id", BigId, nullable=True, comment="row it repeats"),
        sa.CheckConstraint(
            "disposition = 'accepted' OR disposition = 'quarantined' OR disposition = 'duplicate' OR disposition = 'heading'",
            name="ck_ledger_disposition",
        ),
        sa.CheckConstraint("upload_id = row_id / 10000000", name="ck_ledger_upload_id"),
        sa.PrimaryKeyConstraint("row_id", name="pk_ledger"),
        comment="What became of each row; every data row has exactly one disposition",
    )
    op.create_index(
        "ix_ledger_duplicate_of_row_id",
        "ledger",
        ["duplicate_of_row_id"],
        unique=False,
        sqlite_where=sa.text("duplicate_of_row_id IS NOT NULL"),
        postgresql_where=sa.text("duplicate_of_row_id IS NOT NULL"),
    )
    op.create_table(
        "location",
        sa.Column("row_id", BigId, nullable=False, comment="row"),
        sa.Column("upload_id", BigId, nullable=False, comment="upload, the first digits of row_id"),
        sa.Column(
            "x_l72",
            sa.Double(),
            nullable=True,
            comment="best single point, Lambert 72 x in metres; empty when there is none",
        ),
        sa.Column("y_l72", sa.Double(), nullable=True, comment="best single point, Lambert 72 y in metres"),
        sa.Column(
            "location_method",
            Text,
            nullable=False,
            comment="given_l72, given_l2008, given_wgs84; or how its address was found, see address_method; or none",
        ),
        sa.Column(
            "location_accuracy_m",
            sa.Double(),
            nullable=True,
            comment="standard deviation expected of that point, in metres",
        ),
        sa.Column(
            "corrections",
            sa.JSON(),
            nullable=False,
            comment="list of what was put right, such as axes_swapped or degrees_minutes_seconds",
        ),
        sa.Column(
            "is_outside_gemeente",
            sa.Boolean(),
            nullable=False,
            comment="the point lies well outside the stated gemeente",
        ),
        sa.Column(
            "is_outside_deelgemeente",
            sa.Boolean(),
            nullable=True,
            comment="the point lies well outside the stated deelgemeente; empty where that cannot be said",
        ),
        sa.Column(
            "street",
            Text,
            nullable=True,
            comment="street that the address text names, as the address source spells it",
        ),
        sa.Column(
            "address_x_l72",
            sa.Double(),
            nullable=True,
            comment="where the address text points, Lambert 72 x in metres",
        ),
        sa.Column(
            "address_y_l72",
            sa.Double(),
            nullable=True,
            comment="where the address text points, Lambert 72 y in metres",
        ),
        sa.Column(
            "address_method",
            Text,
            nullable=True,
            comment="address_number, address_interpolated or address_street; geolocation_* or adresmatch_* when a service on the internet found it",
        ),
        sa.Column(
            "address_accuracy_m",
            sa.Double(),
            nullable=True,
            comment="standard deviation expected of a hydrant around it, in metres",
        ),
        sa.CheckConstraint("upload_id = row_id / 10000000", name="ck_location_upload_id"),
        sa.PrimaryKeyConstraint("row_id", name="pk_location"),
        comment="Where a record is, by its coordinates and by its address, each with its accuracy",
    )
    op.create_table(
        "geocoder_answer",
        sa.Column("service", Text, nullable=False, comment="geolocation or adresmatch"),
        sa.Column(
            "source_version",
            Text,
            nullable=False,
            comment="HYDRANTS_ONLINE_SOURCE_VERSION when it was asked",
        ),
        sa.Column(
            "question",
            Text,
            nullable=False,
            comment="as it was sent, without the key: equal requests have one answer",
        ),
        sa.Column("answer", sa.JSON(), nullable=False, comment="the service's own words"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, comment="when, UTC"),
        sa.PrimaryKeyConstraint("service", "source_version", "question", name="pk_geocoder_answer"),
        comment="What an address service on the internet answered; a failure is no answer and is not kept",
    )
    op.create_table(
        "geocoder_failure",
        sa.Column("service", Text, nullable=False, comment="geolocation or adresmatch"),
        sa.Column(
            "source_version",
            Text,
            nullable=False,
            comment="HYDRANTS_ONLINE_SOURCE_VERSION when it was asked",
        ),
        sa.Column("question", Text, nullable=False, comment="see geocoder_answer"),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False, comment="when, UTC"),
        sa.PrimaryKeyConstraint("service", "source_version", "question", name="pk_geocoder_failure"),
        comment="Questions that an address service did not answer when last asked; they are asked after "
        "all others",
    )
    op.create_table(
        "geocoder_use",
        sa.Column("service", Text, nullable=False, comment="geolocation or adresmatch"),
        sa.Column("day", sa.Date(), nullable=False, comment="day in Belgium"),
        sa.Column(
            "questions",
            sa.Integer(),
            nullable=False,
            comment="asked, answered or not, or about to be asked by a worker",
        ),
        sa.Column("waited_s", sa.Double(), nullable=False, comment="how long they took, in seconds"),
        sa.Column(
            "failures_in_row",
            sa.Integer(),
            nullable=False,
            comment="failures of the service since its last answer",
        ),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True, comment="the last of them, UTC"),
        sa.PrimaryKeyConstraint("service", "day", name="pk_geocoder_use"),
        comment="How much an address service was asked in a day, and whether it is to be left alone for now",
    )
    op.create_table(
        "finding",
        sa.Column("upload_id", BigId, nullable=False, comment="upload"),
        sa.Column(
            "what",
            Text,
            nullable=False,
            comment="SHIFTED (beside the register) or ELSEWHERE (outside the gemeente)",
        ),
        sa.Column("records", sa.Integer(), nullable=False, comment="records of the upload"),
        sa.Column("share", sa.Double(), nullable=False, comment="of its records that show it, 0 to 1"),
        sa.Column(
            "east_m",
            sa.Double(),
            nullable=False,
            comment="how far east of the register they lie; 0 when ELSEWHERE",
        ),
        sa.Column(
            "north_m",
            sa.Double(),
            nullable=False,
            comment="how far north of the register they lie; 0 when ELSEWHERE",
        ),
        sa.CheckConstraint("what = 'SHIFTED' OR what = 'ELSEWHERE'", name="ck_finding_what"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_finding_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", name="pk_finding"),
        comment="What is wrong with the positions of an upload as a whole; its records are left to a person",
    )
    op.create_table(
        "match",
        sa.Column("row_id", BigId, nullable=False, comment="row"),
        sa.Column("upload_id", BigId, nullable=False, comment="upload, the first digits of row_id"),
        sa.Column(
            "verdict",
            Text,
            nullable=False,
            comment="linked, review, new (probably not in the register) or unlocated",
        ),
        sa.Column("hydrant_id", Text, nullable=True, comment="hydrant; filled only when linked"),
        sa.Column(
            "match_method", Text, nullable=True, comment="id, repaired_id, position, address or decision"
        ),
        sa.Column("score", sa.Double(), nullable=True, comment="posterior probability of the best candidate"),
        sa.Column(
            "distance_m", sa.Double(), nullable=True, comment="from the record's point to that candidate"
        ),
        sa.Column("best_hydrant_id", Text, nullable=True, comment="best candidate, linked or not"),
        sa.Column("runner_up_hydrant_id", Text, nullable=True, comment="second-best candidate"),
        sa.Column("runner_up_score", sa.Double(), nullable=True, comment="its posterior probability"),
        sa.Column(
            "is_other_contractor",
            sa.Boolean(),
            nullable=False,
            comment="linked to a hydrant that another firm is contracted for",
        ),
        sa.CheckConstraint(
            "verdict = 'linked' OR verdict = 'review' OR verdict = 'new' OR verdict = 'unlocated'",
            name="ck_match_verdict",
        ),
        sa.CheckConstraint("upload_id = row_id / 10000000", name="ck_match_upload_id"),
        sa.PrimaryKeyConstraint("row_id", name="pk_match"),
        comment="Which registered hydrant a record is about, or why none",
    )
    op.create_index("ix_match_hydrant_id", "match", ["hydrant_id"], unique=False)
    op.create_table(
        "plan_stop",
        sa.Column("snapshot_id", BigId, nullable=False, comment="snapshot"),
        sa.Column("contractor", Text, nullable=False, comment="firm"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente"),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="1, 2, ... within firm and gemeente"),
        sa.Column("hydrant_id", Text, nullable=False, comment="hydrant"),
        sa.Column(
            "leg_m",
            sa.Double(),
            nullable=False,
            comment="straight-line distance from the stop before, metres; 0 for the first",
        ),
        sa.ForeignKeyConstraint(["hydrant_id"], ["hydrant.hydrant_id"], name="fk_plan_stop_hydrant_id"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.snapshot_id"], name="fk_plan_stop_snapshot_id"),
        sa.PrimaryKeyConstraint("snapshot_id", "contractor", "nis", "sequence", name="pk_plan_stop"),
        comment="The remaining hydrants of a snapshot, in the order a crew would visit them",
    )
    op.create_table(
        "record",
        sa.Column("row_id", BigId, nullable=False, comment="row"),
        sa.Column("upload_id", BigId, nullable=False, comment="upload, the first digits of row_id"),
        sa.Column("contractor", Text, nullable=False, comment="firm"),
        sa.Column(
            "nis",
            sa.String(length=5),
            nullable=False,
            comment="gemeente stated in the row, else of the folder",
        ),
        sa.Column(
            "deelgemeente",
            Text,
            nullable=True,
            comment="deelgemeente as written down; means something within nis only",
        ),
        sa.Column(
            "record_ref",
            Text,
            nullable=True,
            comment="the sender's own number of this record, the same when it is corrected",
        ),
        sa.Column(
            "revised_at",
            sa.DateTime(),
            nullable=True,
            comment="when the sender last changed it, Belgian time",
        ),
        sa.Column("superseded_by_row_id", BigId, nullable=True, comment="newer version of this record"),
        sa.Column(
            "is_withdrawn",
            sa.Boolean(),
            nullable=False,
            comment="its sender takes the record back: it counts no more",
        ),
        sa.Column("hydrant_ref", Text, nullable=True, comment="hydrant number as written down"),
        sa.Column("inspected_on", sa.Date(), nullable=False, comment="day of the inspection"),
        sa.Column("outcome", Text, nullable=False, comment="ok, failed, not_found, not_testable or repaired"),
        sa.Column(
            "is_reinspection",
            sa.Boolean(),
            nullable=False,
            comment="declared to be a second look at the same hydrant",
        ),
        sa.Column("defects", sa.JSON(), nullable=False, comment="list of defect codes"),
        sa.Column(
            "hydrant_type",
            Text,
            nullable=True,
            comment="aboveground, underground, rising_point or wall_mounted",
        ),
        sa.Column("diameter_mm", sa.Integer(), nullable=True, comment="nominal diameter as seen"),
        sa.Column("pressure_bar", sa.Double(), nullable=True, comment="pressure as measured, bar"),
        sa.Column(
            "flow_l_per_min", sa.Double(), nullable=True, comment="flow as measured, litres per minute"
        ),
        sa.Column("address_text", Text, nullable=True, comment="where it stands, in the crew's words"),
        sa.Column("postcode", sa.String(length=4), nullable=True, comment="postcode"),
        sa.Column(
            "x_given", sa.Double(), nullable=True, comment="first coordinate as given (x or longitude)"
        ),
        sa.Column(
            "y_given", sa.Double(), nullable=True, comment="second coordinate as given (y or latitude)"
        ),
        sa.Column("crs_given", Text, nullable=True, comment="coordinate system declared by file or profile"),
        sa.Column("remark", Text, nullable=True, comment="free text, NFC"),
        sa.Column(
            "photos",
            sa.JSON(),
            nullable=False,
            comment="list of file names of its pictures, see raw_photo",
        ),
        sa.CheckConstraint(
            "outcome = 'ok' OR outcome = 'failed' OR outcome = 'not_found' OR outcome = 'not_testable' OR outcome = 'repaired'",
            name="ck_record_outcome",
        ),
        sa.CheckConstraint("upload_id = row_id / 10000000", name="ck_record_upload_id"),
        sa.PrimaryKeyConstraint("row_id", name="pk_record"),
        comment="An inspection as its row states it, parsed by the contractor's profile; quarantined rows have none",
    )
    op.create_index(
        "ix_record_superseded_by_row_id",
        "record",
        ["superseded_by_row_id"],
        unique=False,
        sqlite_where=sa.text("superseded_by_row_id IS NOT NULL"),
        postgresql_where=sa.text("superseded_by_row_id IS NOT NULL"),
    )
    op.create_table(
        "raw_photo",
        sa.Column("upload_id", BigId, nullable=False, comment="upload"),
        sa.Column("file_name", Text, nullable=False, comment="name by which rows refer to it"),
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=True,
            comment="hash of the cleaned picture; empty when it is refused",
        ),
        sa.Column("refused_because", Text, nullable=True, comment="why it is no usable picture, in Dutch"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_raw_photo_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", "file_name", name="pk_raw_photo"),
        comment="Every picture that came with an upload; it lies in PHOTOS under its hash, without metadata",
    )
    op.create_table(
        "release",
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=False,
            comment="hash of the file, so that it holds in a rebuilt database too",
        ),
        sa.Column("note", Text, nullable=True, comment="the person's reason"),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False, comment="when, UTC"),
        sa.PrimaryKeyConstraint("sha256", name="pk_release"),
        comment="Files that were held and that a person let through",
    )
    op.create_table(
        "receipt",
        sa.Column("upload_id", BigId, nullable=False, comment="upload"),
        sa.Column(
            "path",
            Text,
            nullable=False,
            comment="where it lies below SITE, without its suffix (.xlsx, .json)",
        ),
        sa.Column(
            "written_at", sa.DateTime(timezone=True), nullable=False, comment="when it last changed, UTC"
        ),
        sa.Column(
            "mailed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it was last sent by mail, UTC; empty until then",
        ),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_receipt_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", name="pk_receipt"),
        comment="The answer to each upload: which rows were refused and why",
    )
    op.create_table(
        "snapshot_hydrant",
        sa.Column("snapshot_id", BigId, nullable=False, comment="snapshot"),
        sa.Column("hydrant_id", Text, nullable=False, comment="hydrant"),
        sa.Column("operator", Text, nullable=False, comment="water company"),
        sa.Column("nis", sa.String(length=5), nullable=False, comment="gemeente"),
        sa.Column("contractor", Text, nullable=True, comment="firm contracted on as_of"),
        sa.Column("status", Text, nullable=False, comment="ok, failed or remaining"),
        sa.Column(
            "outcome",
            Text,
            nullable=True,
            comment="deciding outcome: ok, failed or not_found; empty when remaining",
        ),
        sa.Column("inspected_on", sa.Date(), nullable=True, comment="day of the deciding inspection"),
        sa.Column("row_id", BigId, nullable=True, comment="deciding row"),
        sa.Column(
            "is_conflict", sa.Boolean(), nullable=False, comment="the deciding day has contradicting outcomes"
        ),
        sa.Column(
            "is_repaired", sa.Boolean(), nullable=False, comment="failed, repaired since, not inspected again"
        ),
        sa.Column("tried_on", sa.Date(), nullable=True, comment="last day it could not be tested"),
        sa.Column("x_l72", sa.Double(), nullable=False, comment="Lambert 72 x in metres"),
        sa.Column("y_l72", sa.Double(), nullable=False, comment="Lambert 72 y in metres"),
        sa.CheckConstraint(
            "status = 'ok' OR status = 'failed' OR status = 'remaining'", name="ck_snapshot_hydrant_status"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "hydrant_id", name="pk_snapshot_hydrant"),
        comment="Status of each registered hydrant in a snapshot",
    )
    op.create_index(
        "ix_snapshot_hydrant_snapshot_id_nis", "snapshot_hydrant", ["snapshot_id", "nis"], unique=False
    )
    op.create_index(
        "ix_snapshot_hydrant_row_id",
        "snapshot_hydrant",
        ["row_id"],
        unique=False,
        sqlite_where=sa.text("row_id IS NOT NULL"),
        postgresql_where=sa.text("row_id IS NOT NULL"),
    )
    op.create_table(
        "snapshot_progress",
        sa.Column("snapshot_id", BigId, nullable=False, comment="snapshot"),
        sa.Column("position", sa.Integer(), nullable=False, comment="order in the table"),
        sa.Column("operator", Text, nullable=False, comment="water company"),
        sa.Column(
            "nis", sa.String(length=5), nullable=True, comment="gemeente; empty for the operator's total"
        ),
        sa.Column("contractor", Text, nullable=True, comment="firm; empty where several share the line"),
        sa.Column("registered", sa.Integer(), nullable=False, comment="hydrants in the register"),
        sa.Column(
            "checked",
            sa.Integer(),
            nullable=False,
            comment="of those, conclusively inspected in the campaign",
        ),
        sa.Column("ok", sa.Integer(), nullable=False, comment="of those checked, in order"),
        sa.Column("failed", sa.Integer(), nullable=False, comment="of those checked, not in order"),
        sa.Column("remaining", sa.Integer(), nullable=False, comment="registered less checked"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.snapshot_id"], name="fk_snapshot_progress_snapshot_id"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "position", name="pk_snapshot_progress"),
        comment="The progress table of a snapshot, per operator and gemeente, and per operator (nis empty)",
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        for table in WITH_POINTS:
            op.execute(
                f"ALTER TABLE {table} ADD COLUMN geom geometry(Point, 31370) "
                "GENERATED ALWAYS AS (ST_Point(x_l72, y_l72, 31370)) STORED"
            )
            if table in SEARCHED_BY_POINT:
                op.execute(f"CREATE INDEX gist_{table}_geom ON {table} USING gist (geom)")
            op.execute(
                f"COMMENT ON COLUMN {table}.geom IS 'the point, Lambert 72, made from x_l72 and y_l72'"
            )


def downgrade() -> None:
    op.drop_table("receipt")
    op.drop_table("release")
    op.drop_table("raw_photo")
    op.drop_table("snapshot_progress")
    op.drop_index("ix_snapshot_hydrant_row_id", table_name="snapshot_hydrant")
    op.drop_index("ix_snapshot_hydrant_snapshot_id_nis", table_name="snapshot_hydrant")
    op.drop_table("snapshot_hydrant")
    op.drop_index("ix_record_superseded_by_row_id", table_name="record")
    op.drop_table("record")
    op.drop_table("plan_stop")
    op.drop_index("ix_match_hydrant_id", table_name="match")
    op.drop_table("match")
    op.drop_table("finding")
    op.drop_table("geocoder_use")
    op.drop_table("geocoder_failure")
    op.drop_table("geocoder_answer")
    op.drop_table("location")
    op.drop_index("ix_ledger_duplicate_of_row_id", table_name="ledger")
    op.drop_table("ledger")
    op.drop_table("current_snapshot")
    op.drop_table("snapshot")
    op.drop_table("register_rejection")
    op.drop_table("raw_sheet")
    op.drop_table("raw_row")
    op.drop_index("ix_hydrant_state_x_l72", table_name="hydrant_state")
    op.drop_index("ix_hydrant_state_nis", table_name="hydrant_state")
    op.drop_index("ix_hydrant_state_hydrant_id", table_name="hydrant_state")
    op.drop_table("hydrant_state")
    op.drop_table("delivery")
    op.drop_index("ix_upload_contractor_nis", table_name="upload")
    op.drop_table("upload")
    op.drop_table("register_version")
    op.drop_index("ix_hydrant_operator_supplier_id", table_name="hydrant")
    op.drop_table("hydrant")
    op.drop_table("contract")
    op.drop_index("ix_address_nis_street_key", table_name="address")
    op.drop_table("address")
    op.drop_table("stage_state")
    op.drop_table("run")
    op.drop_table("operator")
    op.drop_table("gemeente")
    op.drop_index("ix_decision_sha256", table_name="decision")
    op.drop_table("decision")
