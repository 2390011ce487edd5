"""The order of a visit: always on to the nearest hydrant that is left."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

_NEIGHBOURS = 16


def nearest_first(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order points by always going on to the nearest one left.

    Starts at the point nearest the mean of all. Of equally near points the first in
    `points` is taken, so that the order depends on nothing else.

    Args:
        points: n x 2, metres.

    Returns:
        The positions in `points` in visiting order, and the length in metres of the leg to
        each, 0 for the first.
    """
    count = len(points)
    order, legs_m = np.empty(count, dtype=np.int64), np.zeros(count)
    if count == 0:
        return order, legs_m
    here = int(np.argmin(np.hypot(*(points - points.mean(axis=0)).T)))
    left = np.ones(count, dtype=bool)
    alive = np.arange(count)  # points the tree knows: rebuilt when half of them are visited
    tree = cKDTree(points)
    order[0], left[here] = here, False
    for step in range(1, count):
        if 2 * (count - step) < len(alive) and len(alive) > 2 * _NEIGHBOURS:
            alive = np.flatnonzero(left)
            tree = cKDTree(points[alive])
        here, legs_m[step] = _nearest_left(points[here], tree, alive, left)
        order[step], left[here] = here, False
    return order, legs_m


def _nearest_left(point: np.ndarray, tree: cKDTree, alive: np.ndarray, left: np.ndarray) -> tuple[int, float]:
    """The nearest point that is left, the first among equals, and its distance in metres."""
    wanted = _NEIGHBOURS
    while True:
        asked = min(wanted, len(alive))
        distance_m, found = tree.query(point, k=np.arange(1, asked + 1))
        candidates = alive[found]
        usable = left[candidates]
        if usable.any():
            nearest_m = distance_m[usable][0]
            # an equal one could still lie beyond the last one asked for
            if distance_m[-1] > nearest_m or asked == len(alive):
                return int(candidates[usable & (distance_m == nearest_m)].min()), float(nearest_m)
        wanted *= 4
