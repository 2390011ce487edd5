"""The houses by which a crew says where a hydrant stands."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.demo.evidence import Neighbourhood
from hydrants.demo.inspections import Bools
from hydrants.demo.world import Floats, Ints

_HOUSE_SEEN_M = 25.0


class Houses:
    """For each hydrant the houses of its own street that a crew would name."""

    def __init__(self, hydrants: pd.DataFrame, addresses: pd.DataFrame, around: Neighbourhood) -> None:
        self.xy: Floats = addresses[["x_l72", "y_l72"]].to_numpy()
        self.is_sure: Bools = addresses["is_sure"].to_numpy()
        located = np.flatnonzero(np.isfinite(self.xy[:, 0]) & (addresses["number"].to_numpy() > 0))
        k = min(12, len(located))
        distance, found = cKDTree(self.xy[located]).query(around.xy, k=k, distance_upper_bound=_HOUSE_SEEN_M)
        is_found = np.isfinite(distance)
        found = located[np.minimum(found, len(located) - 1)]
        own_street = is_found & (
            addresses["street_id"].to_numpy()[found] == hydrants["street_id"].to_numpy()[:, None]
        )
        own_side = (addresses["number"].to_numpy()[found] % 2 == 1) == hydrants["is_odd"].to_numpy()[:, None]
        self.beside = _first(found, own_street & own_side)
        self.opposite = _first(found, own_street & ~own_side)

    def point(self, house: Ints) -> Floats:
        """Where houses stand as far as the address text tells: NaN where none or several could be meant."""
        is_clear = (house >= 0) & self.is_sure[house]
        return np.where(is_clear[:, None], self.xy[house], np.nan)


def _first(found: Ints, fits: Bools) -> Ints:
    at = np.argmax(fits, axis=1)
    row = np.arange(len(found))
    return np.where(fits[row, at], found[row, at], -1)
