"""Geocoding: record -> one point in Lambert 72, with its method and accuracy, or none.

Coordinates that the row gives win; what its address says is kept beside them, as
evidence of its own for the matcher. A row with an address alone is placed by it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

from hydrants import store
from hydrants.errors import ReferenceMissing
from hydrants.geocoding.coordinates import GIVEN_ACCURACY_M, recognise
from hydrants.geocoding.resolver import Gazetteer, Resolution
from hydrants.reference import addresses, boundaries
from hydrants.settings import Settings
from hydrants.store import tables

STAGE, PREVIOUS_STAGE = "geocoding", "validation"
VERSION = 1
"""Raised when the same inputs give other results."""

OUTSIDE_M = 250.0
"""A point this far outside the stated gemeente is not explained by GPS noise at the border."""

NO_METHOD = "none"
_NO_PLACE = (np.nan, np.nan, None, np.nan)
_NOT_ASKED = Resolution()


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Locate the accepted records of one batch, upload by upload; what is done already is left alone.

    Args:
        contractor, nis: the batch: uploads of this firm in this gemeente's folder.

    Returns:
        located, unlocated: records of the uploads computed in this run, with and without a point.

    Raises:
        ReferenceMissing: if the boundaries file is absent or lacks a gemeente.
    """
    polygons = boundaries.load(settings.boundaries)
    boundaries_sha256 = hashlib.sha256(settings.boundaries.read_bytes()).hexdigest()
    counts = {"located": 0, "unlocated": 0}
    with store.read(engine) as connection:
        if not _pending(connection, contractor, nis, boundaries_sha256):
            return counts
    with store.write(engine, turn=f"geocoding {contractor}/{nis}") as connection:
        pending = _pending(connection, contractor, nis, boundaries_sha256)
        locations = locate(connection, _records(connection, list(pending)), polygons)
        connection.execute(sa.delete(tables.location).where(tables.location.c.upload_id.in_(list(pending))))
        store.insert_rows(connection, tables.location, locations)
        has_point = locations["x_l72"].notna()
        for upload_id, inputs in pending.items():
            is_here = locations["upload_id"] == upload_id
            of_upload = {
                "located": int((is_here & has_point).sum()),
                "unlocated": int((is_here & ~has_point).sum()),
            }
            store.mark_done(connection, STAGE, f"upload:{upload_id}", inputs, of_upload)
            counts = {name: count + of_upload[name] for name, count in counts.items()}
    return counts


def _pending(connection: sa.Connection, contractor: str, nis: str, boundaries_sha256: str) -> dict[int, str]:
    """The validated uploads whose inputs are not those of their stored locations: id -> fingerprint."""
    upload, state = tables.upload.c, tables.stage_state.c
    scope = sa.literal("upload:") + sa.cast(upload.upload_id, sa.Text)
    query = (
        sa.select(upload.upload_id, state.fingerprint)
        .join(tables.stage_state, sa.and_(state.stage == PREVIOUS_STAGE, state.scope == scope))
        .where(upload.contractor == contractor, upload.nis == nis)
        .order_by(upload.upload_id)
    )
    address_table = addresses.fingerprint(connection)
    wanted = {
        upload_id: store.fingerprint(VERSION, validated, address_table, boundaries_sha256)
        for upload_id, validated in connection.execute(query)
    }
    return {
        upload_id: inputs
        for upload_id, inputs in wanted.items()
        if not store.is_done(connection, STAGE, f"upload:{upload_id}", inputs)
    }


def _records(connection: sa.Connection, upload_ids: list[int]) -> pd.DataFrame:
    record, ledger = tables.record.c, tables.ledger.c
    query = (
        sa.select(
            record.row_id,
            record.upload_id,
            record.nis,
            record.address_text,
            record.postcode,
            record.x_given,
            record.y_given,
            record.crs_given,
        )
        .join(tables.ledger, ledger.row_id == record.row_id)
        .where(record.upload_id.in_(upload_ids), ledger.disposition == "accepted")
        .order_by(record.row_id)
    )
    return store.read_frame(connection, query)


def locate(connection: sa.Connection, records: pd.DataFrame, polygons: gpd.GeoDataFrame) -> pd.DataFrame:
    """Places of records, by their coordinates and by their address.

    Args:
        records: row_id, upload_id, nis, address_text, postcode, x_given, y_given, crs_given.
        polygons: one per gemeente, EPSG:31370, indexed by nis.

    Returns:
        One row per record with the columns of the table `location`.
    """
    given = recognise(
        records["x_given"].to_numpy(dtype=float),
        records["y_given"].to_numpy(dtype=float),
        records["crs_given"],
    )
    address = _by_address(connection, records, given)
    has_coordinates = given["method"].notna()
    method = given["method"].where(has_coordinates, address["method"])
    located = pd.DataFrame(
        {
            "row_id": records["row_id"],
            "upload_id": records["upload_id"],
            "x_l72": given["x_l72"].where(has_coordinates, address["x_l72"]),
            "y_l72": given["y_l72"].where(has_coordinates, address["y_l72"]),
            "location_method": method.where(method.notna(), NO_METHOD),
            "location_accuracy_m": address["accuracy_m"].mask(has_coordinates, GIVEN_ACCURACY_M),
            "corrections": given["corrections"],
            "street": address["street"],
            "address_x_l72": address["x_l72"],
            "address_y_l72": address["y_l72"],
            "address_method": address["method"],
            "address_accuracy_m": address["accuracy_m"],
        }
    )
    located["is_outside_gemeente"] = is_outside(
        located["x_l72"].to_numpy(), located["y_l72"].to_numpy(), records["nis"], polygons
    )
    return located


def _by_address(connection: sa.Connection, records: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """street, x_l72, y_l72, method, accuracy_m per record; each distinct text is resolved once."""
    keys = ["nis", "address_text", "postcode"]
    asked = records[keys].astype(object).where(records[keys].notna(), None)
    distinct = asked[asked["address_text"].notna()].drop_duplicates()
    gazetteer = Gazetteer(connection, distinct["nis"].unique())
    resolved = {key: gazetteer.resolve(*key) for key in distinct.itertuples(index=False, name=None)}
    rows = []
    for key, x_l72, y_l72 in zip(
        asked.itertuples(index=False, name=None), given["x_l72"], given["y_l72"], strict=True
    ):
        resolution = resolved.get(key, _NOT_ASKED)
        rows.append((resolution.street, *(resolution.near(x_l72, y_l72) or _NO_PLACE)))
    columns = {"street": object, "x_l72": float, "y_l72": float, "method": object, "accuracy_m": float}
    return pd.DataFrame(rows, columns=list(columns), index=records.index).astype(columns)


def is_outside(
    x_l72: np.ndarray[Any, Any],
    y_l72: np.ndarray[Any, Any],
    nis: pd.Series[Any],
    polygons: gpd.GeoDataFrame,
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each point lies more than `OUTSIDE_M` outside its gemeente; False where there is no point.

    Raises:
        ReferenceMissing: if a gemeente has no polygon.
    """
    outside = np.zeros(len(x_l72), dtype=bool)
    for code, positions in nis.groupby(nis).indices.items():
        if code not in polygons.index:
            raise ReferenceMissing(f"the boundaries file has no polygon for nis {code}")
        polygon = polygons.geometry.loc[code]
        shapely.prepare(polygon)
        rows = positions[~np.isnan(x_l72[positions])]
        rows = rows[~shapely.contains_xy(polygon, x_l72[rows], y_l72[rows])]
        outside[rows] = shapely.distance(polygon, shapely.points(x_l72[rows], y_l72[rows])) > OUTSIDE_M
    return outside
