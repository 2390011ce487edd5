"""Which sightings speak of one hydrant: those close together, and those that wrote the same number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

SIGMAS = 3.0
LEAST_REACH_M = 10.0
TELLING_ACCURACY_M = 15.0
"""A place less sure than that of a house number does not tell one hydrant of a street from the next."""
ONE_NUMBER_WITHIN_M = 300.0
"""As far as gross errors reach; a number written farther apart than that is of no hydrant ("99999")."""

_Edges = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def same_hydrant(sightings: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Group sightings by single linkage.

    Two belong together when they lie within `SIGMAS` of what their accuracies allow between them (at least
    `LEAST_REACH_M`), or when they wrote the same number in one gemeente and the box around all who wrote it
    there is no more than `ONE_NUMBER_WITHIN_M` from corner to corner.

    Args:
        sightings: x_l72, y_l72, accuracy_m (metres, NaN without a place), nis, number (None for none).

    Returns:
        A group per sighting; the groups count up from 0 in order of their first sighting.
    """
    count = len(sightings)
    edges = [_near(sightings), _of_one_number(sightings)]
    left, right = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(count, count))
    component = connected_components(graph, directed=False)[1]
    return pd.factorize(component)[0].astype(np.int64)


def _near(sightings: pd.DataFrame) -> _Edges:
    points = sightings[["x_l72", "y_l72"]].to_numpy(float)
    accuracy_m = sightings["accuracy_m"].to_numpy(float)
    placed = np.flatnonzero(np.isfinite(points).all(axis=1) & (accuracy_m <= TELLING_ACCURACY_M))
    if not placed.size:
        return placed, placed
    # a phone that gives one place for everything would make a pair of every two of its records
    spots, spot_of = np.unique(points[placed], axis=0, return_inverse=True)
    first = np.full(len(spots), len(sightings))
    np.minimum.at(first, spot_of, placed)
    least_sure_m = np.zeros(len(spots))
    np.maximum.at(least_sure_m, spot_of, accuracy_m[placed])
    farthest_m = max(LEAST_REACH_M, SIGMAS * float(np.hypot(least_sure_m.max(), least_sure_m.max())))
    one, other = cKDTree(spots).query_pairs(farthest_m, output_type="ndarray").T
    distance_m = np.hypot(*(spots[one] - spots[other]).T)
    reach_m = np.maximum(LEAST_REACH_M, SIGMAS * np.hypot(least_sure_m[one], least_sure_m[other]))
    is_near = distance_m <= reach_m
    return (
        np.concatenate([placed, first[one[is_near]]]),
        np.concatenate([first[spot_of], first[other[is_near]]]),
    )


def _of_one_number(sightings: pd.DataFrame) -> _Edges:
    numbered = sightings[sightings["number"].notna()]
    numbered = numbered.assign(position=np.flatnonzero(sightings["number"].notna()))
    of_number = numbered.groupby(["nis", "number"], sort=False)
    east_m, north_m = (
        of_number[axis].transform("max") - of_number[axis].transform("min") for axis in ("x_l72", "y_l72")
    )
    # without a place at all nothing contradicts the number
    is_one_place = ~(np.hypot(np.asarray(east_m), np.asarray(north_m)) > ONE_NUMBER_WITHIN_M)
    first = np.asarray(of_number["position"].transform("min"), np.int64)
    return np.asarray(numbered["position"], np.int64)[is_one_place], first[is_one_place]
