"""What readers see, what crews follow, and the log of the night itself."""

import sqlalchemy as sa

from hydrants.store.tables.beside import hydrant, register_version
from hydrants.store.tables.schema import BigId, Timestamp, col, key, one_of, partial_index, table

# -- publishing and planning -------------------------------------------------------------------

snapshot = table(
    "snapshot",
    "A published state, immutable",
    key("snapshot_id", "counts up"),
    col("as_of", sa.Date, "the day the figures speak of"),
    col("campaign_start", sa.Date, "first day of the campaign"),
    col("campaign_end", sa.Date, "last day of the campaign"),
    col(
        "register_version_id",
        BigId,
        "state of the registers",
        sa.ForeignKey(register_version.c.register_version_id),
    ),
    col("fingerprint", sa.String(64), "hash of everything in it; an equal state is not published twice"),
    col("created_at", Timestamp, "when, UTC"),
)
snapshot_hydrant = table(
    "snapshot_hydrant",
    "Status of each registered hydrant in a snapshot",
    col("snapshot_id", BigId, "snapshot", pk=True),
    col("hydrant_id", sa.Text, "hydrant", pk=True),
    col("operator", sa.Text, "water company"),
    col("nis", sa.String(5), "gemeente"),
    col("contractor", sa.Text, "firm contracted on as_of", null=True),
    col("status", sa.Text, "ok, failed or remaining"),
    col("outcome", sa.Text, "deciding outcome: ok, failed or not_found; empty when remaining", null=True),
    col("inspected_on", sa.Date, "day of the deciding inspection", null=True),
    col("row_id", BigId, "deciding row", null=True),
    col("is_conflict", sa.Boolean, "the deciding day has contradicting outcomes"),
    col("is_repaired", sa.Boolean, "failed, repaired since, not inspected again"),
    col("tried_on", sa.Date, "last day it could not be tested", null=True),
    col("x_l72", sa.Double, "Lambert 72 x in metres"),
    col("y_l72", sa.Double, "Lambert 72 y in metres"),
    one_of("status", "ok", "failed", "remaining"),
    sa.Index(None, "snapshot_id", "nis"),
    partial_index("row_id"),
)
snapshot_progress = table(
    "snapshot_progress",
    "The progress table of a snapshot, per operator and gemeente, and per operator (nis empty)",
    col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id), pk=True),
    col("position", sa.Integer, "order in the table", pk=True),
    col("operator", sa.Text, "water company"),
    col("nis", sa.String(5), "gemeente; empty for the operator's total", null=True),
    col("contractor", sa.Text, "firm; empty where several share the line", null=True),
    col("registered", sa.Integer, "hydrants in the register"),
    col("checked", sa.Integer, "of those, conclusively inspected in the campaign"),
    col("ok", sa.Integer, "of those checked, in order"),
    col("failed", sa.Integer, "of those checked, not in order"),
    col("remaining", sa.Integer, "registered less checked"),
)
current_snapshot = table(
    "current_snapshot",
    "The pointer that readers follow: one row, moved last",
    col("pointer", sa.Text, "always 'current'", pk=True),
    col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id)),
    col("published_at", Timestamp, "when the pointer moved, UTC"),
    one_of("pointer", "current"),
)
publication = table(
    "publication",
    "Every number that a snapshot was ever published under, also when its rows are gone or the store is new",
    col("snapshot_id", BigId, "number of the snapshot, and of its folder in SITE", pk=True),
    col("fingerprint", sa.String(64), "as in snapshot"),
    col("as_of", sa.Date, "the day the figures speak of"),
    col("campaign_start", sa.Date, "first day of the campaign"),
    col("campaign_end", sa.Date, "last day of the campaign"),
    col("event", sa.Text, "event of the journal that says so"),
    col(
        "told",
        sa.JSON,
        "by NIS code a hash of all that it told of the hydrants, and the first day as of which every "
        "snapshot up to it told the same; empty when that was not written down yet",
        null=True,
    ),
)
plan_stop = table(
    "plan_stop",
    "The remaining hydrants of a snapshot, in the order a crew would visit them",
    col("snapshot_id", BigId, "snapshot", sa.ForeignKey(snapshot.c.snapshot_id), pk=True),
    col("contractor", sa.Text, "firm", pk=True),
    col("nis", sa.String(5), "gemeente", pk=True),
    col("sequence", sa.Integer, "1, 2, ... within firm and gemeente", pk=True),
    col("hydrant_id", sa.Text, "hydrant", sa.ForeignKey(hydrant.c.hydrant_id)),
    col("leg_m", sa.Double, "straight-line distance from the stop before, metres; 0 for the first"),
)

# -- the night itself --------------------------------------------------------------------------

run = table(
    "run",
    "Each run of the night, whatever started it",
    key("run_id", "counts up"),
    col("kind", sa.Text, "what ran, such as night or inspections_nightly"),
    col("started_at", Timestamp, "UTC"),
    col("finished_at", Timestamp, "UTC; empty while it runs or when it died", null=True),
    col("counts", sa.JSON, "what changed: rows read, records, links, snapshot", null=True),
)
event = table(
    "event",
    "The events of the journal in LANDING that this store holds",
    col("name", sa.Text, "name of its file, without suffix: events are in this order", pk=True),
    col("kind", sa.Text, "what sort of event, such as received or decisions"),
    col("applied_at", Timestamp, "when, UTC"),
)
stage_state = table(
    "stage_state",
    "From which inputs a stage last computed a scope; equal inputs are not computed again",
    col("stage", sa.Text, "stage", pk=True),
    col("scope", sa.Text, "upload:12, parse:12 or batch:westlandia/33021", pk=True),
    col("fingerprint", sa.String(64), "hash of the inputs: profile, reference data, code version, rows"),
    col("finished_at", Timestamp, "UTC"),
    col("counts", sa.JSON, "what came out"),
)
