"""Readers who may see some gemeenten only: row-level security, and views for QGIS; PostgreSQL only.

The owner of the tables, who writes them each night, is not bound by it. Everybody else sees the rows that
`readable_gemeenten()` names:

- A login that is a member of roles `hydrants_nis_<NIS code>` sees those gemeenten, whatever it says.
- Any other, such as the portal's, sees those in `hydrants.gemeenten`, a setting of the transaction: NIS codes
  with commas between them, and `*` for the lines of a whole water company. Without the setting: no rows.

Who may connect at all is no part of the schema: sql/postgis/reader.sql.

Revision: 0003, follows 0002.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BY_GEMEENTE = ("snapshot_hydrant", "snapshot_progress", "plan_stop", "hydrant_state")
"""Tables with a column `nis`; in snapshot_progress it is empty in the lines of a whole water company."""

# of the login, not of the role that it took: that it cannot change. A membership that only lets make members, as
# who made a role has it, binds nobody.
READABLE_GEMEENTEN = """
CREATE FUNCTION readable_gemeenten() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE held(oid) AS (
    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = session_user
    UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN held ON held.oid = m.member WHERE NOT m.admin_option
  ), bound AS (
    SELECT array_agg(substr(r.rolname, 14)) AS to_nis
      FROM held JOIN pg_catalog.pg_roles r ON r.oid = held.oid
     WHERE r.rolname ~ '^hydrants_nis_[0-9]{5}$'
  )
  SELECT coalesce(to_nis, string_to_array(current_setting('hydrants.gemeenten', true), ',')) FROM bound
$$
"""

# a query of its own: asked once, not row by row
ONCE = "(SELECT readable_gemeenten())::text[]"

CURRENT_HYDRANT = """
CREATE VIEW current_hydrant WITH (security_invoker = true) AS
SELECT h.hydrant_id, h.operator, h.nis, g.name_nl AS gemeente, h.contractor, h.status, h.outcome,
       h.inspected_on, h.tried_on, h.is_conflict, h.is_repaired, s.as_of, h.geom
  FROM current_snapshot c
  JOIN snapshot s ON s.snapshot_id = c.snapshot_id
  JOIN snapshot_hydrant h ON h.snapshot_id = c.snapshot_id
  JOIN gemeente g ON g.nis = h.nis
"""
CURRENT_PROGRESS = """
CREATE VIEW current_progress WITH (security_invoker = true) AS
SELECT p.operator, p.nis, g.name_nl AS gemeente, p.contractor, p.registered, p.checked, p.ok, p.failed,
       p.remaining, s.as_of
  FROM current_snapshot c
  JOIN snapshot s ON s.snapshot_id = c.snapshot_id
  JOIN snapshot_progress p ON p.snapshot_id = c.snapshot_id
  LEFT JOIN gemeente g ON g.nis = p.nis
"""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(READABLE_GEMEENTEN)
    for table in BY_GEMEENTE:
        shown = "coalesce(nis, '*')" if table == "snapshot_progress" else "nis"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_gemeenten ON {table} FOR SELECT USING ({shown} = ANY ({ONCE}))")
    op.execute(CURRENT_HYDRANT)
    op.execute("COMMENT ON VIEW current_hydrant IS 'The hydrants that readers see now, for maps'")
    op.execute(CURRENT_PROGRESS)
    op.execute("COMMENT ON VIEW current_progress IS 'The progress table that readers see now'")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("DROP VIEW current_progress")
    op.execute("DROP VIEW current_hydrant")
    for table in BY_GEMEENTE:
        op.execute(f"DROP POLICY of_gemeenten ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION readable_gemeenten()")
