"""A store without any upload again: much sooner than a new one."""

from __future__ import annotations

import sqlalchemy as sa

from hydrants import store
from hydrants.store import tables

_KEPT = {
    *("gemeente", "operator", "contract", "address"),
    *("register_version", "register_rejection", "hydrant", "hydrant_state"),
}
"""Tables of what is known beside the uploads."""


def forget_uploads(engine: sa.Engine) -> None:
    """Empty every table but those of reference data and registers."""
    with store.write(engine) as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in _KEPT:
                connection.execute(sa.delete(table))
