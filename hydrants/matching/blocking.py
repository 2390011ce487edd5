"""Which hydrants a record could be about at all: near its position, near its address, or like its number."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

from hydrants.matching.identifiers import pairs_within_one_slip
from hydrants.matching.parameters import FloatArray

NEAREST = 8
_POSITION_RADIUS_SIGMAS = 10.0
_POSITION_RADIUS_MIN_M = 60.0
_ADDRESS_RADIUS_SIGMAS = 4.0
_CELLS_ACROSS = 7
_SPARSE_PER_M2 = 1e-6  # one hydrant per square kilometre: the open country


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


def surroundings(
    points: FloatArray, hydrants: pd.DataFrame, radius_m: float
) -> tuple[FloatArray, FloatArray]:
    """How densely hydrants stand around each point, and how far the nearest is.

    The density is read from a grid of small cells, smoothed over a square as wide as the circle of
    `radius_m`: exact counts would cost more than all the rest and tell nothing more.

    Args:
        points: n x 2, Lambert 72; NaN where unknown.
        radius_m: how far around to look.

    Returns:
        Hydrants per square metre (the median of the others where the point is unknown) and metres to the
        nearest (infinite where unknown).
    """
    placed = hydrants[["x", "y"]].to_numpy(float)
    located = np.flatnonzero(np.isfinite(points).all(axis=1))
    density = np.full(len(points), _SPARSE_PER_M2)
    nearest_m = np.full(len(points), np.inf)
    if not len(placed) or not located.size:
        return density, nearest_m
    nearest_m[located] = cKDTree(placed).query(points[located])[0]
    cell_m = 2 * radius_m / _CELLS_ACROSS
    origin = placed.min(axis=0)
    at_cell = ((placed - origin) / cell_m).astype(np.int64)
    shape = at_cell.max(axis=0) + 1
    counts = np.zeros(shape)
    np.add.at(counts, tuple(at_cell.T), 1)
    smooth = uniform_filter(counts, _CELLS_ACROSS, mode="constant") / cell_m**2
    cell = np.clip(((points[located] - origin) / cell_m).astype(np.int64), 0, shape - 1)
    density[located] = np.maximum(smooth[tuple(cell.T)], _SPARSE_PER_M2)
    unknown = np.setdiff1d(np.arange(len(points)), located)
    density[unknown] = np.median(density[located])
    return density, nearest_m
