"""Beside the flow: reference data and the operators' registers."""

import sqlalchemy as sa

from hydrants.store.tables.schema import BigId, Timestamp, col, key, table

# -- reference ---------------------------------------------------------------------------------

gemeente = table(
    "gemeente",
    "The eighteen gemeenten; the NIS code is the key, the name a label",
    col("nis", sa.String(5), "NIS code of Statbel", pk=True),
    col("name_nl", sa.Text, "Dutch name"),
)
operator = table(
    "operator",
    "Water companies that own hydrants",
    col("operator", sa.Text, "short name, key", pk=True),
    col("name", sa.Text, "name on the page"),
    col("position", sa.Integer, "order on the page"),
)
contract = table(
    "contract",
    "Who inspects the hydrants of an operator in a gemeente, and from when until when",
    col("operator", sa.Text, "water company", sa.ForeignKey(operator.c.operator), pk=True),
    col("nis", sa.String(5), "gemeente", sa.ForeignKey(gemeente.c.nis), pk=True),
    col("valid_from", sa.Date, "first day", pk=True),
    col("valid_to", sa.Date, "last day; empty while it runs", null=True),
    col("contractor", sa.Text, "firm that inspects"),
)
address = table(
    "address",
    "Addresses of the loaded address file",
    col("address_id", BigId, "ordinal in the address file", pk=True),
    col("nis", sa.String(5), "gemeente", sa.ForeignKey(gemeente.c.nis)),
    col("postcode", sa.String(4), "postcode", null=True),
    col("street", sa.Text, "street name as the file writes it"),
    col("street_key", sa.Text, "street name folded for comparison"),
    col("house_number", sa.Text, "house number with its letter", null=True),
    col("x_l72", sa.Double, "Lambert 72 x in metres; empty when the file has none", null=True),
    col("y_l72", sa.Double, "Lambert 72 y in metres", null=True),
    sa.Index(None, "nis", "street_key"),
)

# -- register ----------------------------------------------------------------------------------

register_version = table(
    "register_version",
    "Each load of an operator's register export",
    key(
        "register_version_id",
        "counts up over all operators: a single number names one state of all registers",
    ),
    col("operator", sa.Text, "water company", sa.ForeignKey(operator.c.operator)),
    col("sha256", sa.String(64), "hash of the export's bytes"),
    col("file_name", sa.Text, "name of the export"),
    col("exported_on", sa.Date, "day the operator made the export"),
    col("scope", sa.JSON, "NIS codes the export declares to cover completely; absences count only there"),
    col("loaded_at", Timestamp, "when it was loaded, UTC"),
    col("counts", sa.JSON, "rows, added, unchanged, moved, changed, removed, rejected"),
    sa.UniqueConstraint("operator", "sha256"),
)
hydrant = table(
    "hydrant",
    "A registered hydrant's identity, which never changes",
    col("hydrant_id", sa.Text, "our id, stable over exports", pk=True),
    col("operator", sa.Text, "water company", sa.ForeignKey(operator.c.operator)),
    col("supplier_id", sa.Text, "the operator's own number; empty where the operator gives none", null=True),
    sa.Index(None, "operator", "supplier_id"),
)
hydrant_state = table(
    "hydrant_state",
    "What a register says of a hydrant, from one version until another",
    key("hydrant_state_id", "surrogate"),
    col("hydrant_id", sa.Text, "hydrant", sa.ForeignKey(hydrant.c.hydrant_id)),
    col(
        "from_version_id",
        BigId,
        "first register version that says so",
        sa.ForeignKey(register_version.c.register_version_id),
    ),
    col(
        "to_version_id",
        BigId,
        "first register version that no longer says so; empty while it holds",
        sa.ForeignKey(register_version.c.register_version_id),
        null=True,
    ),
    col("row_number", sa.Integer, "row in the export of from_version_id"),
    col("nis", sa.String(5), "gemeente by the boundaries", sa.ForeignKey(gemeente.c.nis)),
    col("x_l72", sa.Double, "Lambert 72 x in metres"),
    col("y_l72", sa.Double, "Lambert 72 y in metres"),
    col("hydrant_type", sa.Text, "aboveground, underground, rising_point or wall_mounted", null=True),
    col("diameter_mm", sa.Integer, "nominal diameter of the hydrant", null=True),
    col("main_diameter_mm", sa.Integer, "diameter of the main", null=True),
    col("street_names", sa.Text, "street names as the export gives them: none, one or several", null=True),
    col("created_on", sa.Date, "creation date in the export", null=True),
    col("to_check", sa.Text, "what the refresh rule asks to check: coordinates or attributes", null=True),
    sa.Index(None, "hydrant_id"),
    sa.Index(None, "nis"),
    sa.Index(None, "x_l72"),
)
register_rejection = table(
    "register_rejection",
    "Rows of a register export that could not be used",
    col(
        "register_version_id",
        BigId,
        "load",
        sa.ForeignKey(register_version.c.register_version_id),
        pk=True,
    ),
    col("row_number", sa.Integer, "row in the export", pk=True),
    col("reason", sa.Text, "why, in Dutch"),
)
