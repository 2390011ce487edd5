"""A batch out of the store, as the frames that the matcher wants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
import sqlalchemy as sa

from hydrants import reference, register, review, store
from hydrants.matching.identifiers import fold
from hydrants.matching.linking import CONCLUSIVE
from hydrants.reference.addresses import street_key
from hydrants.store.tables import ledger, location, record, rows_of, stage_state, upload

_MARGIN_M = 500.0  # a crew at the border, or a gross error across it
_SEVERAL_STREETS = re.compile(r"[,;/]")


def geocoded(connection: sa.Connection, contractor: str, nis: str) -> list[tuple[str, str]]:
    """Which state of geocoding each upload of the batch is in."""
    scope = sa.literal("upload:") + sa.cast(upload.c.upload_id, sa.Text)
    query = (
        sa.select(upload.c.sha256, stage_state.c.fingerprint)
        .join(stage_state, sa.and_(stage_state.c.stage == "geocoding", stage_state.c.scope == scope))
        .where(upload.c.contractor == contractor, upload.c.nis == nis)
        .order_by(upload.c.sha256)
    )
    return [tuple(row) for row in connection.execute(query)]


@dataclass(frozen=True)
class Decisions:
    """What people decided on rows of a batch.

    Attributes:
        chosen: hydrant_id by row_id, empty for "not in the register".
        open: rows that people decided, but not so that it holds: for a hydrant that the register lost since,
            or one way for the row and another way for a row that repeats it.
    """

    chosen: dict[int, str]
    open: frozenset[int]


NO_DECISIONS = Decisions({}, frozenset())


def decisions(connection: sa.Connection, contractor: str, nis: str) -> Decisions:
    """The decisions that stand on rows of the batch."""
    said = review.said(connection, contractor, nis)
    chosen = {row_id: one.hydrant_ids[0] for row_id, one in said.items() if one.is_clear}
    return Decisions(chosen, frozenset(said.keys() - chosen.keys()))


def uploads(connection: sa.Connection, contractor: str, nis: str) -> Sequence[int]:
    """The numbers of a batch's uploads."""
    is_in_batch = (upload.c.contractor == contractor) & (upload.c.nis == nis)
    return connection.execute(sa.select(upload.c.upload_id).where(is_in_batch)).scalars().all()


def records(connection: sa.Connection, contractor: str, nis: str, decided: Decisions) -> pd.DataFrame:
    """The accepted records of a batch, as `link` wants them, with their `row_id` and `upload_id`."""
    upload_ids = uploads(connection, contractor, nis)
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
            location.c.is_outside_gemeente,
        )
        .join(ledger, ledger.c.row_id == record.c.row_id)
        .join(upload, upload.c.upload_id == record.c.upload_id)
        .join(location, location.c.row_id == record.c.row_id)
        .where(*(rows_of(one, upload_ids) for one in (record, ledger, location)))
        .where(ledger.c.disposition == "accepted")
        # an order that does not depend on which file arrived first
        .order_by(upload.c.sha256, record.c.row_id)
    )
    rows = store.read_frame(connection, query)
    is_given = rows["location_method"].str.startswith("given").to_numpy(bool)
    is_current = rows["superseded_by_row_id"].isna() & ~rows["is_withdrawn"].astype(bool)
    number = {"address_x": float, "address_y": float, "address_accuracy_m": float}
    return rows.astype(number).assign(
        ref=_objects(fold(reference) for reference in rows["hydrant_ref"]),
        x=rows["x_l72"].astype(float).where(is_given),
        y=rows["y_l72"].astype(float).where(is_given),
        street_key=_objects(street_key(name) if name else None for name in rows["street"]),
        day=[day.toordinal() for day in rows["inspected_on"]],
        competes=rows["outcome"].isin(CONCLUSIVE) & ~rows["is_reinspection"].astype(bool) & is_current,
        source=rows["upload_id"],
        is_current=is_current,
        is_outside=rows["is_outside_gemeente"].astype(bool),
        decided=_objects(decided.chosen.get(row_id) for row_id in rows["row_id"]),
        is_open=rows["row_id"].isin(decided.open),
    )


def hydrants(
    connection: sa.Connection, contractor: str, gemeenten: list[str], numbers: set[str], version_id: int
) -> pd.DataFrame:
    """The hydrants of these gemeenten and around, and those anywhere that have a number written here.

    Without the latter, a number that is right but of another gemeente would pass for a slip.
    """
    near = register.active_near(connection, gemeenten, _MARGIN_M, version_id)
    numbered = register.active_numbered(connection, numbers, version_id)
    rows = (
        pd.concat([near, numbered]).drop_duplicates("hydrant_id").sort_values("hydrant_id", ignore_index=True)
    )
    operators = {nis: reference.contracted(contractor, nis) for nis in rows["nis"].unique()}
    return rows.assign(
        ref=_objects(fold(number) for number in rows["supplier_id"]),
        x=rows["x_l72"].astype(float),
        y=rows["y_l72"].astype(float),
        street_keys=_objects(_street_keys(names) for names in rows["street_names"]),
        is_contracted=[
            operator in operators[nis] for operator, nis in zip(rows["operator"], rows["nis"], strict=True)
        ],
    )


@lru_cache(maxsize=100_000)
def _street_keys(names: str | None) -> frozenset[str]:
    if not names:
        return frozenset()
    return frozenset(street_key(name) for name in _SEVERAL_STREETS.split(names) if name.strip())


def _objects(values: Iterable[object]) -> pd.Series:
    """A column of Python objects: pandas would make text columns of it, with NaN for None."""
    return pd.Series(list(values), dtype=object)
