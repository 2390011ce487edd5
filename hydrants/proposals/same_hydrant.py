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
FARTHEST_REACH_M = 20.0
"""Hydrants of one street stand farther apart: what is less sure than that tells one from the next no more."""
TELLING_ACCURACY_M = 15.0
"""A place less sure than that of a house number does not tell one hydrant of a street from the next."""
ONE_NUMBER_WITHIN_M = 300.0
"""As far as gross errors reach; a number written farther apart than that is of no hydrant ("99999")."""

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


def same_hydrant(sightings: pd.DataFrame) -> _Ints:
    """Group sightings into places, a hydrant each, whatever their order.

    First by position, the closest pair first, as long as every two of a place lie within each other's reach:
    `SIGMAS` of what their accuracies allow between them, at least `LEAST_REACH_M` and at most
    `FARTHEST_REACH_M`. Two different numbers are two hydrants, however close.

    Then by number: places where the same number was written in one gemeente are one, when the box around all
    of them there is no more than `ONE_NUMBER_WITHIN_M` from corner to corner. A number that fewer than half
    of the sightings within reach bear is a slip, and leads nowhere.

    Args:
        sightings: x_l72, y_l72, accuracy_m (metres, NaN without a place), nis, number (None for none).

    Returns:
        A group per sighting; the groups count up from 0 in order of their first sighting.
    """
    place_of = np.arange(len(sightings))
    is_slip = np.zeros(len(sightings), bool)
    if len(sightings):
        spots = _Spots(sightings)
        place_of = spots.places(place_of)
        is_slip = spots.slips()
    left, right = _of_one_number(sightings, is_slip)
    left, right = np.concatenate([np.arange(len(sightings)), left]), np.concatenate([place_of, right])
    graph = coo_array((np.ones(len(left), bool), (left, right)), shape=(len(sightings), len(sightings)))
    component = connected_components(graph, directed=False)[1]
    return pd.factorize(component)[0].astype(np.int64)


class _Spots:
    """The exact positions and numbers of the sightings that are sure enough, and which are within reach.

    A phone that gives one place for everything would make a pair of every two of its records; of a spot
    they are one.
    """

    def __init__(self, sightings: pd.DataFrame) -> None:
        points = sightings[["x_l72", "y_l72"]].to_numpy(float)
        accuracy_m = sightings["accuracy_m"].to_numpy(float)
        self._placed = np.flatnonzero(np.isfinite(points).all(axis=1) & (accuracy_m <= TELLING_ACCURACY_M))
        number = sightings["number"].where(sightings["number"].notna(), "").to_numpy(object)
        placed = pd.DataFrame(points[self._placed], columns=["x", "y"])
        placed["number"] = number[self._placed].astype(str)
        placed["accuracy_m"] = accuracy_m[self._placed]
        grouped = placed.groupby(["x", "y", "number"], sort=True)  # an order that the sightings do not change
        self._spot_of = grouped.ngroup().to_numpy(np.int64)
        spots = grouped["accuracy_m"].agg(["max", "size"]).reset_index()
        self._number = spots["number"].to_numpy(object)
        self._size = spots["size"].to_numpy(np.int64)
        self._one, self._other, self._nearness = _within_reach(
            spots[["x", "y"]].to_numpy(float), spots["max"].to_numpy(float)
        )
        self._count = len(sightings)

    def places(self, place_of: _Ints) -> _Ints:
        """A place, by the number of one of its sightings, for each of them; others keep the one given."""
        one, other = self._number[self._one], self._number[self._other]
        may_join = (one == other) | (one == "") | (other == "")
        pairs = np.flatnonzero(may_join)
        # of pairs as close as each other, the one that comes first on the map
        pairs = pairs[np.lexsort((self._other[pairs], self._one[pairs], self._nearness[pairs]))]
        friends: list[set[int]] = [set() for _ in self._number]
        for left, right in zip(self._one[pairs].tolist(), self._other[pairs].tolist(), strict=True):
            friends[left].add(right)
            friends[right].add(left)
        members = [[spot] for spot in range(len(friends))]
        befriended = [{spot, *friends[spot]} for spot in range(len(friends))]  # by all of a place
        at = list(range(len(friends)))
        for left, right in zip(self._one[pairs].tolist(), self._other[pairs].tolist(), strict=True):
            here, there = at[left], at[right]
            if here != there and befriended[here].issuperset(members[there]):
                befriended[here] &= befriended[there]
                members[here] += members[there]
                for spot in members[there]:
                    at[spot] = here
        first = np.full(len(self._number), self._count)
        place_of_spot = np.asarray(at, np.int64)[self._spot_of]
        np.minimum.at(first, place_of_spot, self._placed)
        found = place_of.copy()
        found[self._placed] = first[place_of_spot]
        return found

    def slips(self) -> npt.NDArray[np.bool_]:
        """Whose number fewer than half of the sightings within its reach bear."""
        around, alike = self._size.copy(), self._size.copy()
        is_alike = self._number[self._one] == self._number[self._other]
        for here, there in ((self._one, self._other), (self._other, self._one)):
            np.add.at(around, here, self._size[there])
            np.add.at(alike, here[is_alike], self._size[there[is_alike]])
        found = np.zeros(self._count, bool)
        found[self._placed] = (2 * alike < around)[self._spot_of]
        return found


def _within_reach(points: _Floats, accuracy_m: _Floats) -> tuple[_Ints, _Ints, _Floats]:
    """Pairs of points, and how near they are: 0 for the same place, 1 at the end of their reach."""
    if len(points) == 0:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, np.empty(0)
    one, other = np.sort(cKDTree(points).query_pairs(FARTHEST_REACH_M, output_type="ndarray"), axis=1).T
    distance_m = np.hypot(*(points[one] - points[other]).T)
    allowed_m = SIGMAS * np.hypot(accuracy_m[one], accuracy_m[other])
    nearness = distance_m / np.clip(allowed_m, LEAST_REACH_M, FARTHEST_REACH_M)
    is_near = nearness <= 1
    return one[is_near].astype(np.int64), other[is_near].astype(np.int64), nearness[is_near]


def _of_one_number(sightings: pd.DataFrame, is_slip: npt.NDArray[np.bool_]) -> tuple[_Ints, _Ints]:
    """Pairs of sightings that a number joins: each of them and the first."""
    telling = np.flatnonzero(sightings["number"].notna().to_numpy(bool) & ~is_slip)
    numbered = sightings.iloc[telling].assign(position=telling)
    of_number = numbered.groupby(["nis", "number"], sort=False)
    east_m, north_m = (
        of_number[axis].transform("max") - of_number[axis].transform("min") for axis in ("x_l72", "y_l72")
    )
    # without a place at all nothing contradicts the number
    is_one_place = ~(np.hypot(np.asarray(east_m), np.asarray(north_m)) > ONE_NUMBER_WITHIN_M)
    first = np.asarray(of_number["position"].transform("min"), np.int64)
    return telling[is_one_place], first[is_one_place]
