"""The stage: one batch's records in, its `match` rows out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import reference, register, review, store
from hydrants.matching.identifiers import fold
from hydrants.matching.linking import CONCLUSIVE, link
from hydrants.matching.parameters import Parameters
from hydrants.reference.addresses import street_key
from hydrants.settings import Settings
from hydrants.store.tables import ledger, location, match, raw_row, raw_sheet, record, stage_state, upload

STAGE = "matching"
VERSION = 1

_MARGIN_M = 500.0  # a crew at the border, or a gross error across it
_SEVERAL_STREETS = re.compile(r"[,;/]")


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Match every accepted record of a batch to the register; a no-op when nothing it depends on changed.

    Returns:
        Records by verdict (linked, review, new, unlocated) if they were computed anew, else zeros.
    """
    scope = f"batch:{contractor}/{nis}"
    with store.write(engine, turn=f"matching {contractor}/{nis}") as connection:
        version_id = register.latest_version(connection)
        decisions = _decisions(connection, contractor, nis)
        inputs = store.fingerprint(
            VERSION,
            asdict(Parameters()),
            settings.link_probability,
            version_id,
            sorted(decisions.items()),
            sorted(row[:3] for row in reference.contracts()),
            _geocoded(connection, contractor, nis),
        )
        counts = {"linked": 0, "review": 0, "new": 0, "unlocated": 0}
        if store.is_done(connection, STAGE, scope, inputs):
            return counts
        records = _records(connection, contractor, nis, decisions)
        hydrants = _hydrants(
            connection, contractor, sorted({nis, *records["nis"]}), records["ref"], version_id
        )
        verdicts, parameters = link(records, hydrants, link_probability=settings.link_probability)
        rows = _match_rows(records, hydrants, verdicts, contractor, nis)
        uploads = sa.select(upload.c.upload_id).where(upload.c.contractor == contractor, upload.c.nis == nis)
        connection.execute(sa.delete(match).where(match.c.upload_id.in_(uploads)))
        store.insert_rows(connection, match, rows)
        counts |= {str(verdict): int(n) for verdict, n in rows["verdict"].value_counts().items()}
        store.mark_done(connection, STAGE, scope, inputs, counts | {"parameters": asdict(parameters)})
    return counts


def _geocoded(connection: sa.Connection, contractor: str, nis: str) -> list[tuple[str, str]]:
    """Which state of geocoding each upload of the batch is in."""
    scope = sa.literal("upload:") + sa.cast(upload.c.upload_id, sa.Text)
    query = (
        sa.select(upload.c.sha256, stage_state.c.fingerprint)
        .join(stage_state, sa.and_(stage_state.c.stage == "geocoding", stage_state.c.scope == scope))
        .where(upload.c.contractor == contractor, upload.c.nis == nis)
        .order_by(upload.c.sha256)
    )
    return [tuple(row) for row in connection.execute(query)]


def _decisions(connection: sa.Connection, contractor: str, nis: str) -> dict[int, str]:
    """What people decided on rows of the batch: hydrant_id by row_id, empty for "not in the register"."""
    standing: dict[tuple[Any, ...], str] = {}
    for decided in review.active(connection).to_dict("records"):
        place = (decided["sha256"], decided["sheet"], decided["row_number"])
        standing[place] = decided["hydrant_id"] or ""
    if not standing:
        return {}
    query = (
        # a decision on a row that turned out to repeat another one is a decision on that other
        sa.select(
            sa.func.coalesce(ledger.c.duplicate_of_row_id, raw_row.c.row_id),
            upload.c.sha256,
            raw_sheet.c.sheet,
            raw_row.c.row_number,
        )
        .join(upload, upload.c.upload_id == raw_row.c.upload_id)
        .join(
            raw_sheet,
            sa.and_(
                raw_sheet.c.upload_id == raw_row.c.upload_id,
                raw_sheet.c.sheet_number == raw_row.c.sheet_number,
            ),
        )
        .join(ledger, ledger.c.row_id == raw_row.c.row_id)
        .where(upload.c.contractor == contractor, upload.c.nis == nis)
        .where(upload.c.sha256.in_({sha256 for sha256, _, _ in standing}))
        .order_by(upload.c.sha256, raw_row.c.row_id)
    )
    return {
        row_id: standing[place]
        for row_id, *rest in connection.execute(query)
        if (place := tuple(rest)) in standing
    }


