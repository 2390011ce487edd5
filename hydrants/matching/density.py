"""How densely hydrants stand: what "somewhere else" and "not in the register" are weighed against."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from hydrants.matching.frames import FloatArray, Hydrants, IntArray, length_m

_CELLS_ACROSS, _HALF_ACROSS = 7, 3
_MOSTLY_EMPTY = 8  # cells to a point
SPARSE_PER_M2 = 1e-6
"""One hydrant per square kilometre: the open country."""

_SELDOM_PER_M2 = 1e-7  # where the register shows none
_BESIDE_M, _STEP_M = 120.0, 3.0
_NEIGHBOURS = 8
_SAMPLE, _NOISES, _ENOUGH = 5_000, 32, 30


def around(place: FloatArray, hydrants: Hydrants, radius_m: float) -> FloatArray:
    """Hydrants per square metre around each place, read from a grid of small cells.

    Smoothed over a square as wide as the circle of `radius_m`: exact counts would cost more than all the
    rest and tell nothing more.

    Args:
        place: n x 2, Lambert 72; NaN where unknown.

    Returns:
        Per place, 0 where there are none; the median of the others where the place is unknown.
    """
    is_known = np.isfinite(place[:, 0] + place[:, 1])
    if not len(hydrants) or not is_known.any():
        return np.zeros(len(place))
    if is_known.all():
        return counts_around(place, hydrants.place, radius_m) / (2 * radius_m) ** 2
    per_m2 = np.empty(len(place))
    per_m2[is_known] = around(place[is_known], hydrants, radius_m)
    per_m2[~is_known] = np.median(per_m2[is_known])
    return per_m2


def counts_around(place: FloatArray, counted: FloatArray, radius_m: float) -> FloatArray:
    """How many points lie in a square of twice `radius_m` around each place, to within a cell of a grid.

    Args:
        place: n x 2, metres, all known.
        counted: m x 2, metres, at least one.
    """
    cell_m = 2 * radius_m / _CELLS_ACROSS
    # an empty border all around: there ends what lies outside
    low = np.array([column.min() for column in counted.T]) - 2 * radius_m  # by column: ten times as fast
    high = np.array([column.max() for column in counted.T])
    across = ((high - low) / cell_m).astype(np.int64) + 1 + _CELLS_ACROSS

    def cell(points: FloatArray) -> IntArray:
        x, y = (((points[:, axis] - low[axis]) / cell_m).astype(np.int64) for axis in (0, 1))
        return np.clip(x, 0, across[0] - 1) * across[1] + np.clip(y, 0, across[1] - 1)

    if across.prod() > _MOSTLY_EMPTY * (len(counted) + len(place)):
        return _in_rows(np.sort(cell(counted)), cell(place), across[1])
    cells = np.bincount(cell(counted), minlength=across.prod()).reshape(across)
    mean = uniform_filter(cells.astype(float), _CELLS_ACROSS, mode="constant")
    return np.rint(mean * _CELLS_ACROSS**2).ravel()[cell(place)]


def _in_rows(counted: IntArray, cell: IntArray, row_length: int) -> FloatArray:
    """The same without a grid, which a few hydrants far off would make huge: row by row of each square."""
    count = np.zeros(len(cell))
    for row in range(-_HALF_ACROSS, _HALF_ACROSS + 1):
        middle = cell + row * row_length
        count += np.searchsorted(counted, middle + _HALF_ACROSS, side="right")
        count -= np.searchsorted(counted, middle - _HALF_ACROSS)
    return count


def beside(
    nearest_m: FloatArray, around_per_m2: FloatArray, hydrants: Hydrants, noise_m: float
) -> FloatArray:
    """Hydrants per square metre at some distance from another hydrant, as positions with noise show them.

    Along a street they stand much more densely than in the fields, but never right beside each other: the
    register itself tells how far apart.

    Args:
        nearest_m: distances; infinite for none near.
        around_per_m2: what holds beyond `_BESIDE_M`, and where the register is too small to tell.
        noise_m: standard deviation per axis of the positions.
    """
    if len(hydrants) < _ENOUGH:
        return around_per_m2
    edges_m = np.arange(0.0, _BESIDE_M + _STEP_M, _STEP_M)
    sample = hydrants.place[:: max(1, len(hydrants) // _SAMPLE)]
    neighbour = hydrants.tree.query(sample, k=np.arange(2, 2 + _NEIGHBOURS), distance_upper_bound=_BESIDE_M)[
        1
    ]
    which, nth = np.nonzero(neighbour < len(hydrants))
    east_m, north_m = (hydrants.place[neighbour[which, nth]] - sample[which]).T.copy()
    count = np.zeros(len(edges_m) - 1)
    # the same few for every pair, so that the order of the hydrants does not matter
    for noise_east_m, noise_north_m in np.random.default_rng(0).normal(0.0, noise_m, (_NOISES, 2)):
        ring = length_m(east_m + noise_east_m, north_m + noise_north_m) / _STEP_M
        count += np.bincount(ring.astype(np.int64), minlength=len(count))[: len(count)]
    per_m2 = np.maximum(count / (_NOISES * len(sample)) / (np.pi * np.diff(edges_m**2)), _SELDOM_PER_M2)
    ring = np.minimum(nearest_m / _STEP_M, len(per_m2)).astype(np.int64)
    return np.where(ring < len(per_m2), np.append(per_m2, 0.0)[ring], around_per_m2)
