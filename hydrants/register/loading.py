"""Taking up one register export as a new version."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa

from hydrants import journal, reference, store, workers
from hydrants.errors import RegisterRejected
from hydrants.journal import Event
from hydrants.register import areas, exports, profile, rule
from hydrants.register.reads import active, inactive
from hydrants.settings import Settings
from hydrants.store.files import sha256_of
from hydrants.store.tables import hydrant, hydrant_state, register_rejection, register_version

_LARGE_BYTES = 20_000_000
"""From some hundred thousand rows on, an export takes so much room that it is read apart."""

_COUNTED = ("added", "unchanged", "moved", "changed")
_STATE_COLUMNS = ["hydrant_id", "nis", "x_l72", "y_l72", *profile.ATTRIBUTES, "to_check"]


def load(
    engine: sa.Engine,
    settings: Settings,
    operator: str,
    path: Path,
    *,
    exported_on: date | None = None,
    scope: list[str] | None = None,
) -> dict[str, Any]:
    """Load a register export as a new version; a no-op for bytes that were loaded before.

    Args:
        engine: the store.
        settings: says where the gemeente boundaries are.
        operator: key of the water company.
        path: CSV, GeoPackage, GeoJSON or zipped shapefile; `<stem>.yml` beside it may state
            `exported_on` and `scope`.
        exported_on: day the operator made the export; outranks the sidecar.
        scope: NIS codes the export covers completely; outranks the sidecar. Without a scope
            no hydrant is ever taken to be removed.

    Returns:
        register_version_id, is_new, unknown_columns, and counts of rows, added, unchanged,
        moved, changed, removed, rejected.

    Raises:
        RegisterRejected: when the export as a whole cannot be used, has no date, or is older
            than the newest one of this operator.
        ProfileError: when the operator has no usable profile.
        ReferenceMissing: when there are no boundaries.
    """
    profile.load(operator)  # says what is wrong with it before anything is read
    declared = exports.declared(path)
    exported_on = exported_on or declared.get("exported_on")
    scope = declared.get("scope", []) if scope is None else scope
    if exported_on is None:
        raise RegisterRejected(
            f"{path.name}: exported_on is required: give the day of the export, or write "
            f"'exported_on: YYYY-MM-DD' into {path.stem}.yml beside it"
        )
    if unknown := sorted(set(scope) - set(reference.gemeenten())):
        raise RegisterRejected(f"{path.name}: the scope names unknown gemeenten: {', '.join(unknown)}")

    journal.catch_up(engine, settings.landing, KINDS)
    digest = sha256_of(path)
    with store.read(engine) as connection:
        if (known := _loaded(connection, operator, digest, exported_on)) is not None:
            journal.keep(settings.landing, path)  # it may have been loaded before there was a journal
            return known
    new = _New(operator, path, digest, exported_on, sorted(scope))
    if path.stat().st_size > _LARGE_BYTES:
        return workers.apart(engine, settings, _load_new, new)
    return _load_new(engine, settings, new)


class _New(NamedTuple):
    """An export that was not loaded before: its bytes, the day it was made, and the gemeenten it covers."""

    operator: str
    path: Path
    sha256: str
    exported_on: date
    scope: list[str]


def _load_new(engine: sa.Engine, settings: Settings, new: _New) -> dict[str, Any]:
    operator, path, digest, exported_on, scope = new
    operator_profile = profile.load(operator)
    rows, unknown_columns = _rows(operator_profile, path, settings.boundaries)
    if journal.keep(settings.landing, path) != digest:
        raise RegisterRejected(f"{path.name} changed while it was read: load it once more")
    said = {
        "operator": operator,
        "file_name": path.name,
        "sha256": digest,
        "exported_on": exported_on.isoformat(),
        "scope": scope,
        "boundaries": journal.keep_dataset(settings.landing, settings.boundaries),
    }

    with store.write(engine, turn=LOADED.turn) as connection:
        if (known := _loaded(connection, operator, digest, exported_on)) is not None:
            return known
        _refuse_older(connection, operator, path.name, exported_on)
        changes = _changes(connection, operator_profile, operator, scope, rows)
        if changes.rows["reason"].notna().all():
            raise RegisterRejected(f"{path.name} has no usable row{_first_reason(changes.rows)}")
        event = journal.record(connection, settings.landing, LOADED, said)
        return _write_version(connection, event, changes, unknown_columns)


def _apply_loaded(connection: sa.Connection, landing: Path, event: Event) -> None:
    """An export was loaded, with the boundaries of then; nothing when it is there."""
    said = event.body
    is_it = (register_version.c.operator == said["operator"]) & (register_version.c.sha256 == said["sha256"])
    if connection.execute(sa.select(register_version.c.sha256).where(is_it)).first() is not None:
        return
    operator_profile = profile.load(said["operator"])
    with (
        journal.laid_out(landing, {said["file_name"]: said["sha256"]}) as folder,
        journal.laid_out(landing, said["boundaries"]) as areas_folder,
    ):
        areas_file = areas_folder / next(iter(said["boundaries"]))
        rows, unknown_columns = _rows(operator_profile, folder / said["file_name"], areas_file)
    changes = _changes(connection, operator_profile, said["operator"], said["scope"], rows)
    _write_version(connection, event, changes, unknown_columns)


LOADED = journal.Kind("register", "register", _apply_loaded)
KINDS = (LOADED,)


def _rows(
    operator_profile: profile.Profile, path: Path, boundaries_file: Path
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of an export with their gemeente, and its columns that nobody knows."""
    export = profile.read_rows(operator_profile, exports.read(path, operator_profile.delimiter))
    return areas.with_gemeente(export.frame, boundaries_file), export.unknown_columns


