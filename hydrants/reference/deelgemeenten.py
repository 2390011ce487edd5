"""Polygons of deelgemeenten, known by gemeente and name: the same name means another place elsewhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydrants import reference
from hydrants.errors import ReferenceMissing
from hydrants.reference import boundaries
from hydrants.reference.street_keys import street_key

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_NAMES = ("name", "name_nl", "naam")

Key = tuple[str, str]
"""nis of the gemeente and folded name."""


def key(nis: str, name: str) -> Key:
    """What a deelgemeente is known by, whatever its spelling (St.-Jan, Sint Jan)."""
    return nis, street_key(name)


def load(path: Path, gemeenten: Path) -> dict[Key, Any]:
    """Read the polygons.

    Args:
        path: a GeoJSON, GeoPackage or shapefile with a column `name` (or `name_nl`, `naam`) and any CRS that
            it declares. A column `nis` tells the gemeente; where it does not, the polygon's place does.
        gemeenten: the polygons of the gemeenten, see `boundaries.load`.

    Returns:
        A shapely (multi)polygon by key, EPSG:31370. What has no name or is no polygon (files of OpenStreetMap
        have points that bear labels), and polygons in none of the gemeenten, are left out.

    Raises:
        ReferenceMissing: if a file is absent, cannot be read, or has no such column, no CRS or no polygons.
    """
    if not path.is_file():
        raise ReferenceMissing(
            f"no deelgemeenten at {path}: set HYDRANTS_DEELGEMEENTEN to a file of polygons with a column "
            "'name', or leave it empty"
        )
    return _load(path, path.stat().st_mtime_ns, gemeenten, gemeenten.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _load(path: Path, _mtime_ns: int, gemeenten: Path, _gemeenten_mtime_ns: int) -> dict[Key, Any]:
    import geopandas as gpd
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyproj.exceptions import CRSError

    try:
        frame = gpd.read_file(path)
    except (DataSourceError, DataLayerError, CRSError, ValueError) as error:
        raise ReferenceMissing(f"{path} cannot be read as a file of polygons: {error}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise ReferenceMissing(f"{path} has no polygons")
    column = next((name for name in _NAMES if name in frame.columns), None)
    if column is None:
        raise ReferenceMissing(f"{path} has no column 'name'; it has {', '.join(map(str, frame.columns))}")
    if frame.crs is None:
        raise ReferenceMissing(f"{path} does not say its CRS; a shapefile does so in its .prj")
    frame = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"]) & frame[column].notna()]
    if frame.empty:
        raise ReferenceMissing(f"{path} has no polygons with a name")
    frame = frame.to_crs(boundaries.LAMBERT_72)
    frame = frame.set_geometry(frame.geometry.make_valid())
    names, nis_codes = frame[column].astype(str), _nis(frame, boundaries.load(gemeenten))
    found: dict[Key, Any] = {}
    for name, nis, polygon in zip(names, nis_codes, frame.geometry, strict=True):
        known_by = key(nis or "", name)
        if all(known_by):
            found[known_by] = found[known_by].union(polygon) if known_by in found else polygon
    return found


def _nis(frame: gpd.GeoDataFrame, gemeenten: gpd.GeoDataFrame) -> pd.Series[Any]:
    """The gemeente of each polygon: as stated, else the one that a point well within it lies in."""
    import pandas as pd

    points = frame.geometry.representative_point()
    by_place = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    for nis, polygon in gemeenten.geometry.items():
        by_place[points.within(polygon)] = nis
    if "nis" not in frame.columns:
        return by_place
    stated = frame["nis"].astype("string").str.replace(r"\.0$", "", regex=True).str.zfill(5)
    return by_place.where(~stated.isin(list(reference.gemeenten())), stated.astype(object))
