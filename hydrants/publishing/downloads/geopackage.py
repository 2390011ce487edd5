"""The hydrants of a gemeente as a GeoPackage: three layers of points, in QGIS in their colours at once.

All lie in Lambert 72 (EPSG:31370). The styles are in `layer_styles`, the table in which QGIS looks for them.

The file is made in memory, and written as any other: on a full disk GDAL and SQLite say many things, and the
system one. GDAL makes the layer of all hydrants, with what a GeoPackage must have around it; the others are
copies of its rows.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import BytesIO
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

ALL = "brandkranen"
PARTS = {"niet_in_orde": "failed", "nog_te_controleren": "remaining"}
"""Layer -> the status of its hydrants."""

_NUMBERS = ("diameter_mm", "row_number")

_COPY_ROWS = f'INSERT INTO "{{layer}}" SELECT * FROM {ALL} WHERE toestand = ? ORDER BY fid'
_COPY_CONTENTS = f"""
INSERT INTO gpkg_contents
SELECT ?, data_type, ?, description, last_change, ?, ?, ?, ?, srs_id
FROM gpkg_contents WHERE table_name = '{ALL}'
"""
_COPY_GEOMETRY_COLUMN = f"""
INSERT INTO gpkg_geometry_columns
SELECT ?, column_name, geometry_type_name, srs_id, z, m
FROM gpkg_geometry_columns WHERE table_name = '{ALL}'
"""
_COUNT = 'INSERT INTO gpkg_ogr_contents SELECT ?, count(*) FROM "{layer}"'


def write(path: Path, content: Content, nis: str, hydrants: pd.DataFrame) -> None:
    """Write a gemeente's hydrants, as `content.hydrants` gives them."""
    with closing(sqlite3.connect(":memory:")) as file:
        file.deserialize(_with_all(content, nis, hydrants))
        with file:
            for layer, status in PARTS.items():
                _copy(file, layer, hydrants[hydrants["status"] == status], labels.STATUS[status])
            qgis.add(file, [ALL, *PARTS], _moment(content, nis))
        path.write_bytes(file.serialize())


def _moment(content: Content, nis: str) -> str:
    """When the file is said to have been made: on the day of the figures."""
    return f"{content.told[nis].since.isoformat()}T00:00:00.000Z"


def _with_all(content: Content, nis: str, hydrants: pd.DataFrame) -> bytes:
    """A GeoPackage with the layer of all hydrants."""
    name = content.gemeenten()[nis]
    points = shapely.points(hydrants["x_l72"].to_numpy("float64"), hydrants["y_l72"].to_numpy("float64"))
    columns = [_column(hydrants[field], field) for field in {**FIELDS, **SOURCE}.values()]
    made = BytesIO()
    # GDAL would write down when it wrote
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _moment(content, nis)})
    try:
        write_layer(
            made,
            geometry=shapely.to_wkb(points),
            field_data=[values for values, _ in columns],
            field_mask=[is_missing for _, is_missing in columns],
            fields=np.array([*FIELDS, *SOURCE]),
            layer=ALL,
            driver="GPKG",
            geometry_type="Point",
            crs=LAMBERT_72,
            SPATIAL_INDEX="NO",  # of so few points it would be most of the file, and a GIS does without
            DESCRIPTION=f"{name}, {content.about(nis)}",
            VERSION="1.3",
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return made.getvalue()


def _copy(file: sqlite3.Connection, layer: str, hydrants: pd.DataFrame, status_nl: str) -> None:
    """Make a layer of those hydrants that have a status."""
    made_by = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    (table,) = file.execute(made_by, (ALL,)).fetchone()
    file.execute(table.replace(f'"{ALL}"', f'"{layer}"', 1))
    file.execute(_COPY_ROWS.format(layer=layer), (status_nl,))
    x, y = hydrants["x_l72"], hydrants["y_l72"]
    extent = (x.min(), y.min(), x.max(), y.max()) if len(hydrants) else (None,) * 4
    file.execute(_COPY_CONTENTS, (layer, layer, *extent))
    file.execute(_COPY_GEOMETRY_COLUMN, (layer,))
    file.execute(_COUNT.format(layer=layer), (layer,))


def _column(values: pd.Series, field: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """A column's values as GDAL takes them, and which are missing: a day or a text says so by itself."""
    if field.endswith("_on"):
        return values.to_numpy(dtype="datetime64[D]"), None
    if field in _NUMBERS:
        is_missing = values.isna().to_numpy()
        return values.fillna(0).to_numpy(dtype="int32"), is_missing
    return values.to_numpy(dtype=object), None
