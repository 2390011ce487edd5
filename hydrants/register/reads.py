"""The register as other parts read it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

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
    connection: sa.Connection,
    gemeenten: Collection[str],
    margin_m: float,
    register_version_id: int | None = None,
) -> pd.DataFrame:
    """The active hydrants of some gemeenten and those just over their borders.

    Args:
        connection: an open transaction.
        gemeenten: NIS codes; one without hydrants adds none.
        margin_m: how far around the bounding box of each gemeente's hydrants, in metres.
        register_version_id: a state of the registers (default: the newest).

    Returns:
        What identifies and describes each hydrant in one of these boxes, of whatever gemeente it is: as
        `active`, without created_on, to_check, main_diameter_mm, hydrant_state_id and from_version_id.
    """
    version = latest_version(connection) if register_version_id is None else register_version_id
    boxes = connection.execute(
        sa.select(
            sa.func.min(_STATE.x_l72) - margin_m,
            sa.func.max(_STATE.x_l72) + margin_m,
            sa.func.min(_STATE.y_l72) - margin_m,
            sa.func.max(_STATE.y_l72) + margin_m,
        )
        .where(_STATE.nis.in_(sorted(gemeenten)), *_is_active(version))
        .group_by(_STATE.nis)
    )
    inside = [
        _STATE.x_l72.between(west, east) & _STATE.y_l72.between(south, north)
        for west, east, south, north in boxes
    ]
    return store.read_frame(connection, _described(version).where(sa.or_(sa.false(), *inside)))


def active_numbered(
    connection: sa.Connection, supplier_ids: Iterable[str], register_version_id: int | None = None
) -> pd.DataFrame:
    """The active hydrants, wherever they are, whose operator numbers them so.

    Args:
        connection: an open transaction.
        supplier_ids: operators' numbers; those that no hydrant has are passed over.
        register_version_id: a state of the registers (default: the newest).

    Returns:
        As `active_near`.
    """
    version = latest_version(connection) if register_version_id is None else register_version_id
    asked = store.texts_table(connection, sorted(set(supplier_ids)))
    query = _described(version).where(hydrant.c.supplier_id.in_(sa.select(asked.c.value)))
    return store.read_frame(connection, query)


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


def _described(version: int) -> sa.Select[tuple[object, ...]]:
    """What identifies and describes the active hydrants, in order of hydrant_id."""
    of_state = _STATE.nis, _STATE.x_l72, _STATE.y_l72, _STATE.hydrant_type, _STATE.diameter_mm
    return _active(version, hydrant.c.operator, hydrant.c.supplier_id, *of_state, _STATE.street_names)


def _active_query(version: int) -> sa.Select[tuple[object, ...]]:
    return _active(
        version,
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


def _active(version: int, *columns: sa.ColumnElement[Any]) -> sa.Select[tuple[object, ...]]:
    """hydrant_id and other columns of the active hydrants, in order of hydrant_id."""
    return (
        sa.select(hydrant.c.hydrant_id, *columns)
        .join_from(hydrant_state, hydrant, hydrant.c.hydrant_id == _STATE.hydrant_id)
        .where(*_is_active(version))
        .order_by(hydrant.c.hydrant_id)
    )


def _is_active(version: int) -> tuple[sa.ColumnElement[bool], ...]:
    """What holds for the states that hydrants have in a version of the register."""
    return (
        _STATE.from_version_id <= version,
        sa.or_(_STATE.to_version_id.is_(None), _STATE.to_version_id > version),
    )
