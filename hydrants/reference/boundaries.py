"""Gemeente polygons."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hydrants.errors import ReferenceMissing

if TYPE_CHECKING:
    import geopandas as gpd

LAMBERT_72 = "EPSG:31370"


def load(path: Path) -> gpd.GeoDataFrame:
    """Read the gemeente polygons.

    Args:
        path: a GeoJSON, GeoPackage or shapefile with a column `nis` and any CRS that it declares.

    Returns:
        One (multi)polygon per gemeente, EPSG:31370, indexed by `nis`.

    Raises:
        ReferenceMissing: if the file is absent or has no column `nis`.
    """
    if not path.is_file():
        raise ReferenceMissing(
            f"no boundaries at {path}: set HYDRANTS_BOUNDARIES to a file of gemeente polygons "
            "with a column 'nis', "
            "or make a demo world with 'hydrants demo DIR'"
        )
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _load(path: Path, _mtime_ns: int) -> gpd.GeoDataFrame:
    import geopandas as gpd

    frame = gpd.read_file(path)
    if "nis" not in frame.columns:
        raise ReferenceMissing(f"{path} has no column 'nis'; it has {', '.join(map(str, frame.columns))}")
    frame["nis"] = frame["nis"].astype(str).str.zfill(5)
    dissolved = frame[["nis", "geometry"]].dissolve(by="nis") if frame["nis"].duplicated().any() else None
    result = frame[["nis", "geometry"]].set_index("nis") if dissolved is None else dissolved
    return result.to_crs(LAMBERT_72).sort_index()
