"""The migrations build what the tables say, on both stores."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hydrants import store
from hydrants.store.tables import metadata
from tests.postgis_server import database


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave out what only PostGIS has: its own table, and the generated points with their indexes."""
    return not (
        (kind == "table" and name in {"spatial_ref_sys", "alembic_version"})
        or (kind == "column" and name == "geom")
        or (kind == "index" and str(name).startswith("gist_"))
    )


def test_migrations_and_tables_agree(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": _is_ours, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        assert len(sa.inspect(connection).get_table_names()) > len(metadata.tables)


def test_texts_are_in_the_order_of_their_characters(postgis_url: str) -> None:
    """As in SQLite, whatever language a server sorts by: what is published rests on the order."""
    engine = store.create_engine(database(postgis_url, "hydrants_template"))
    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT c.table_name || '.' || c.column_name, c.collation_name "
                "FROM information_schema.columns c "
                "JOIN information_schema.tables t USING (table_schema, table_name) "
                "WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type = 'text'"
            )
        ).all()
    engine.dispose()
    assert len(found) > 50
    assert [name for name, collation in found if collation != "C"] == []


def test_postgis_points_are_generated_indexed_and_commented(postgis_url: str) -> None:
    engine = store.create_engine(database(postgis_url, "hydrants_template"))
    with engine.connect() as connection:
        points = connection.execute(
            sa.text(
                "SELECT f_table_name, srid, type FROM geometry_columns "
                "WHERE f_geometry_column = 'geom' ORDER BY f_table_name"
            )
        ).all()
        assert [tuple(row) for row in points] == [
            (name, 31370, "POINT")
            for name in ("address", "current_hydrant", "hydrant_state", "location", "snapshot_hydrant")
        ]
        indexed = connection.execute(
            sa.text("SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%USING gist (geom)%' ORDER BY 1")
        ).scalars()
        assert list(indexed) == ["address", "hydrant_state"]
        uncommented = connection.execute(
            sa.text(
                "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 "
                "AND NOT a.attisdropped AND c.relname NOT IN ('spatial_ref_sys', 'alembic_version') "
                "AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)"
            )
        ).all()
        assert uncommented == []
    engine.dispose()
