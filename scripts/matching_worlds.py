"""Made-up worlds for the matcher alone: streets with hydrants, records of them with known faults, the truth.

Everything is drawn by numpy from one seed; a million records take a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from scripts.matching_slips import draw_numbers, number_texts, with_slips

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ORIGIN_L72 = (20_000.0, 150_000.0)
SPACING_M = (8.0, 120.0)
AGAIN_SHARE, UNREGISTERED_SHARE = 0.03, 0.01  # of all records
GROSS_M = (30.0, 300.0)
GEMEENTE_SIZE = 900
CONTRACTORS = ("westlandia", "interwest")
_FIRST_CONTRACTORS_SHARE = 14 / 18  # of the gemeenten

_TILE_M = 700.0  # one neighbourhood, of 50 hydrants: as dense as a village
_STREETS_PER_TILE = 5
_HYDRANTS_PER_STREET = (4, 16)
_STREETS_APART_M = (60.0, 150.0)


@dataclass(frozen=True)
class World:
    """Records, hydrants and what is true.

    Attributes:
        records, hydrants: as `hydrants.matching.link` wants them, rows in a random and in a street order.
        truth: per record the true `hydrant_id`, None if that hydrant is not in the register.
        target: the same as positions in `hydrants`; -1 if not in the register.
        contractor: per record, who inspected it.
        is_mistyped: per record, whether its number was written with one or two slips.
        is_gross: per record, whether its position is a gross error.
    """

    records: pd.DataFrame
    hydrants: pd.DataFrame
    truth: npt.NDArray[np.object_]
    target: IntArray
    contractor: npt.NDArray[np.object_]
    is_mistyped: BoolArray
    is_gross: BoolArray

    @property
    def mistyped_valid_share(self) -> float:
        """The share of the mistyped numbers that are another hydrant's."""
        mistyped = self.records["ref"][self.is_mistyped]
        own = self.hydrants["ref"].to_numpy(object)[self.target[self.is_mistyped]]
        return float((mistyped.isin(self.hydrants["ref"]) & (mistyped.to_numpy(object) != own)).mean())


def world(
    n: int,
    seed: int,
    sigma_m: float = 4.0,
    *,
    sigma_of_second_m: float | None = None,
    gross_share: float = 0.02,
    clean_share: float = 0.70,
    mistyped_share: float = 0.10,
    dense: bool = False,
) -> World:
    """Draw a world of `n` records.

    96 % of the records are the one inspection of a registered hydrant, in random order; 3 % are declared
    re-inspections on another day; 1 % are of hydrants that stand along the streets like the others, but not
    in the register, and so have no number to go by. No record has an address or attributes.

    Args:
        n: records, at least 200.
        sigma_m: standard deviation per axis of the positions.
        sigma_of_second_m: the same for the second contractor's, if it is another.
        gross_share: positions that are 30-300 m off instead, at a uniform radius and bearing.
        clean_share, mistyped_share: records of registered hydrants with the right number, and with one or
            two slips in it; the others have none.
        dense: spacing lognormal with a median of 37 m, within 8-120 m, instead of uniform.
    """
    if n < 200:
        raise ValueError("a world has at least 200 records")
    rng = np.random.default_rng(seed)
    n_again, n_unregistered = round(AGAIN_SHARE * n), round(UNREGISTERED_SHARE * n)
    standing = _streets(n - n_again, rng, dense)
    is_registered = np.ones(len(standing), bool)
    is_registered[rng.choice(len(standing), n_unregistered, replace=False)] = False
    place = np.where(is_registered, is_registered.cumsum() - 1, -1)
    points, m = standing[is_registered], len(standing) - n_unregistered
    numbers = draw_numbers(m, rng)
    gemeente = _gemeenten(standing)

    again = rng.choice(np.flatnonzero(is_registered), n_again, replace=False)
    order = rng.permutation(n)
    about = np.concatenate([np.arange(len(standing)), again])[order]
    day = np.concatenate([rng.integers(0, 250, len(standing)), rng.integers(250, 365, n_again)])[order]
    target, is_known = place[about], is_registered[about]

    is_second = gemeente[about] >= round(_FIRST_CONTRACTORS_SHARE * (gemeente.max() + 1))
    axis_m = np.where(is_second, sigma_m if sigma_of_second_m is None else sigma_of_second_m, sigma_m)
    is_gross = rng.random(n) < gross_share
    bearing, radius_m = rng.uniform(0, 2 * np.pi, n), rng.uniform(*GROSS_M, n)
    thrown = radius_m[:, None] * np.c_[np.cos(bearing), np.sin(bearing)]
    position = standing[about] + np.where(
        is_gross[:, None], thrown, axis_m[:, None] * rng.normal(size=(n, 2))
    )

    draw = rng.random(n)
    is_mistyped = is_known & (draw >= clean_share) & (draw < clean_share + mistyped_share)
    refs = number_texts(numbers)
    written = _or_none(refs[target], is_known & (draw < clean_share))
    written[is_mistyped] = with_slips(numbers[target[is_mistyped]], rng)

    ids = np.char.add("H", np.arange(m).astype(str)).astype(object)
    nis = (31_001 + gemeente).astype(str).astype(object)
    return World(
        records=record_frame(written, position, nis[about], day, order < len(standing)),
        hydrants=hydrant_frame(ids, refs, points, nis[is_registered]),
        truth=_or_none(ids[target], is_known),
        target=target,
        contractor=np.array(CONTRACTORS, object)[is_second.astype(np.int64)],
        is_mistyped=is_mistyped,
        is_gross=is_gross,
    )


