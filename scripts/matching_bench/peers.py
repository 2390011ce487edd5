"""What people would use instead, in memory: nearest neighbours, equal numbers, and both in turn.

Every peer gets the same cleaned records and register in the form it likes best, and its index of the register
built, before its time starts; what it finds is brought into one form after its time has stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from scripts.matching_worlds import World

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

NEAR_M = 30.0  # a nearest hydrant farther away is no match: where gross errors begin
_STRIP_M = 64.0


@dataclass(frozen=True)
class Found:
    """What a matcher says of each record.

    Attributes:
        linked: position of the hydrant in the register; -1 for no link.
        is_review: left to a person; None where the matcher knows no review.
        best: what it would link without a threshold; None where that is `linked`.
    """

    linked: IntArray
    is_review: BoolArray | None = None
    best: IntArray | None = None


@dataclass(frozen=True)
class Prepared:
    """A matcher with one world loaded.

    Attributes:
        run: match every record; this is what is timed. It gives the tool's own result.
        read: that result as `Found`.
        before: put back what an earlier run left; not timed.
    """

    run: Callable[[], Any]
    read: Callable[[Any], Found]
    before: Callable[[], None] = lambda: None


Peer = Callable[[World], AbstractContextManager[Prepared]]


def _register(world: World) -> FloatArray:
    return world.hydrants[["x", "y"]].to_numpy(float)


def _positions(world: World) -> FloatArray:
    return world.records[["x", "y"]].to_numpy(float)


def _within(hydrant: IntArray, distance_m: FloatArray) -> Found:
    return Found(np.where(distance_m <= NEAR_M, hydrant, -1))


@contextmanager
def raw_tree(world: World) -> Iterator[Prepared]:
    """`scipy.spatial.cKDTree.query`, k=1, one thread, in the order of the records: the unit of all ratios."""
    tree, positions = cKDTree(_register(world)), _positions(world)
    yield Prepared(lambda: tree.query(positions, workers=1), lambda found: _within(found[1], found[0]))


@contextmanager
def sorted_tree(world: World) -> Iterator[Prepared]:
    """The same query with the records sorted by strips first, which spares the processor's cache."""
    tree, positions = cKDTree(_register(world)), _positions(world)

    def run() -> tuple[FloatArray, IntArray]:
        strip = np.floor(positions[:, 0] / _STRIP_M)
        order = np.lexsort((positions[:, 1], strip))
        distance_m, hydrant = np.empty(len(positions)), np.empty(len(positions), np.int64)
        distance_m[order], hydrant[order] = tree.query(positions[order], workers=1)
        return distance_m, hydrant

    yield Prepared(run, lambda found: _within(found[1], found[0]))


@contextmanager
def shapely_nearest(world: World) -> Iterator[Prepared]:
    """`shapely.STRtree.query_nearest`."""
    import shapely

    tree, positions = shapely.STRtree(shapely.points(_register(world))), shapely.points(_positions(world))

    def run() -> tuple[IntArray, FloatArray]:
        pairs, distance_m = tree.query_nearest(
            positions, max_distance=NEAR_M, return_distance=True, all_matches=False
        )
        return pairs, distance_m

    def read(found: tuple[IntArray, FloatArray]) -> Found:
        (record, hydrant), _ = found
        return Found(_by_record(record, hydrant, len(world.records)))

    yield Prepared(run, read)


@contextmanager
def geopandas_nearest(world: World) -> Iterator[Prepared]:
    """`geopandas.sjoin_nearest`."""
    import geopandas as gpd

    def points(at: FloatArray) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame(geometry=gpd.points_from_xy(at[:, 0], at[:, 1]), crs=31370)

    records, hydrants = points(_positions(world)), points(_register(world))
    assert len(hydrants.sindex) == len(hydrants)  # noqa: S101 - builds the index

    def read(joined: gpd.GeoDataFrame) -> Found:
        return Found(_by_record(joined.index, joined["index_right"], len(records)))

    yield Prepared(
        lambda: gpd.sjoin_nearest(records, hydrants, max_distance=NEAR_M, distance_col="distance_m"), read
    )


@contextmanager
def merge_on_id(world: World) -> Iterator[Prepared]:
    """`pandas.merge` on the number."""
    records, hydrants = _numbered(world)
    yield Prepared(lambda: records.merge(hydrants, on="ref", how="left", validate="m:1"), _hydrant_column)


@contextmanager
def id_then_nearest(world: World) -> Iterator[Prepared]:
    """Equal numbers by `pandas.merge`; the nearest hydrant for the records that it leaves."""
    records, hydrants = _numbered(world)
    tree, positions = cKDTree(_register(world)), _positions(world)

    def run() -> pd.DataFrame:
        joined = records.merge(hydrants, on="ref", how="left", validate="m:1")
        rest = joined["hydrant"].isna().to_numpy()
        distance_m, hydrant = tree.query(positions[rest], workers=1)
        joined.loc[rest, "hydrant"] = np.where(distance_m <= NEAR_M, hydrant, np.nan)
        return joined

    yield Prepared(run, _hydrant_column)


def _numbered(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    hydrants = world.hydrants[["ref"]].assign(hydrant=np.arange(len(world.hydrants), dtype=float))
    return world.records[["ref"]], hydrants.dropna()


def _hydrant_column(joined: pd.DataFrame) -> Found:
    return Found(joined["hydrant"].fillna(-1).to_numpy(np.int64))


def _by_record(record: Any, hydrant: Any, count: int) -> IntArray:
    """Pairs as one hydrant per record; the first pair counts where two hydrants are equally near."""
    pairs = pd.Series(np.asarray(hydrant, np.int64), index=np.asarray(record, np.int64))
    found = np.full(count, -1, np.int64)
    first = pairs[~pairs.index.duplicated()]
    found[first.index] = first
    return found
