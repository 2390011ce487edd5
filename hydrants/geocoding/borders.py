"""Whether a point lies where its record says: in its gemeente, and in its deelgemeente."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from hydrants.errors import ReferenceMissing
from hydrants.reference import deelgemeenten

OUTSIDE_M = 250.0
"""A point this far outside is not explained by GPS noise at the border."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


def is_outside(x_l72: Floats, y_l72: Floats, nis: pd.Series[Any], polygons: gpd.GeoDataFrame) -> Mask:
    """Whether each point lies more than `OUTSIDE_M` outside its gemeente; False where there is no point.

    Raises:
        ReferenceMissing: if a gemeente has no polygon.
    """
    outside = np.zeros(len(x_l72), dtype=bool)
    for code, positions in nis.groupby(nis).indices.items():
        if code not in polygons.index:
            raise ReferenceMissing(f"the boundaries file has no polygon for nis {code}")
        rows = positions[~np.isnan(x_l72[positions])]
        outside[rows] = _is_far_outside(polygons.geometry.loc[code], x_l72[rows], y_l72[rows])
    return outside


def is_outside_deelgemeente(
    x_l72: Floats,
    y_l72: Floats,
    nis: pd.Series[Any],
    stated: pd.Series[Any],
    polygons: Mapping[deelgemeenten.Key, Any],
) -> pd.Series[Any]:
    """Whether each point lies more than `OUTSIDE_M` outside the deelgemeente that its record states.

    Args:
        stated: names as written down; missing where a record states none.
        polygons: see `deelgemeenten.load`.

    Returns:
        True, False, or None where that cannot be said: no name, no point, or no polygon of that name in
        that gemeente.
    """
    outside = pd.Series([None] * len(stated), index=stated.index, dtype=object)
    rows_by_key: defaultdict[deelgemeenten.Key, list[int]] = defaultdict(list)
    for row in np.flatnonzero(stated.notna().to_numpy() & ~np.isnan(x_l72)).tolist():
        rows_by_key[deelgemeenten.key(nis.iloc[row], stated.iloc[row])].append(row)
    for known_by in rows_by_key.keys() & polygons.keys():
        rows = rows_by_key[known_by]
        outside.iloc[rows] = _is_far_outside(polygons[known_by], x_l72[rows], y_l72[rows]).astype(object)
    return outside


def _is_far_outside(polygon: Any, x_l72: Floats, y_l72: Floats) -> Mask:
    shapely.prepare(polygon)
    outside = ~shapely.contains_xy(polygon, x_l72, y_l72)
    outside[outside] = shapely.distance(polygon, shapely.points(x_l72[outside], y_l72[outside])) > OUTSIDE_M
    return outside