def _changes(
    connection: sa.Connection,
    operator_profile: profile.Profile,
    operator: str,
    scope: list[str],
    rows: pd.DataFrame,
) -> rule.Changes:
    """What the rows change in the register as it is now."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.exec_driver_sql("LOCK TABLE register_version IN SHARE ROW EXCLUSIVE MODE")
    newest_id = sa.func.coalesce(sa.func.max(register_version.c.register_version_id), 0)
    return rule.compare(
        rows,
        active(connection, connection.execute(sa.select(newest_id)).scalar_one(), operator=operator),
        inactive(connection, operator),
        operator,
        scope,
        has_ids=operator_profile.has_ids,
    )


def _write_version(
    connection: sa.Connection, event: Event, changes: rule.Changes, unknown_columns: list[str]
) -> dict[str, Any]:
    """Write a new version of the register; what `load` returns."""
    said = event.body
    tally = changes.rows["change"].value_counts()
    counts: dict[str, Any] = {
        "rows": len(changes.rows),
        **{name: int(tally.get(name, 0)) for name in _COUNTED},
        "removed": len(changes.removed),
        "rejected": int(changes.rows["reason"].notna().sum()),
        "unknown_columns": unknown_columns,
    }
    version = connection.execute(
        sa.insert(register_version)
        .values(
            **{key: said[key] for key in ("operator", "sha256", "file_name", "scope")},
            exported_on=date.fromisoformat(said["exported_on"]),
            loaded_at=event.at,
            counts=counts,
        )
        .returning(register_version.c.register_version_id)
    ).scalar_one()
    _write(connection, version, said["operator"], changes)
    return {"register_version_id": version, "is_new": True, **counts}


def _loaded(
    connection: sa.Connection, operator: str, digest: str, exported_on: date
) -> dict[str, Any] | None:
    """What `load` returned for these bytes, if it had them before."""
    version = register_version.c
    query = sa.select(version.register_version_id, version.exported_on, version.counts).where(
        version.operator == operator, version.sha256 == digest
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    newest = _newest(connection, operator)
    if newest is not None and row.exported_on < newest < exported_on:
        raise RegisterRejected(
            f"the export of {exported_on} is byte for byte that of {row.exported_on}, which the one of "
            f"{newest} has replaced: ask {operator} for a new export"
        )
    return {"register_version_id": row.register_version_id, "is_new": False, **row.counts}


def _newest(connection: sa.Connection, operator: str) -> date | None:
    """Day of the newest export of an operator."""
    query = sa.select(sa.func.max(register_version.c.exported_on))
    return connection.execute(query.where(register_version.c.operator == operator)).scalar()


def _refuse_older(connection: sa.Connection, operator: str, name: str, exported_on: date) -> None:
    newest = _newest(connection, operator)
    if newest is not None and exported_on < newest:
        raise RegisterRejected(
            f"{name} was exported on {exported_on}, before the newest export of {operator} that is "
            f"loaded ({newest}): exports are loaded in the order in which they were made"
        )


def _first_reason(rows: pd.DataFrame) -> str:
    return f": row {rows.index[0]}: {rows['reason'].iloc[0]}" if len(rows) else ""


def _write(connection: sa.Connection, version: int, operator: str, changes: rule.Changes) -> None:
    rows = changes.rows.rename_axis("row_number").reset_index()
    fresh = rows.loc[rows["is_new_hydrant"], ["hydrant_id", "supplier_id"]]
    store.insert_rows(connection, hydrant, fresh.assign(operator=operator))
    ended = [int(key) for key in rows["old_state_id"].dropna()] + changes.removed
    for start in range(0, len(ended), 10_000):
        connection.execute(
            sa.update(hydrant_state)
            .where(hydrant_state.c.hydrant_state_id.in_(ended[start : start + 10_000]))
            .values(to_version_id=version)
        )
    begins = rows["change"].isin(["added", "moved", "changed"])
    states = rows.loc[begins, ["row_number", *_STATE_COLUMNS]].assign(from_version_id=version)
    store.insert_rows(connection, hydrant_state, states)
    rejected = rows.loc[rows["reason"].notna(), ["row_number", "reason"]]
    store.insert_rows(connection, register_rejection, rejected.assign(register_version_id=version))
    store.refresh_statistics_within(connection, hydrant, hydrant_state)  # matching reads them next
