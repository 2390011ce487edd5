"""Where the made-up Westhoek lies, and what every part of it needs: random streams, coordinates."""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from hydrants import reference
from hydrants.errors import ReferenceMissing
from hydrants.reference import boundaries as boundary_file

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WESTHOEK_WGS84 = shapely.box(2.548, 50.688, 3.102, 51.162)
_HULL_BUFFER_M = 5_500.0


def stream(seed: int, *purpose: object) -> np.random.Generator:
    """A generator of its own for each purpose: drawing more for one changes no other."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, purpose)).encode())])


def transform(x: Floats, y: Floats, source: str, target: str) -> tuple[Floats, Floats]:
    """Coordinates in another CRS, x (or longitude) first; NaN stays NaN."""
    new_x, new_y = _transformer(source, target).transform(x, y)
    is_point = np.isfinite(x) & np.isfinite(y)
    return np.where(is_point, new_x, np.nan), np.where(is_point, new_y, np.nan)


@lru_cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


# -- gemeenten ---------------------------------------------------------------------------------


def gemeenten(path: Path | None) -> gpd.GeoDataFrame:
    """The eighteen gemeente polygons, EPSG:31370, indexed by nis, with `name_nl`.

    Args:
        path: a file of real boundaries; None makes Voronoi cells of the real centres.

    Raises:
        ReferenceMissing: if the file lacks one of the gemeenten.
    """
    known = reference.gemeenten()
    if path is None:
        frame = _voronoi()
    else:
        frame = boundary_file.load(path)
        missing = sorted(set(known) - set(frame.index))
        if missing:
            raise ReferenceMissing(f"{path} has no polygon for {', '.join(missing)}")
        frame = frame.loc[sorted(known), ["geometry"]].copy()
    frame["name_nl"] = [known[nis].name_nl for nis in frame.index]
    return frame


def centres() -> tuple[list[str], Floats]:
    """NIS codes and the (n, 2) Lambert 72 centres of the gemeenten."""
    known = reference.gemeenten()
    lon = np.array([g.lon for g in known.values()])
    lat = np.array([g.lat for g in known.values()])
    return list(known), np.column_stack(transform(lon, lat, "EPSG:4326", "EPSG:31370"))


def _voronoi() -> gpd.GeoDataFrame:
    codes, points = centres()
    sites = shapely.points(points)
    window = gpd.GeoSeries([_WESTHOEK_WGS84], crs="EPSG:4326").to_crs("EPSG:31370").iloc[0]
    land = shapely.convex_hull(shapely.multipoints(sites)).buffer(_HULL_BUFFER_M).intersection(window)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(sites), extend_to=land))
    tree = shapely.STRtree(sites)
    cell, site = tree.query(cells, predicate="contains")
    polygons = {codes[s]: shapely.intersection(cells[c], land) for c, s in zip(cell, site, strict=True)}
    frame = gpd.GeoDataFrame(
        {"nis": sorted(polygons)}, geometry=[polygons[nis] for nis in sorted(polygons)], crs="EPSG:31370"
    )
    return frame.set_index("nis")
