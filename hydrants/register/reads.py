"""The register as other parts read it."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.errors import ReferenceMissing
from hydrants.store.tables import hydrant, hydrant_state, register_version

_STATE = hydrant_state.c


def latest_version(connection: sa.Connection) -> int:
    """The number of the newest register version, which names one state of all registers.

    Raises:
        ReferenceMissing: when no register was ever loaded.
    """
    version = connection.execute(sa.select(sa.func.max(register_version.c.register_version_id))).scalar()
    if version is None:
        raise ReferenceMissing(
            "no hydrant register is loaded yet: put an export into HYDRANTS_REGISTERS/<operator>/, "
            "or run 'hydrants register load --operator OPERATOR FILE'"
        )
    return int(version)


def active(
    connection: sa.Connection, register_version_id: int | None = None, *, operator: str | None = None
) -> pd.DataFrame:
    """The active hydrants of a register version (default: the newest).

    Args:
        connection: an open transaction.
        register_version_id: a state of the registers.
        operator: only this water company's.

    Returns:
        One row per active hydrant, in order of hydrant_id: hydrant_id, operator, supplier_id,
        nis, x_l72, y_l72 (metres), hydrant_type, diameter_mm, main_diameter_mm, street_names,
        created_on, to_check, hydrant_state_id, from_version_id.
    """
    version = latest_version(connection) if register_version_id is None else register_version_id
    query = _active_query(version)
    return store.read_frame(
        connection, query if operator is None else query.where(hydrant.c.operator == operator)
    )


def active_near(
    connection: sa.Connection, nis: str, margin_m: float, register_version_id: int | None = None
) -> pd.DataFrame:
    """The active hydrants of a gemeente and those just over its border.

    Args:
        connection: an open transaction.
        nis: gemeente.
        margin_m: how far around the bounding box of the gemeente's hydrants, in metres.
        register_version_id: a state of the registers (default: the newest).

    Returns:
        As `active`: the hydrants of this gemeente and any other
        within that box; empty when the gemeente has no hydrants.
    """
    version = latest_version(connection) if register_version_id is None else register_version_id
    own = _active_query(version).where(_STATE.nis == nis).subquery()
    box = connection.execute(
        sa.select(
            sa.func.min(own.c.x_l72),
            sa.func.max(own.c.x_l72),
            sa.func.min(own.c.y_l72),
            sa.func.max(own.c.y_l72),
        )
    ).one()
    query = _active_query(version)
    if box[0] is None:
        return store.read_frame(connection, query.where(sa.false()))
    west, east, south, north = box
    return store.read_frame(
        connection,
        query.where(
            _STATE.x_l72.between(west - margin_m, east + margin_m),
            _STATE.y_l72.between(south - margin_m, north + margin_m),
        ),
    )


def active_numbered(
    connection: sa.Connection, supplier_ids: Iterable[str], register_version_id: int | None = None
) -> pd.DataFrame:
    """The active hydrants, wherever they are, whose operator numbers them so.

    Args:
        connection: an open transaction.
        supplier_ids: operators' numbers; those that no hydrant has are passed over.
        register_version_id: a state of the registers (default: the newest).

    Returns:
        As `active`.
    """
    version = latest_version(connection) if register_version_id is None else register_version_id
    query = _active_query(version)
    asked = store.texts_table(connection, sorted(set(supplier_ids)))
    return store.read_frame(connection, query.where(hydrant.c.supplier_id.in_(sa.select(asked.c.value))))


def inactive(connection: sa.Connection, operator: str) -> pd.DataFrame:
    """The hydrants of an operator that no export lists any more, with where each was last.

    Returns:
        hydrant_id, supplier_id, x_l72, y_l72; one row per hydrant, in order of hydrant_id.
    """
    last = (
        sa.select(_STATE.hydrant_id, sa.func.max(_STATE.from_version_id).label("from_version_id"))
        .group_by(_STATE.hydrant_id)
        .having(sa.func.count() == sa.func.count(_STATE.to_version_id))  # none of its states still holds
        .subquery()
    )
    query = (
        sa.select(hydrant.c.hydrant_id, hydrant.c.supplier_id, _STATE.x_l72, _STATE.y_l72)
        .join(last, last.c.hydrant_id == hydrant.c.hydrant_id)
        .join(
            hydrant_state,
            (_STATE.hydrant_id == last.c.hydrant_id) & (_STATE.from_version_id == last.c.from_version_id),
        )
        .where(hydrant.c.operator == operator)
        .order_by(hydrant.c.hydrant_id)
    )
    return store.read_frame(connection, query)


def _active_query(version: int) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(
            hydrant.c.hydrant_id,
            hydrant.c.operator,
            hydrant.c.supplier_id,
            _STATE.nis,
            _STATE.x_l72,
            _STATE.y_l72,
            _STATE.hydrant_type,
            _STATE.diameter_mm,
            _STATE.main_diameter_mm,
            _STATE.street_names,
            _STATE.created_on,
            _STATE.to_check,
            _STATE.hydrant_state_id,
            _STATE.from_version_id,
        )
        .join(hydrant, hydrant.c.hydrant_id == _STATE.hydrant_id)
        .where(
            _STATE.from_version_id <= version,
            sa.or_(_STATE.to_version_id.is_(None), _STATE.to_version_id > version),
        )
        .order_by(hydrant.c.hydrant_id)
    )
