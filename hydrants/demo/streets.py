"""Streets in blocks around village cores, and the addresses along them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from hydrants import reference
from hydrants.demo import names
from hydrants.demo.world import Floats, Ints, centres, stream
from hydrants.errors import HydrantsError
from hydrants.reference import addresses as address_file

_BLOCK_M = 420.0
_STREET_M = _BLOCK_M - 30.0
_ROW_GAP_M = 85.0
"""Between two parallel streets, where there is room for it."""
_MIN_ROW_GAP_M = 21.0
_HALF_WIDTH_M = 6.5
"""From the middle of a street to the fronts of its houses."""
_HOUSE_GAP_M = 22.0
_WITHOUT_COORDINATES = 0.015


def addresses(
    path: Path | None, areas: gpd.GeoDataFrame, street_m: dict[str, float], seed: int, house_gap_factor: float
) -> pd.DataFrame:
    """The address list: read from a file, or made up along made-up streets.

    Args:
        areas: gemeente polygons, EPSG:31370, indexed by nis.
        street_m: metres of street to lay out in each gemeente (made-up streets only).
        house_gap_factor: how much wider apart than usual houses stand; keeps a world of a
            million hydrants from having tens of millions of addresses.

    Returns:
        nis, postcode, street, house_number, x_l72, y_l72 (NaN where the list has none), index 0..n-1.
    """
    if path is not None:
        frame = address_file.read(path)
        return frame[frame["nis"].isin(areas.index)].reset_index(drop=True)
    by_nis = dict(zip(*centres(), strict=True))
    parts = [
        _addresses_along(
            _streets(areas.geometry[nis], by_nis[nis], nis, street_m[nis], stream(seed, "streets", nis)),
            house_gap_factor,
            stream(seed, "houses", nis),
        )
        for nis in areas.index
    ]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class _Streets:
    """Straight-ish streets of one gemeente: a start, a direction, a bend; arrays of equal length."""

    nis: str
    start: Floats
    direction: Floats
    length_m: Floats
    bend_m: Floats
    postcode: list[str]
    name: list[str]


def _streets(
    polygon: shapely.Geometry, centre: Floats, nis: str, wanted_m: float, rng: np.random.Generator
) -> _Streets:
    """Lay streets in square blocks around village cores, the blocks nearest to a core first.

    Blocks alternate in direction like parquet, so that streets meet but never run through each other.
    """
    inner = shapely.buffer(polygon, -25.0)
    shapely.prepare(inner)
    cores = _cores(inner, centre, nis, rng)
    corner, along, village, rank = _blocks(inner, cores, rng)
    if not len(corner):
        raise HydrantsError(f"gemeente {nis} has no room for a street")
    rows = max(1, int((_BLOCK_M - 20.0) // _ROW_GAP_M))
    rows = max(rows, int(np.ceil(wanted_m / (len(corner) * _STREET_M))))
    rows = min(rows, int((_BLOCK_M - 20.0) // _MIN_ROW_GAP_M))  # then hydrants have to stand closer
    blocks = np.argsort(rank, kind="stable")[: max(1, int(np.ceil(wanted_m / (rows * _STREET_M))))]
    gap_m = (_BLOCK_M - 20.0) / rows

    block = np.repeat(blocks, rows)
    row = np.tile(np.arange(rows), len(blocks))
    direction = along[block]
    across = np.column_stack([-direction[:, 1], direction[:, 0]])
    shift = 10.0 + (row + 0.5) * gap_m + rng.uniform(-0.1, 0.1, len(row)) * gap_m
    start = corner[block] + direction * 15.0 + across * shift[:, None]
    length = _STREET_M * rng.uniform(0.8, 1.0, len(row))
    bend = np.minimum(6.0, 0.15 * gap_m) * rng.uniform(-1, 1, len(row))

    postcodes = reference.gemeenten()[nis].postcodes
    postcode = np.array(postcodes, dtype=object)[village[block] % len(postcodes)]
    name = np.empty(len(row), dtype=object)
    for code in postcodes:
        here = np.flatnonzero(postcode == code)
        name[here] = names.draw(rng, len(here))
    return _Streets(nis, start, direction, length, bend, list(postcode), list(name))


def _cores(inner: shapely.Geometry, centre: Floats, nis: str, rng: np.random.Generator) -> Floats:
    """Village cores: the gemeente's own centre first, others at least 1.5 km apart where that fits."""
    wanted = max(len(reference.gemeenten()[nis].postcodes), round(inner.area / 14e6), 1)
    first = (
        centre
        if shapely.contains_xy(inner, *centre)
        else shapely.get_coordinates(inner.representative_point())[0]
    )
    cores = [first]
    west, south, east, north = inner.bounds
    tries = np.column_stack([rng.uniform(west, east, 400), rng.uniform(south, north, 400)])
    for point in tries[shapely.contains_xy(inner, tries)]:
        if len(cores) < wanted and np.hypot(*(np.array(cores) - point).T).min() > 1_500.0:
            cores.append(point)
    return np.array(cores)


