"""The two sides of a match as arrays, made once from the frames that `matching.link` is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]


class Column:
    """Values of which some are missing.

    Attributes:
        objects: the values.
        known: where there is one.
    """

    def __init__(self, column: pd.Series) -> None:
        self.objects: ObjectArray = column.to_numpy(object)
        self.known: BoolArray = column.notna().to_numpy(bool)

    @cached_property
    def any_known(self) -> bool:
        """Whether there is a value at all."""
        return bool(self.known.any())


@dataclass(frozen=True)
class Records:
    """Inspection records, one per position.

    Attributes:
        number: folded numbers.
        place, address: n x 2, EPSG:31370 metres; NaN where unknown.
        address_accuracy_m: standard deviation per axis; NaN where unknown.
        street_key, hydrant_type, diameter_mm: as the row says.
        gemeente: codes, comparable with those of the hydrants.
        day: of the inspection.
        competes: whether it counts as the one inspection of its hydrant.
        decided: hydrant_id that a person chose, "" for none in the register.
        source: number of the file it comes from, counting from 0.
        is_outside: whether its place lies outside its gemeente.
        is_current: whether no later version has replaced it.
    """

    number: Column
    place: FloatArray
    address: FloatArray
    address_accuracy_m: FloatArray
    street_key: Column
    hydrant_type: Column
    diameter_mm: Column
    gemeente: IntArray
    day: IntArray
    competes: BoolArray
    decided: Column
    source: IntArray
    is_outside: BoolArray
    is_current: BoolArray

    def __len__(self) -> int:
        return len(self.day)

    @cached_property
    def has_place(self) -> BoolArray:
        """Whether the record gives a position."""
        return ~np.isnan(self.place.sum(axis=1))

    @cached_property
    def has_address(self) -> BoolArray:
        """Whether its address leads to a point."""
        return ~np.isnan(self.address.sum(axis=1))


@dataclass(frozen=True)
class Hydrants:
    """Registered hydrants, one per position.

    Attributes:
        hydrant_id: of the register.
        number: folded numbers of the supplier.
        place: n x 2, EPSG:31370 metres.
        street_keys: sets.
        hydrant_type, diameter_mm: as registered.
        gemeente: codes, comparable with those of the records.
        is_contracted: whether the firm of the records is contracted for it.
    """

    hydrant_id: ObjectArray
    number: Column
    place: FloatArray
    street_keys: ObjectArray
    hydrant_type: Column
    diameter_mm: Column
    gemeente: IntArray
    is_contracted: BoolArray

    def __len__(self) -> int:
        return len(self.place)

    @cached_property
    def tree(self) -> cKDTree:
        """The places, to search nearby."""
        return cKDTree(self.place, balanced_tree=False)  # as good to search, much faster to build


def as_arrays(records: pd.DataFrame, hydrants: pd.DataFrame) -> tuple[Records, Hydrants]:
    """The frames that `matching.link` describes, as arrays."""
    n = len(records)
    gemeente, names = pd.factorize(records["nis"])
    registered, names_registered = pd.factorize(hydrants["nis"])
    # a gemeente that no record speaks of gets a code that no record has
    at_hydrant = pd.Index(names).get_indexer(pd.Index(names_registered))[registered]
    source = pd.factorize(records["source"])[0] if "source" in records else np.zeros(n)
    is_outside = records["is_outside"].to_numpy(bool) if "is_outside" in records else np.zeros(n, bool)
    is_current = records["is_current"].to_numpy(bool) if "is_current" in records else np.ones(n, bool)
    return (
        Records(
            Column(records["ref"]),
            records[["x", "y"]].to_numpy(float),
            records[["address_x", "address_y"]].to_numpy(float),
            records["address_accuracy_m"].to_numpy(float),
            Column(records["street_key"]),
            Column(records["hydrant_type"]),
            Column(records["diameter_mm"]),
            gemeente.astype(np.int64),
            records["day"].to_numpy(np.int64),
            records["competes"].to_numpy(bool),
            Column(records["decided"]),
            source.astype(np.int64),
            is_outside,
            is_current,
        ),
        Hydrants(
            hydrants["hydrant_id"].to_numpy(object),
            Column(hydrants["ref"]),
            hydrants[["x", "y"]].to_numpy(float),
            hydrants["street_keys"].to_numpy(object),
            Column(hydrants["hydrant_type"]),
            Column(hydrants["diameter_mm"]),
            at_hydrant.astype(np.int64),
            hydrants["is_contracted"].to_numpy(bool),
        ),
    )


def distance_m(left: FloatArray, right: FloatArray) -> FloatArray:
    """Metres between points, pairwise."""
    return np.hypot(left[:, 0] - right[:, 0], left[:, 1] - right[:, 1])


def distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The distinct values in order; sorting beats hashing for millions of integers."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
