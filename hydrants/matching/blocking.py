"""Which hydrants a record could be about at all: near its position, near its address, or like its number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.matching.identifiers import pairs_within_one_slip
from hydrants.matching.parameters import FloatArray

NEAREST = 8
_POSITION_RADIUS_SIGMAS = 10.0
_POSITION_RADIUS_MIN_M = 60.0
_ADDRESS_RADIUS_SIGMAS = 4.0


def candidate_pairs(records: pd.DataFrame, hydrants: pd.DataFrame, sigma_m: float) -> pd.DataFrame:
    """Pair each record with the registered hydrants it could be.

    Args:
        records: one row per record, index 0..n-1; columns `ref` (folded number or None), `x`, `y` (given
            position, Lambert 72, NaN if none), `address_x`, `address_y`, `address_accuracy_m`.
        hydrants: one row per active hydrant, index 0..m-1; columns `ref`, `x`, `y`.
        sigma_m: standard deviation per axis of the given positions.

    Returns:
        Columns `record`, `hydrant` (positions in the two frames), distinct, ordered by both.
    """
    tree = cKDTree(hydrants[["x", "y"]].to_numpy(float)) if len(hydrants) else None
    found = [pairs_within_one_slip(records["ref"], hydrants["ref"])]
    if tree is not None:
        radius_m = max(_POSITION_RADIUS_MIN_M, _POSITION_RADIUS_SIGMAS * sigma_m)
        found.append(_near(tree, records[["x", "y"]].to_numpy(float), np.full(len(records), radius_m)))
        reach_m = _ADDRESS_RADIUS_SIGMAS * records["address_accuracy_m"].to_numpy(float)
        found.append(_near(tree, records[["address_x", "address_y"]].to_numpy(float), reach_m))
    pairs = pd.concat(found, ignore_index=True).astype(np.int64)
    return pairs.drop_duplicates().sort_values(["record", "hydrant"], ignore_index=True)


def _near(tree: cKDTree, points: FloatArray, radius_m: FloatArray) -> pd.DataFrame:
    """The `NEAREST` hydrants of each point that lie within its own radius."""
    located = np.flatnonzero(np.isfinite(points).all(axis=1) & np.isfinite(radius_m))
    count = min(NEAREST, tree.n)
    if located.size == 0 or count == 0:
        return pd.DataFrame({"record": np.empty(0, np.int64), "hydrant": np.empty(0, np.int64)})
    distance_m, hydrant = tree.query(points[located], k=np.arange(1, count + 1))
    keep = distance_m <= radius_m[located, None]
    return pd.DataFrame({"record": np.repeat(located, keep.sum(axis=1)), "hydrant": hydrant[keep]})


def surroundings(points: FloatArray, hydrants: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """How densely hydrants stand around each point, and how far the nearest is.

    Args:
        points: n x 2, Lambert 72; NaN where unknown.

    Returns:
        Hydrants per square metre (from the `NEAREST`th neighbour; the median of the others where the point
        is unknown) and metres to the nearest (infinite where unknown).
    """
    density = np.full(len(points), np.nan)
    nearest_m = np.full(len(points), np.inf)
    located = np.flatnonzero(np.isfinite(points).all(axis=1))
    count = min(NEAREST, len(hydrants))
    if located.size and count:
        tree = cKDTree(hydrants[["x", "y"]].to_numpy(float))
        distance_m, _ = tree.query(points[located], k=np.arange(1, count + 1))
        nearest_m[located] = distance_m[:, 0]
        density[located] = count / (np.pi * np.maximum(distance_m[:, -1], 1.0) ** 2)
    typical = np.nanmedian(density) if np.isfinite(density).any() else 1e-5
    return np.where(np.isfinite(density), density, typical), nearest_m