def _blocks(
    inner: shapely.Geometry, cores: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Ints, Floats]:
    """Every block that fits: its corner, the direction of its streets, its village, its rank."""
    corners, directions, villages, ranks = [], [], [], []
    west, south, east, north = inner.bounds
    reach = int(np.hypot(east - west, north - south) // _BLOCK_M) + 1
    steps = np.arange(-reach, reach + 1)
    i, j = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    for number, core in enumerate(cores):
        angle = rng.uniform(0, np.pi / 2)
        u = np.array([np.cos(angle), np.sin(angle)])
        v = np.array([-u[1], u[0]])
        corner = core + np.outer(i - 0.5, u) * _BLOCK_M + np.outer(j - 0.5, v) * _BLOCK_M
        outline = np.stack(
            [corner, corner + u * _BLOCK_M, corner + v * _BLOCK_M, corner + (u + v) * _BLOCK_M], axis=1
        )
        fits = np.flatnonzero(((outline >= [west, south]) & (outline <= [east, north])).all(axis=(1, 2)))
        fits = fits[shapely.contains_xy(inner, outline[fits].reshape(-1, 2)).reshape(-1, 4).all(axis=1)]
        nearest = np.argmin(np.linalg.norm(outline[fits][:, :, None, :] - cores, axis=3), axis=2)
        fits = fits[(nearest == number).all(axis=1)]
        is_turned = ((i + j) % 2 == 1)[fits]
        # a turned block starts from its other corner, so that "across" points into it
        corners.append(np.where(is_turned[:, None], corner[fits] + u * _BLOCK_M, corner[fits]))
        directions.append(np.where(is_turned[:, None], v, u))
        villages.append(np.full(len(fits), number))
        size = 2.0 if number == 0 else rng.uniform(0.7, 1.3)
        ranks.append(np.hypot(i, j)[fits] / size + rng.uniform(0, 0.8, len(fits)))
    return (
        np.concatenate(corners),
        np.concatenate(directions),
        np.concatenate(villages),
        np.concatenate(ranks),
    )


def _addresses_along(streets: _Streets, house_gap_factor: float, rng: np.random.Generator) -> pd.DataFrame:
    """Odd numbers on one side, even on the other, in steps of two with a few left out."""
    gap_m = _HOUSE_GAP_M * house_gap_factor
    per_side = np.maximum(2, (streets.length_m // gap_m).astype(int))
    side_street = np.repeat(np.arange(len(per_side)), 2)
    side = np.tile([1, 0], len(per_side))  # 1: odd numbers, to the left of the direction
    counts = per_side[side_street]
    line = np.repeat(np.arange(len(counts)), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    place = np.arange(len(line)) - first

    step = np.where(rng.random(len(line)) < 0.06, 2, 1)
    total = np.cumsum(step)
    number = 2 * (total - total[first] + 1) - side[line]
    is_lettered = (rng.random(len(line)) < 0.03) & (place > 0)
    number = np.where(is_lettered, np.roll(number, 1), number)
    letter = np.where(is_lettered, "A", "")

    street = side_street[line]
    share = (place + 0.5 + rng.uniform(-0.3, 0.3, len(line))) / counts[line]
    along_m = share * streets.length_m[street]
    across_m = np.where(side[line] == 1, _HALF_WIDTH_M, -_HALF_WIDTH_M) + rng.uniform(-0.7, 0.7, len(line))
    across_m = across_m + streets.bend_m[street] * np.sin(np.pi * share)
    direction = streets.direction[street]
    across = np.column_stack([-direction[:, 1], direction[:, 0]])
    point = streets.start[street] + direction * along_m[:, None] + across * across_m[:, None]
    point[rng.random(len(line)) < _WITHOUT_COORDINATES] = np.nan
    postcode = np.array(streets.postcode, dtype=object)[street]
    name = np.array(streets.name, dtype=object)[street]
    return pd.DataFrame(
        {
            "nis": streets.nis,
            "postcode": postcode,
            "street": name,
            "house_number": [f"{n}{a}" for n, a in zip(number, letter, strict=True)],
            "x_l72": point[:, 0].round(5),
            "y_l72": point[:, 1].round(5),
        }
    )
