"""The two sides of a match as arrays, made once from the frames that `matching.link` is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.matching.keys import NumberIndex, Texts

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]

_BLOCK = 16_384
_TOO_LONG = 3
_LEAF = 24


class Column:
    """Values of which some are missing.

    Attributes:
        objects: the values.
        known: where there is one.
    """

    def __init__(self, column: pd.Series) -> None:
        self.objects: ObjectArray = column.to_numpy(object)
        self.known: BoolArray = self._look()

    def _look(self) -> BoolArray:
        return pd.notna(self.objects)

    @cached_property
    def any_known(self) -> bool:
        """Whether there is a value at all."""
        return bool(self.known.any())


class Numbers(Column):
    """Folded numbers of which some are missing.

    Attributes:
        texts: the numbers side by side, to compare without a look at the objects; empty where missing.
    """

    def __init__(self, column: pd.Series, longest_registered: int | None = None) -> None:
        """Read them.

        Args:
            longest_registered: what they will be compared with; of much longer ones the end is left out.
        """
        width = "" if longest_registered is None else longest_registered + _TOO_LONG
        self._dtype = f"S{width}"
        super().__init__(column)

    def _look(self) -> BoolArray:
        known, texts = [np.empty(0, bool)], [np.empty(0, self._dtype)]
        # strings lie scattered in memory: copying a block of them brings them near, for all that follows
        for start in range(0, len(self.objects), _BLOCK):
            block = self.objects[start : start + _BLOCK].copy()
            known.append(pd.notna(block))
            block[~known[-1]] = ""
            texts.append(block.astype(self._dtype))
        self.texts: Texts = np.concatenate(texts)
        return np.concatenate(known)


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

    number: Numbers
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
        return ~np.isnan(self.place[:, 0] + self.place[:, 1])

    @cached_property
    def has_address(self) -> BoolArray:
        """Whether its address leads to a point."""
        return ~np.isnan(self.address[:, 0] + self.address[:, 1])


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
    number: Numbers
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
        # as good to search as a balanced and compact one, much faster to build
        return cKDTree(self.place, leafsize=_LEAF, balanced_tree=False, compact_nodes=False)

    @cached_property
    def numbered(self) -> IntArray:
        """The positions of those that have a number."""
        return np.flatnonzero(self.number.known)

    @cached_property
    def by_number(self) -> NumberIndex:
        """The numbers of those, in their order, to look up."""
        return NumberIndex(self.number.texts[self.numbered])


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
    number = Numbers(hydrants["ref"])
    return (
        Records(
            Numbers(records["ref"], number.texts.itemsize),
            _points(records, "x", "y"),
            _points(records, "address_x", "address_y"),
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
            number,
            _points(hydrants, "x", "y"),
            hydrants["street_keys"].to_numpy(object),
            Column(hydrants["hydrant_type"]),
            Column(hydrants["diameter_mm"]),
            at_hydrant.astype(np.int64),
            hydrants["is_contracted"].to_numpy(bool),
        ),
    )


def _points(frame: pd.DataFrame, x: str, y: str) -> FloatArray:
    return np.column_stack([frame[x].to_numpy(float), frame[y].to_numpy(float)])


def length_m(east_m: FloatArray, north_m: FloatArray) -> FloatArray:
    """Metres, of offsets; `np.hypot` takes six times as long to be safe from overflow."""
    return np.sqrt(east_m * east_m + north_m * north_m)


def distance_m(left: FloatArray, right: FloatArray) -> FloatArray:
    """Metres between points, pairwise."""
    return length_m(left[:, 0] - right[:, 0], left[:, 1] - right[:, 1])


def apart_m(left: FloatArray, at_left: IntArray, right: FloatArray, at_right: IntArray) -> FloatArray:
    """Metres between points at positions, pairwise."""
    # `take` gathers rows four times as fast as an index does
    return distance_m(left.take(at_left, axis=0), right.take(at_right, axis=0))


def distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The distinct values in order; sorting beats hashing for millions of integers."""
    ordered = np.sort(values)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
