"""GeoPackages that say they are made up, and have the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio

MADE_UP = "VERZONNEN DEMOGEGEVENS"
_WRITTEN_AT = "2019-12-31T00:00:00.000Z"


def write(path: Path, layer: str, frame: gpd.GeoDataFrame) -> None:
    """Write one layer of points; feature ids count up from 1 in the order of the frame."""
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN_AT})
    try:
        pyogrio.write_dataframe(
            frame, path, layer=layer, driver="GPKG", geometry_type="Point", DESCRIPTION=MADE_UP, VERSION="1.3"
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