def _records(connection: sa.Connection, contractor: str, nis: str, decisions: dict[int, str]) -> pd.DataFrame:
    query = (
        sa.select(
            record.c.row_id,
            record.c.upload_id,
            record.c.nis,
            record.c.hydrant_ref,
            record.c.inspected_on,
            record.c.outcome,
            record.c.is_reinspection,
            record.c.superseded_by_row_id,
            record.c.is_withdrawn,
            record.c.hydrant_type,
            record.c.diameter_mm,
            location.c.x_l72,
            location.c.y_l72,
            location.c.location_method,
            location.c.street,
            location.c.address_x_l72.label("address_x"),
            location.c.address_y_l72.label("address_y"),
            location.c.address_accuracy_m,
        )
        .join(ledger, ledger.c.row_id == record.c.row_id)
        .join(upload, upload.c.upload_id == record.c.upload_id)
        .join(location, location.c.row_id == record.c.row_id)
        .where(upload.c.contractor == contractor, upload.c.nis == nis, ledger.c.disposition == "accepted")
        # an order that does not depend on which file arrived first
        .order_by(upload.c.sha256, record.c.row_id)
    )
    rows = store.read_frame(connection, query)
    is_given = rows["location_method"].str.startswith("given").to_numpy(bool)
    is_current = rows["superseded_by_row_id"].isna() & ~rows["is_withdrawn"].astype(bool)
    number = {"address_x": float, "address_y": float, "address_accuracy_m": float}
    return rows.astype(number).assign(
        ref=_objects(fold(reference) for reference in _texts(rows["hydrant_ref"])),
        x=rows["x_l72"].astype(float).where(is_given),
        y=rows["y_l72"].astype(float).where(is_given),
        street_key=_objects(street_key(name) if name else None for name in _texts(rows["street"])),
        day=[day.toordinal() for day in rows["inspected_on"]],
        competes=rows["outcome"].isin(CONCLUSIVE) & ~rows["is_reinspection"].astype(bool) & is_current,
        decided=_objects(decisions.get(row_id) for row_id in rows["row_id"]),
    )


def _hydrants(
    connection: sa.Connection, contractor: str, gemeenten: list[str], numbers: pd.Series, version_id: int
) -> pd.DataFrame:
    """The hydrants of these gemeenten and around, and those anywhere that have a number written here.

    Without the latter, a number that is right but of another gemeente would pass for a slip.
    """
    near = [register.active_near(connection, nis, _MARGIN_M, version_id) for nis in gemeenten]
    numbered = register.active_numbered(connection, numbers.dropna(), version_id)
    rows = (
        pd.concat([*near, numbered])
        .drop_duplicates("hydrant_id")
        .sort_values("hydrant_id", ignore_index=True)
    )
    operators = {nis: reference.contracted(contractor, nis) for nis in rows["nis"].unique()}
    return rows.assign(
        ref=_objects(fold(number) for number in _texts(rows["supplier_id"])),
        x=rows["x_l72"].astype(float),
        y=rows["y_l72"].astype(float),
        street_keys=_objects(_street_keys(names) for names in _texts(rows["street_names"])),
        is_contracted=[
            operator in operators[nis] for operator, nis in zip(rows["operator"], rows["nis"], strict=True)
        ],
    )


def _street_keys(names: str | None) -> frozenset[str]:
    return (
        frozenset(street_key(name) for name in _SEVERAL_STREETS.split(names) if name.strip())
        if names
        else frozenset()
    )


def _texts(column: pd.Series) -> list[str | None]:
    """The values of a text column, None where there is none."""
    return [value if isinstance(value, str) else None for value in column]


def _objects(values: Iterable[object]) -> pd.Series:
    """A column of Python objects: pandas would make text columns of it, with NaN for None."""
    return pd.Series(list(values), dtype=object)


def _match_rows(
    records: pd.DataFrame, hydrants: pd.DataFrame, verdicts: pd.DataFrame, contractor: str, nis: str
) -> pd.DataFrame:
    rows = verdicts.assign(row_id=records["row_id"], upload_id=records["upload_id"], hydrant_id=None)
    rows["hydrant_id"] = rows["best_hydrant_id"].where(rows["verdict"] == "linked", None)
    # a person may have chosen a hydrant that lies outside what was looked at here
    is_decided = records["decided"].notna() & (records["decided"] != "")
    rows.loc[is_decided, "verdict"] = "linked"
    rows.loc[is_decided, "match_method"] = "decision"
    rows.loc[is_decided, "score"] = 1.0
    for column in ("hydrant_id", "best_hydrant_id"):
        rows.loc[is_decided, column] = records.loc[is_decided, "decided"]
    is_contracted = hydrants.set_index("hydrant_id")["is_contracted"]
    rows["is_other_contractor"] = rows["hydrant_id"].map(is_contracted).eq(False)
    return rows