def _or_none(values: npt.NDArray[np.object_], is_given: BoolArray) -> npt.NDArray[np.object_]:
    kept = np.full(len(values), None, object)
    kept[is_given] = values[is_given]
    return kept


def record_frame(
    ref: npt.NDArray[np.object_],
    position: FloatArray,
    nis: npt.NDArray[np.object_],
    day: IntArray,
    competes: BoolArray,
) -> pd.DataFrame:
    """Records as `hydrants.matching.link` wants them, without addresses, attributes or decisions."""
    nothing, nowhere = np.full(len(ref), None, object), np.full(len(ref), np.nan)
    columns: dict[str, object] = {
        "ref": pd.Series(ref, dtype=object),
        "x": position[:, 0],
        "y": position[:, 1],
    }
    columns |= {"address_x": nowhere, "address_y": nowhere, "address_accuracy_m": nowhere}
    columns |= {name: pd.Series(nothing) for name in ("street_key", "hydrant_type", "diameter_mm")}
    columns |= {"nis": pd.Series(nis, dtype="category").cat.as_ordered(), "day": day, "competes": competes}
    return pd.DataFrame(columns | {"decided": pd.Series(nothing)})


def hydrant_frame(
    ids: npt.NDArray[np.object_],
    ref: npt.NDArray[np.object_],
    points: FloatArray,
    nis: npt.NDArray[np.object_],
) -> pd.DataFrame:
    """Hydrants as `hydrants.matching.link` wants them, without streets or attributes."""
    nothing, no_streets = np.full(len(ids), None, object), np.full(len(ids), frozenset(), object)
    columns: dict[str, object] = {
        "hydrant_id": pd.Series(ids, dtype="str"),
        "ref": pd.Series(ref, dtype=object),
    }
    columns |= {"x": points[:, 0], "y": points[:, 1], "street_keys": pd.Series(no_streets)}
    columns |= {name: pd.Series(nothing) for name in ("hydrant_type", "diameter_mm")}
    return pd.DataFrame(
        columns | {"nis": pd.Series(nis, dtype="category").cat.as_ordered(), "is_contracted": True}
    )


def _streets(count: int, rng: np.random.Generator, dense: bool) -> FloatArray:
    """Where `count` hydrants stand, n x 2, street after street.

    Neighbourhoods lie on a grid, each turned its own way: four streets beside each other, one across them,
    and some that run into the next neighbourhood. Where two streets cross, a hydrant nearer than the least
    spacing to one of an earlier street is left out.
    """
    tiles = int(1.25 * count / (_STREETS_PER_TILE * np.mean(_HYDRANTS_PER_STREET))) + 5
    streets, most = tiles * _STREETS_PER_TILE, _HYDRANTS_PER_STREET[1]
    if dense:
        gaps_m = np.clip(rng.lognormal(3.6, 0.6, (streets, most)), *SPACING_M)
    else:
        gaps_m = rng.uniform(*SPACING_M, (streets, most))
    size = rng.integers(_HYDRANTS_PER_STREET[0], most + 1, streets)
    stands = np.arange(most) < size[:, None]
    along_m = gaps_m.cumsum(axis=1)
    along_m -= along_m[np.arange(streets), size - 1][:, None] / 2

    tile = np.repeat(np.arange(tiles), _STREETS_PER_TILE)
    is_across = np.arange(streets) % _STREETS_PER_TILE == _STREETS_PER_TILE - 1
    aside_m = rng.uniform(*_STREETS_APART_M, (tiles, _STREETS_PER_TILE)).cumsum(axis=1)
    aside_m -= aside_m.mean(axis=1, keepdims=True)
    aside = np.where(is_across, rng.uniform(-200, 200, streets), aside_m.ravel())
    heading = rng.uniform(0, np.pi, tiles)[tile] + np.where(is_across, np.pi / 2, 0.0)
    across = int(np.ceil(np.sqrt(tiles)))
    centre = (
        np.c_[tile % across, tile // across] * _TILE_M + ORIGIN_L72 + rng.uniform(-50, 50, (tiles, 2))[tile]
    )
    ahead, left = np.c_[np.cos(heading), np.sin(heading)], np.c_[-np.sin(heading), np.cos(heading)]
    middle = centre + aside[:, None] * left
    points = (middle[:, None, :] + along_m[:, :, None] * ahead[:, None, :])[stands]

    crowded = cKDTree(points).query_pairs(SPACING_M[0] - 1e-3, output_type="ndarray")
    keep = np.ones(len(points), bool)
    keep[crowded.max(axis=1)] = False
    if keep.sum() < count:
        raise ValueError(f"only {keep.sum()} hydrants fit on the streets that were drawn for {count}")
    found: FloatArray = points[keep][:count]
    return found


def _gemeenten(points: FloatArray) -> IntArray:
    """Cut the hydrants into gemeenten of about `GEMEENTE_SIZE`: columns, each cut from south to north."""
    count = max(4, round(len(points) / GEMEENTE_SIZE))
    columns = round(np.sqrt(count))
    rows = round(count / columns)
    column = np.empty(len(points), np.int64)
    column[np.argsort(points[:, 0])] = np.arange(len(points)) * columns // len(points)
    gemeente = np.empty(len(points), np.int64)
    by_column = np.lexsort((points[:, 1], column))
    start = np.searchsorted(column[by_column], np.arange(columns + 1))
    place, size = np.arange(len(points)) - start[column[by_column]], np.diff(start)[column[by_column]]
    gemeente[by_column] = column[by_column] * rows + place * rows // size
    return gemeente
