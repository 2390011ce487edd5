"""The hydrants of a gemeente as a GeoPackage: three layers of points, in QGIS in their colours at once.

All lie in Lambert 72 (EPSG:31370). The styles are in `layer_styles`, the table in which QGIS looks for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyogrio.raw import write as write_layer

from hydrants.publishing import labels
from hydrants.publishing.content import Content
from hydrants.publishing.downloads import qgis
from hydrants.publishing.downloads.fields import FIELDS, SOURCE
from hydrants.reference.boundaries import LAMBERT_72

_NUMBERS = ("diameter_mm", "row_number")


def write(path: Path, content: Content, nis: str, layers: Mapping[str, pd.DataFrame]) -> None:
    """Write layers of a gemeente's hydrants.

    Args:
        path: file to write.
        layers: by name, each as `content.hydrants` gives them.
    """
    name = content.gemeenten()[nis]
    description = f"{name}, gegevens van {labels.day(content.as_of)}. {content.source}".strip()
    # GDAL would write down when it wrote, and wait for the disk after each layer
    pyogrio.set_gdal_config_options(
        {"OGR_CURRENT_DATE": f"{content.as_of.isoformat()}T00:00:00.000Z", "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    )
    try:
        for number, (layer, hydrants) in enumerate(layers.items()):
            _write_layer(path, layer, hydrants, description, is_first=number == 0)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None, "OGR_SQLITE_SYNCHRONOUS": None})
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA synchronous=OFF")
        qgis.add(file, layers, content.as_of)


def _write_layer(path: Path, layer: str, hydrants: pd.DataFrame, description: str, *, is_first: bool) -> None:
    points = shapely.points(hydrants["x_l72"].to_numpy("float64"), hydrants["y_l72"].to_numpy("float64"))
    columns = [_column(hydrants[field], field) for field in {**FIELDS, **SOURCE}.values()]
    write_layer(
        path,
        geometry=shapely.to_wkb(points),
        field_data=[values for values, _ in columns],
        field_mask=[is_missing for _, is_missing in columns],
        fields=np.array([*FIELDS, *SOURCE]),
        layer=layer,
        driver="GPKG",
        geometry_type="Point",
        crs=LAMBERT_72,
        append=not is_first,
        DESCRIPTION=description,
        **({"VERSION": "1.3"} if is_first else {}),
    )


def _column(values: pd.Series, field: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """A column's values as GDAL takes them, and which are missing: a day or a text says so by itself."""
    if field.endswith("_on"):
        return values.to_numpy(dtype="datetime64[D]"), None
    if field in _NUMBERS:
        is_missing = values.isna().to_numpy()
        return values.fillna(0).to_numpy(dtype="int32"), is_missing
    return values.to_numpy(dtype=object), None
